"""Runs that take their codes from a chain of pools, on a real store."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import CODES, PUSH, SPEC, add_codes, add_contacts, open_welcome, states, tamper
from promo_campaigns.cli import main
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.definitions.workflow_specs import read_workflow_spec
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.service import DeliveryService
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.answered_ledger import make_ledger
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.lookups.pools import read_burn, read_pools
from promo_campaigns.ledger.runs import close_run, lock_free_codes, open_run, read_batches
from promo_campaigns.ledger.stock_forecast import weigh
from promo_campaigns.model.errors import ConfigurationError, PoolShortageError
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.parameters import code_request
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_spec import CodeRequest, FallbackCode, Pool, RunSpec
from promo_campaigns.postgres.background_jobs import begin_job
from promo_campaigns.preview.approval_form import approval_form
from promo_campaigns.preview.dry_run import write_preview
from promo_campaigns.preview.kept_dry_run import DRY_RUN, job_terms, keep_dry_run, read_page, render_page
from promo_campaigns.preview.start import AS_USUAL
from promo_campaigns.redemptions.report import report_redemptions
from promo_campaigns.workflows import PromoWorkflow

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

SPRING = Pool(type="Spring", discount=5)
CHAIN = replace(CODES, next_pools=(SPRING,))
TEXT = "$promocode $promocode_type $discount"
SPEC_WITH = replace(SPEC, codes=CHAIN, message=replace(PUSH, body=TEXT), data_sources=())
SPRING_ONLY = replace(SPEC, workflow="spring", codes=CodeRequest(type="Spring", discount=5, days=7))
PAGE = Path(__file__).parents[2] / "docs" / "code-chains.md"


def add_spring_codes(store: Connection, count: int, *, prefix: str = "SPRING") -> list[str]:
    """Add codes of the second pool."""
    codes = add_codes(store, count, prefix=prefix)
    store.execute("update promo.promo_code set type = 'Spring', discount = 5 where code = any(%s)", [codes])
    return codes


def test_each_pool_gives_what_it_has_and_the_next_one_the_rest(store: Connection, dsn: str) -> None:
    contacts, welcome, spring = add_contacts(store, 5), add_codes(store, 2), add_spring_codes(store, 4)
    rows: list[Any] = []
    report = write_preview(store, CompiledCampaign(SPEC_WITH), [rows.extend])
    assert [row.body.split()[1:] for row in rows] == [["Welcome", "10"]] * 2 + [["Spring", "5"]] * 3
    assert report.states == {"send": 5}
    weighed = report.as_dict()["forecast"]
    assert [pool["gives"] for pool in weighed.pop("pools")] == [2, 3]
    assert weighed == {"demand": 5, "ahead": 0, "stock": 6, "expiring": 0, "shortfall": 0}
    assert "codes are taken in turn: 2 of Welcome with 10 %, 3 of Spring with 5 %" in report.notes
    form = approval_form(SPEC_WITH, "a run", report, {})[1]
    assert "- codes: Welcome, 10 %, then Spring, 5 %, valid for 7 days" in form
    assert "| taken from Spring, 5 % | 3 |" in form
    run = open_welcome(store, spec=SPEC_WITH)
    assert {row["type"]: row["reserved"] for row in read_pools(store)} == {"Welcome": 2, "Spring": 3}
    (batch,) = read_batches(store, run, 100)
    with DeliveryService(dsn, lambda _: pytest.fail("nobody is called")).open(run.run_id) as delivery:
        for _ in range(2):  # again: nothing more is given
            asyncio.run(delivery.deliver(batch))
    bodies = {one["contact_id"]: one["body"] for one in read_inbox(store)}
    codes = [*(f"{code} Welcome 10" for code in welcome), *(f"{code} Spring 5" for code in spring[:3])]
    assert bodies == dict(zip(contacts, codes, strict=True))
    told = close_run(store, run.run_id)
    assert [pool["given"] for pool in told.as_dict()["pools"]] == [2, 3]
    assert (told.tally.given, told.pool_left) == (5, 1)
    assert ("of these, from Spring, 5 %", 3) in told.rows()
    assert [read_burn(store, *pool, 30)[0]["given"] for pool in (("Welcome", 10), ("Spring", 5))] == [2, 3]
    assert [one.name for one in report_redemptions(store, run_key=run.run_key).pools] == ["Welcome 10, Spring 5"]
    assert check_invariants(store) == []


def test_a_chain_takes_of_each_pool_what_runs_before_leave_and_they_keep_what_is_theirs(store: Connection) -> None:
    add_contacts(store, 4)
    add_codes(store, 3)
    add_spring_codes(store, 6)
    first = open_welcome(store, spec=SPEC_WITH)  # will take 3 and 1
    told = weigh(store, SPRING_ONLY.codes)
    assert (told.stock, told.ahead, told.free) == (6, 1, 5)
    assert weigh(store, CODES).free == 0
    second = open_welcome(store, "spring/edition/one", SPRING_ONLY)  # 4 of the 5 that are left
    with pytest.raises(PoolShortageError, match=r"holds 9 free codes .* 12 are needed, 8 of them .*: 3 short"):
        open_welcome(store, "welcome/edition/two", SPEC_WITH)
    assert lock_free_codes(store, CHAIN) == 1
    for run, spec in ((second, SPRING_ONLY), (first, SPEC_WITH)):  # in either order
        (batch,) = read_batches(store, run, 100)
        ledger = make_ledger(store, spec)
        ledger.assign_codes(run.run_id, ledger.reachable_contacts(batch), spec.codes)
        assert states(store, run) == {"assigned": 4}
    assert weigh(store, CHAIN).free == 1
    assert check_invariants(store) == []


def test_shortage_is_of_the_whole_chain_and_a_code_that_fell_short_is_exchanged_along_it(store: Connection) -> None:
    contacts = add_contacts(store, 4)
    (short, welcome), (spring,) = add_codes(store, 2, days=20), add_spring_codes(store, 1)
    with pytest.raises(PoolShortageError, match="the chain of the pools 'Welcome' with discount 10, then 'Spring'"):
        open_welcome(store, spec=SPEC_WITH)
    shared = FallbackCode(code="FOR-ALL", type="Fallback", discount=1, expires="2037-03-31")
    spec = replace(SPEC_WITH, fallback=shared)
    run = open_welcome(store, spec=spec)
    ledger = make_ledger(store, spec)
    given = [short, welcome, spring, shared.code]
    assert ledger.assign_codes(run.run_id, contacts, CHAIN) == list(zip(contacts, given, strict=True))
    (later,) = add_spring_codes(store, 1, prefix="LATE")
    tamper(store, "update promo.promo_code set expires_at = now() + interval '2 days' where code = %s", [short])
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    assert [one.code for one in lease.recipients] == [later, welcome, spring, shared.code]
    assert lease.recipients[0].code_type == "Spring"
    assert check_invariants(store, run.run_id) == []
    tamper(store, "update promo.promo_code set type = 'Other' where code = %s", [spring])
    assert [one.invariant for one in check_invariants(store, run.run_id)] == ["code_of_its_pools"]


def test_some_go_without_and_a_code_of_any_pool_is_given_again(store: Connection) -> None:
    contacts = add_contacts(store, 3)
    (welcome,), (spring,) = add_codes(store, 1), add_spring_codes(store, 1)
    reusing = replace(SPEC_WITH, reuse=Reuse.SAME)
    run = open_run(store, reusing, run_key="welcome/edition/one", stock_policy=StockPolicy.PARTIAL)
    ledger = make_ledger(store, reusing)
    (batch,) = read_batches(store, run, 100)
    assert ledger.reachable_contacts(batch) == contacts[:2]
    held = [(contacts[0], welcome), (contacts[1], spring)]
    assert ledger.assign_codes(run.run_id, contacts[:2], CHAIN) == held
    rows: list[Any] = []
    report = write_preview(store, CompiledCampaign(reusing), [rows.extend])
    assert report.forecast is not None
    assert report.forecast.demand == 1
    assert [row.body.split()[1:] for row in rows[:2]] == [["Welcome", "10"], ["Spring", "5"]]
    later = open_run(store, reusing, run_key="welcome/edition/two", stock_policy=StockPolicy.PARTIAL)
    assert ledger.assign_codes(later.run_id, contacts[:2], CHAIN) == held
    assert check_invariants(store) == []


def test_a_kept_dry_run_shows_the_type_and_discount_of_each_contacts_own_code(store: Connection, dsn: str) -> None:
    add_contacts(store, 3)
    add_codes(store, 1)
    add_spring_codes(store, 1)
    spec = replace(SPEC_WITH, fallback=FallbackCode(code="FOR-ALL", type="Fallback", discount=1, expires="2037-03-31"))
    job = begin_job(store, DRY_RUN, "welcome", actor="ops", terms=job_terms(spec, {}))
    assert job is not None
    keep_dry_run(dsn, job, spec, AS_USUAL, lambda _: None)
    rows = render_page(store, job, read_page(store, job).rows)
    assert [(row.code_type, row.discount) for row in rows] == [("Welcome", 10), ("Spring", 5), ("Fallback", 1)]
    assert [row.body.split()[1:] for row in rows] == [["Welcome", "10"], ["Spring", "5"], ["Fallback", "1"]]


def test_a_definition_without_a_chain_keeps_its_digest_and_a_pool_stands_once() -> None:
    assert RunSpec.from_dict(SPEC_WITH.as_dict()) == SPEC_WITH
    assert "next_pools" not in SPEC.as_dict()["codes"]
    assert code_request("Welcome", "10", 7, [{"type": "Spring", "discount": "5"}]) == CHAIN
    many = [{"type": str(n), "discount": n} for n in range(10)]
    for wrong, said in (
        ([{"type": "Welcome", "discount": 10}], "'Welcome' with discount 10 stands twice"),
        ("Spring", "must be a list"),
        ([{"type": "Spring"}], "has a type and a discount"),
        (many, "up to 10 pools"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            code_request("Welcome", 10, 7, wrong)


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
    workflow = check_workflow(files, "spring_mail")
    assert read_workflow_spec(files, workflow, {}).codes == CHAIN
    assert files.code_types == ["Spring", "Welcome"]
    dag = PromoWorkflow(workflow, include=files).dag
    for task in ("start", "batch.get_promo_code"):
        block: Any = dag.get_task(task)
        given = getattr(block, "partial_kwargs", {}).get("next_pools") or block.next_pools
        assert given == [{"type": "Spring", "discount": 5}]
    capsys.readouterr()
    second = "    - type: Spring\n      discount: 5\n"
    for wrong, said in (
        (text.replace(second, "    - type: Spring\n"), "'discount' is missing in 'next_pools'"),
        (text.replace(second, "    - type: Welcome\n      discount: 10\n"), "stands twice"),
        (text.replace(second, "    - type: Spring\n      discount: 500\n"), "'discount' cannot be 500"),
        (text + "fallback_code: {code: ALL, discount: 1, expires: 2037-03-31, type: Spring}\n", "the type of the pool"),
    ):
        (tmp_path / name).write_text(wrong, encoding="utf-8")
        assert main(["workflows", "check", "--include", "include"]) == 1
        assert said in "".join(capsys.readouterr())
