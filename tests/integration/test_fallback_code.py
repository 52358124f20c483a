"""The code that all those share for whom the pool has none, on a real store."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from integration.scenario import CODES, PUSH, SPEC, add_codes, add_contacts, free_codes, open_welcome, states
from promo_campaigns.cli import main
from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.definitions.workflow_specs import read_workflow_spec
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.service import DeliveryService
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.answered_ledger import make_ledger
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.lookups.export import export_codes
from promo_campaigns.ledger.runs import close_run, read_batches
from promo_campaigns.model.errors import ConfigurationError, PoolShortageError
from promo_campaigns.model.run_spec import FallbackCode, RunSpec
from promo_campaigns.preview.dry_run import write_preview
from promo_campaigns.redemptions.rules import Redemption
from promo_campaigns.redemptions.store import add_redemptions

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

SHARED = FallbackCode(code="SPRING-FOR-ALL", type="Fallback", discount=5, expires="2037-03-31", time_zone="Europe/Kyiv")
TEXT = "$promocode $promocode_type $discount $expiration_date"
SPEC_WITH = replace(SPEC, message=replace(PUSH, body=TEXT), fallback=SHARED)
PAGE = Path(__file__).parents[2] / "docs" / "fallback-code.md"


def test_those_without_a_code_of_the_pool_share_the_fallback_code(
    store: Connection, dsn: str, receiver: Receiver
) -> None:
    extras = {"allow_insecure": True, "allow_private": True}
    settings = ConnectionSettings(name="profiles", host="127.0.0.1", port=receiver.port, extras=extras)
    contacts, codes = add_contacts(store, 4), add_codes(store, 2)
    rows: list[Any] = []
    report = write_preview(store, CompiledCampaign(SPEC_WITH), [rows.extend])
    assert (report.states, report.refusals) == ({"send": 4}, [])
    assert report.warnings["the fallback code"] == 2
    assert "2 codes short: as many contacts get the fallback code" in report.notes
    run = open_welcome(store, spec=SPEC_WITH)
    (batch,) = read_batches(store, run, 100)
    with DeliveryService(dsn, lambda _: settings).open(run.run_id) as delivery:
        for _ in range(2):  # again: nothing more is given
            asyncio.run(delivery.deliver(batch))
    bodies = {one["contact_id"]: one["body"] for one in read_inbox(store)}
    assert [bodies[who].split()[0] for who in contacts] == [*codes, SHARED.code, SHARED.code]
    assert bodies[contacts[3]].startswith(f"{SHARED.code} Fallback 5 2037-03-31")
    assert sum(SHARED.code.encode() in one.body for one in receiver.received) == 2
    told = close_run(store, run.run_id)
    assert (told.tally.given, told.fallback, told.as_dict()["fallback"]) == (4, 2, 2)
    assert ("of these, the fallback code", 2) in told.rows()
    exported: list[Any] = []
    export_codes(store, [run.run_id], exported.extend, subject="a run", reveal=True)
    assert [row[4:7] for row in exported][2:] == [(SHARED.code, "Fallback", 5)] * 2
    bought = Redemption(
        code=SHARED.code, order_id="O-1", redeemed_at=datetime.now(timezone.utc), contact_id=contacts[3]
    )
    assert add_redemptions(store, [bought], "file")[1][""] == 1
    assert (free_codes(store), check_invariants(store)) == (0, [])


def test_a_copy_that_is_given_back_is_never_free_and_a_later_run_takes_the_pool_first(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    run = open_welcome(store, spec=SPEC_WITH)
    ledger = make_ledger(store, SPEC_WITH)
    assert ledger.assign_codes(run.run_id, contacts, CODES) == [(who, SHARED.code) for who in contacts]
    assert ledger.assign_codes(run.run_id, contacts, CODES) == [(who, SHARED.code) for who in contacts]
    store.execute("update promo.run set halt = 'cancelled', halted_at = now(), halted_by = 'ops'")
    ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    assert states(store, run) == {"skipped": 2}
    (code, *_) = add_codes(store, 1)
    assert free_codes(store) == 1
    later = open_welcome(store, "welcome/edition/two", SPEC_WITH)
    assert ledger.assign_codes(later.run_id, contacts, CODES) == [(contacts[0], code), (contacts[1], SHARED.code)]
    assert check_invariants(store) == []
    with pytest.raises(psycopg.errors.CheckViolation, match="what was told"):
        store.execute("update promo.promo_code set retired = false where shared")


def test_a_code_that_cannot_be_shared_is_refused_and_without_one_a_dry_pool_stops_the_run(store: Connection) -> None:
    add_contacts(store, 1)
    with pytest.raises(PoolShortageError):
        open_welcome(store)
    (code,) = add_codes(store, 1)
    for wrong, said in (
        (replace(SHARED, code=code.lower()), "is one of the pool"),
        (replace(SHARED, expires="2026-01-31"), "must be valid for 7 more days"),
    ):
        spec = replace(SPEC_WITH, fallback=wrong)
        with pytest.raises(ConfigurationError, match=said):
            open_welcome(store, spec=spec)
        assert said in write_preview(store, CompiledCampaign(spec), []).refusals[0]
    assert RunSpec.from_dict(SPEC_WITH.as_dict()) == SPEC_WITH
    assert "fallback" not in SPEC.as_dict()
    assert SHARED.code not in repr(SPEC_WITH)


def test_the_example_of_the_page_says_what_a_workflow_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "."]) == 0
    ((name, text),) = re.findall(
        r"^```yaml (\S+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    (tmp_path / name).write_text(text, encoding="utf-8")
    files = IncludeFolder(tmp_path / "include")
    spec = read_workflow_spec(files, check_workflow(files, "spring_mail"), {})
    assert spec.fallback == replace(SHARED, time_zone="UTC")
    capsys.readouterr()
    for wrong, said in (
        (text.replace("  code: SPRING-FOR-ALL\n", ""), "'code' is missing in 'fallback_code'"),
        (text.replace("2037-03-31", "soon"), "'expires' cannot be 'soon'"),
        (text + "  type: Welcome\n", "has the type of the pool"),
        (text.replace("audience: all_contacts", "audience:\n  event: order"), "wait for one"),
    ):
        (tmp_path / name).write_text(wrong, encoding="utf-8")
        assert main(["workflows", "check", "--include", "include"]) == 1
        assert said in "".join(capsys.readouterr())
