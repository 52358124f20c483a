"""Codes that carry attributes, which their contacts must have, and codes with a start, on a real store."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from integration.scenario import CODES, PUSH, SPEC, add_contacts, open_welcome, states, tamper
from promo_campaigns.cli import main
from promo_campaigns.code_files.code_terms import CodeTerms
from promo_campaigns.code_files.generate import generate_codes
from promo_campaigns.code_files.load import load_code_file, withdraw_code_file
from promo_campaigns.code_files.shop_file import LocalShopFile
from promo_campaigns.code_files.stock import stock
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.definitions.workflow_specs import read_workflow_spec
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.service import DeliveryService
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.answered_ledger import make_ledger
from promo_campaigns.ledger.event_queue import listen, open_event_run
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.lookups.pools import read_pools
from promo_campaigns.ledger.restores.restoring import say_restored
from promo_campaigns.ledger.restores.told_sends import reconcile_file
from promo_campaigns.ledger.retention import erase_old
from promo_campaigns.ledger.runs import close_run, open_run, read_batches
from promo_campaigns.ledger.stock_forecast import weigh
from promo_campaigns.model.attributes import Match
from promo_campaigns.model.errors import CodeFileError, ConfigurationError, PoolShortageError
from promo_campaigns.model.events import EventTerms
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.masking import mask
from promo_campaigns.model.parameters import code_request
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_spec import FallbackCode, Pool, RunSpec
from promo_campaigns.preview.dry_run import write_preview
from promo_campaigns.workflows import PromoWorkflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.load_report import LoadReport
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

PAGE = Path(__file__).parents[2] / "docs" / "code-attributes.md"
STORE = Match(name="store", source="contact.store")
MATCHING = replace(CODES, match=(STORE,))
SPEC_WITH = replace(SPEC, codes=MATCHING, message=replace(PUSH, body="$promocode"), data_sources=())
CHAIN = replace(MATCHING, next_pools=(Pool(type="Spring", discount=5),))
TAMPER = "update promo.promo_code set attributes = %s where code = %s"


def load(store: Connection, rows: str, *, name: str = "codes.csv") -> LoadReport:
    """Load codes that expire in 2037: a line for each, with code, discount, type, store and start."""
    lines = [f"{code},2037-01-01,{rest}" for code, rest in (line.split(",", 1) for line in rows.split())]
    text = "\n".join(["code,expirationDate,discount,type,attr:store,startDate", *lines])
    return load_code_file(store, io.BytesIO(text.encode()), name=name)


def add_people(store: Connection, stores: Sequence[str]) -> list[int]:
    """Add contacts with a value of the field ``store``; none where it is empty."""
    contacts = add_contacts(store, len(stores))
    store.execute(
        "insert into promo.contact_field (name, type) values ('Store', 'textfield')"
        ' on conflict (lower(name) collate "C") do nothing'
    )
    store.execute(
        "insert into promo.contact_field_value (contact_id, contact_field_id, value)"
        " select c, f.contact_field_id, v from unnest(%s::bigint[], %s::text[]) one (c, v), promo.contact_field f"
        " where v <> ''",
        [contacts, list(stores)],
    )
    return contacts


def send(store: Connection, dsn: str, run: Run) -> None:
    """Send a run to its end, into the inbox."""
    (batch,) = read_batches(store, run, 1000)
    with DeliveryService(dsn, lambda _: pytest.fail("nobody is called")).open(run.run_id) as delivery:
        asyncio.run(delivery.deliver(batch))


def assign(store: Connection, run: Run, spec: RunSpec = SPEC_WITH) -> list[str]:
    """Claim codes for everybody in a run, and return them in the order of contacts."""
    ledger = make_ledger(store, spec)
    (batch,) = read_batches(store, run, 1000)
    return [code for _, code in ledger.assign_codes(run.run_id, ledger.reachable_contacts(batch), spec.codes)]


POOLS = """
K1,10,Welcome,Kyiv,
K2,10,Welcome,Kyiv,
L1,10,Welcome,Lviv,
A1,10,Welcome,,
A2,10,Welcome,,
"""


def test_a_code_is_given_only_to_a_contact_who_has_what_it_carries(store: Connection) -> None:
    add_people(store, ["Lviv", "Kyiv", "", " Kyiv ", "Lviv"])
    report = load(store, POOLS)
    assert (report.inserted, report.rejected_count) == (5, 0)
    rows: list[Any] = []
    preview = write_preview(store, CompiledCampaign(SPEC_WITH), [rows.extend])
    assert [row.code[:1] for row in rows] == ["L", "K", "A", "K", "A"]
    assert preview.as_dict()["forecast"] == {
        "demand": 5,
        "ahead": 0,
        "stock": 5,
        "expiring": 0,
        "shortfall": 0,
        "values": [
            {"contacts": "store Kyiv", "demand": 2, "free": 2, "short": 0},
            {"contacts": "store Lviv", "demand": 2, "free": 1, "short": 0},
            {"contacts": "no attributes", "demand": 1, "free": 2, "short": 0},
        ],
    }
    assert "store Lviv: 2 contacts, 1 codes of their own" in preview.notes
    run = open_welcome(store, spec=SPEC_WITH)
    (pool,) = read_pools(store)
    assert pool["reserved"] == 5
    assert pool["values"] == [{"attributes": "store Kyiv", "free": 2}, {"attributes": "store Lviv", "free": 1}]
    again = write_preview(store, CompiledCampaign(SPEC_WITH), [], run_id=run.run_id)
    assert again.forecast is not None
    assert [one.demand for one in again.forecast.values] == [1, 2, 2]
    assert assign(store, run) == ["L1", "K1", "A1", "K2", "A2"]
    assert assign(store, run) == ["L1", "K1", "A1", "K2", "A2"]
    assert check_invariants(store) == []
    with pytest.raises(psycopg.errors.CheckViolation, match="never changed"):
        store.execute(TAMPER, ['{"store": "Odesa"}', "K1"])
    with pytest.raises(psycopg.errors.CheckViolation, match="never changed"):
        store.execute("update promo.match_value set attributes = ''")
    tamper(store, TAMPER, ['{"store": "Lviv"}', "K1"])
    assert [one.invariant for one in check_invariants(store, run.run_id)] == ["code_matches"]


def test_a_workflow_that_matches_nothing_gives_out_no_code_with_attributes(store: Connection) -> None:
    add_people(store, ["Kyiv", "Kyiv"])
    load(store, "K1,10,Welcome,Kyiv,\nK2,10,Welcome,Kyiv,\nA1,10,Welcome,,")
    with pytest.raises(PoolShortageError, match=r"holds 1 free codes .* and 2 are needed: 1 short;"):
        open_welcome(store)
    assert weigh(store, CODES).stock == 1


def test_contacts_without_a_code_that_suits_them_fall_short_as_of_an_empty_pool(store: Connection) -> None:
    contacts = add_people(store, ["Kyiv", "Lviv", "Lviv", "Kyiv"])
    load(store, "K1,10,Welcome,Kyiv,\nK2,10,Welcome,Kyiv,\nK3,10,Welcome,Kyiv,\nL1,10,Welcome,Lviv,")
    said = r"1 short \(1 for store Lviv\); nobody was sent anything: load at least 1 more codes"
    with pytest.raises(PoolShortageError, match=said):
        open_welcome(store, spec=SPEC_WITH)
    shared = FallbackCode(code="FOR-ALL", type="Fallback", discount=1, expires="2037-03-31")
    spec = replace(SPEC_WITH, fallback=shared)
    run = open_welcome(store, spec=spec)
    assert assign(store, run, spec) == ["K1", "L1", "FOR-ALL", "K2"]
    assert check_invariants(store) == []
    load(store, "L2,10,Welcome,Lviv,\nL3,10,Welcome,Lviv,\nK4,10,Welcome,Kyiv,", name="more.csv")
    store.execute(
        "insert into promo.contact_field_value select %s, contact_field_id, 'Lviv' from promo.contact_field"
        " on conflict (contact_id, contact_field_id) do update set value = 'Lviv'",
        [contacts[0]],
    )
    some = open_run(store, SPEC_WITH, run_key="welcome/edition/two", stock_policy=StockPolicy.PARTIAL)
    assert assign(store, some) == ["L2", "L3", "K3"]  # of Lviv the last one goes without
    assert states(store, some) == {"assigned": 3, "skipped": 1}
    assert check_invariants(store) == []


def test_what_contacts_have_is_frozen_and_the_same_when_a_run_is_opened_again(store: Connection, dsn: str) -> None:
    add_people(store, ["Kyiv", "Lviv", "Kyiv"])
    load(store, "K1,10,Welcome,Kyiv,\nL1,10,Welcome,Lviv,\nL2,10,Welcome,Lviv,")
    first = open_run(store, SPEC_WITH, run_key="welcome/edition/one", stock_policy=StockPolicy.PARTIAL)
    store.execute("update promo.contact_field_value set value = 'Lviv'")
    send(store, dsn, first)
    assert close_run(store, first.run_id).tally.skipped == {"no code": 1}
    load(store, "K2,10,Welcome,Kyiv,", name="more.csv")
    again = open_welcome(store, spec=SPEC_WITH)
    assert again.run_id == first.run_id
    send(store, dsn, again)
    assert [one["body"] for one in sorted(read_inbox(store), key=lambda one: one["contact_id"])] == ["K1", "L1", "K2"]
    assert check_invariants(store) == []


def test_a_chain_gives_what_carries_the_values_first_and_then_what_suits_everybody(store: Connection) -> None:
    add_people(store, ["Kyiv", "Kyiv", "Kyiv", "Lviv", ""])
    load(store, "K1,10,Welcome,Kyiv,\nA1,10,Welcome,,\nS1,5,Spring,Kyiv,\nS2,5,Spring,,\nS3,5,Spring,,")
    spec = replace(SPEC_WITH, codes=CHAIN)
    rows: list[Any] = []
    preview = write_preview(store, CompiledCampaign(spec), [rows.extend])
    assert preview.forecast is not None
    assert preview.forecast.gives == [2, 3]
    run = open_welcome(store, spec=spec)
    assert {row["type"]: row["reserved"] for row in read_pools(store)} == {"Welcome": 2, "Spring": 3}
    with pytest.raises(PoolShortageError, match=r"holds 1 free codes .* and 5 are needed, 1 of them|short"):
        open_welcome(store, "welcome/edition/two", replace(SPEC, workflow="other"))
    given = assign(store, run, spec)
    assert given == ["K1", "S1", "A1", "S2", "S3"]
    assert [row.code for row in rows] == [mask(code) for code in given]
    assert check_invariants(store) == []


def test_a_contact_is_given_again_only_a_code_that_still_suits_it(store: Connection) -> None:
    contacts = add_people(store, ["Kyiv", "Lviv", ""])
    load(store, "K1,10,Welcome,Kyiv,\nL1,10,Welcome,Lviv,\nK2,10,Welcome,Kyiv,\nA1,10,Welcome,,")
    spec = replace(SPEC_WITH, reuse=Reuse.SAME)
    first = open_welcome(store, spec=spec)
    assert assign(store, first, spec) == ["K1", "L1", "A1"]
    store.execute("update promo.contact_field_value set value = 'Kyiv' where contact_id = %s", [contacts[1]])
    rows: list[Any] = []
    preview = write_preview(store, CompiledCampaign(spec), [rows.extend])
    assert preview.forecast is not None
    assert preview.forecast.demand == 1
    second = open_welcome(store, "welcome/edition/two", spec)
    assert assign(store, second, spec) == ["K1", "K2", "A1"]
    assert check_invariants(store) == []


def test_a_code_is_not_given_before_its_start(store: Connection) -> None:
    add_people(store, ["Kyiv", "Kyiv"])
    load(store, "K1,10,Welcome,Kyiv,2036-01-01\nK2,10,Welcome,Kyiv,2020-01-01\nA1,10,Welcome,,2036-01-01")
    assert [(one.attributes, one.free, one.retired) for one in stock(store)] == [("", 0, 1), ("store Kyiv", 1, 1)]
    with pytest.raises(PoolShortageError):
        open_welcome(store, spec=SPEC_WITH)
    for attack in (
        "update promo.promo_code set retired = false, waits_until = null where code = 'K1'",
        "update promo.promo_code set waits_until = now() - interval '1 day' where code = 'K1'",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            store.execute(attack)
    tamper(store, "update promo.promo_code set waits_until = now() - interval '1 day' where code = 'K1'")
    run = open_welcome(store, spec=SPEC_WITH)
    assert sorted(assign(store, run)) == ["K1", "K2"]
    (file,) = store.execute("select code_file_id from promo.code_file").fetchall()
    withdraw_code_file(store, file["code_file_id"])
    tamper(store, "update promo.promo_code set waits_until = waits_until - interval '20 years'")
    assert [one.free for one in stock(store)] == [0, 0]
    assert check_invariants(store) == []


def test_codes_that_start_while_a_run_is_open_are_given_when_it_falls_short(store: Connection) -> None:
    add_people(store, ["Kyiv"])
    load(store, "K1,10,Welcome,Kyiv,\nK2,10,Welcome,Kyiv,2036-01-01")
    run = open_welcome(store, spec=SPEC_WITH)
    tamper(store, "update promo.promo_code set retired = true where code = 'K1'")
    with pytest.raises(PoolShortageError, match="1 of 1 contacts got no code"):
        assign(store, run)
    tamper(store, "update promo.promo_code set waits_until = now() where code = 'K2'")
    assert assign(store, run) == ["K2"]


def test_values_are_erased_with_their_contact_and_by_the_runs_age(store: Connection) -> None:
    contacts = add_people(store, ["Kyiv", "Kyiv"])
    load(store, "K1,10,Welcome,Kyiv,\nK2,10,Welcome,Kyiv,")
    run = open_welcome(store, spec=SPEC_WITH)
    assert assign(store, run) == ["K1", "K2"]
    assert erase_contact(store, contact_id=contacts[0]).contact_id == contacts[0]
    assert len(store.execute("select from promo.match_value").fetchall()) == 1
    store.execute("alter table promo.run disable trigger run_opened_with")
    store.execute("update promo.run set opened_at = now() - interval '31 days'")
    assert erase_old(store, days=30)["match_values"] == 1
    assert check_invariants(store) == []


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("attr:store", "x" * 101, "longer than 100 characters"),
        ("attr:store", "#N/A", "an error"),
        ("startDate", "soon", "not a date"),
        ("startDate", "2037-02-01", "not before the code expires"),
    ],
)
def test_what_cannot_be_an_attribute_or_a_start_is_rejected(
    store: Connection, header: str, row: str, said: str
) -> None:
    text = f"code,expirationDate,discount,type,{header}\nA,2037-01-01,10,Welcome,{row}\nB,2037-01-01,10,Welcome,\n"
    report = load_code_file(store, io.BytesIO(text.encode()), name="codes.csv")
    assert report.inserted == 1
    ((line, column, reason),) = [(one.line, one.column, one.reason) for one in report.rejected]
    assert (line, column) == (2, header.removeprefix("attr:"))
    assert said in reason


def test_a_file_with_other_attributes_is_an_update_and_a_column_must_be_named(store: Connection) -> None:
    load(store, "K1,10,Welcome,Kyiv,\nK2,10,Welcome,Kyiv,")
    again = load(store, "K1,10,Welcome,Lviv,\nK2,10,Welcome,Kyiv,", name="again.csv")
    assert (again.updated, again.unchanged) == (1, 1)
    text = b"code,expirationDate,discount,type,store\nA,2037-01-01,10,Welcome,Kyiv\n"
    with pytest.raises(CodeFileError, match="attr: with a name for each attribute"):
        load_code_file(store, io.BytesIO(text), name="codes.csv")


def test_what_cannot_be_matched_is_refused() -> None:
    assert code_request("Welcome", 10, 7, match={"store": "$contact.store"}) == MATCHING
    assert RunSpec.from_dict(SPEC_WITH.as_dict()) == SPEC_WITH
    assert "match" not in SPEC.as_dict()["codes"]
    for wrong in ({"store": "store"}, {"my store": "$contact.store"}, ["store"], {"store": "$event.store"}):
        with pytest.raises(ConfigurationError, match="match"):
            code_request("Welcome", 10, 7, match=wrong)


def test_the_example_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    assert main(["init", "."]) == 0
    for name, text in re.findall(
        r"^```\w+ (\S+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert main(["codes", "load", "codes.csv"]) == 0
    files = IncludeFolder(tmp_path / "include")
    workflow = check_workflow(files, "store_mail")
    spec = read_workflow_spec(files, workflow, {})
    assert spec.codes == MATCHING
    dag = PromoWorkflow(workflow, include=files).dag
    start: Any = dag.get_task("start")
    assert start.match == {"store": "$contact.store"}
    add_people(store, ["Lviv", "Kyiv", "Lviv"])
    store.execute("update promo.contact_channel set type = 'email', value = contact_id || '@example.org'")
    run = open_welcome(store, spec=spec)
    assert assign(store, run, spec) == ["LVIV-9TRW", "KYIV-7KQ2", "ANY-2HFC"]
    capsys.readouterr()
    assert main(["codes", "stock"]) == 0
    assert "store Kyiv" in capsys.readouterr().out
    wrong = (tmp_path / "include/workflows/store_mail.yaml").read_text().replace("$contact.store", "store")
    (tmp_path / "include/workflows/store_mail.yaml").write_text(wrong)
    assert main(["workflows", "check", "--include", "include"]) == 1
    assert "match cannot read 'store'" in "".join(capsys.readouterr())


def test_a_restored_store_believes_a_receiver_that_sent_a_code_which_suits_no_more(store: Connection) -> None:
    (person,) = add_people(store, ["Lviv"])
    load(store, POOLS)
    run = open_welcome(store, spec=SPEC_WITH)
    say_restored(store, datetime.now(timezone.utc) - timedelta(minutes=1), by="anna")
    log = f"contact_id,code,run_key\n{person},K1,{run.run_key}\n"
    assert reconcile_file(store, io.BytesIO(log.encode()), file="log.csv").accepted == 1
    assert check_invariants(store) == []


def test_events_are_taken_as_far_as_codes_suit_their_contacts(store: Connection) -> None:
    contacts = add_people(store, ["Kyiv", "Kyiv", "Lviv", "Kyiv"])
    load(store, "K1,10,Welcome,Kyiv,\nL1,10,Welcome,Lviv,\nA1,10,Welcome,,")
    terms = EventTerms(workflow="welcome", type="visit")
    listen(store, workflow="welcome", type_name="visit")
    for contact in contacts:
        store.execute(
            "with e as (insert into promo.event (type, contact_id, params, token)"
            " values ('visit', %s, '{}', gen_random_uuid()) returning event_id, contact_id, received_at)"
            " insert into promo.event_queue (event_id, workflow, contact_id, received_at)"
            " select event_id, 'welcome', contact_id, received_at from e",
            [contact],
        )
    run = open_event_run(store, SPEC_WITH, terms=terms, run_key="welcome/events/1")
    assert run is not None
    assert assign(store, run) == ["K1", "A1", "L1"]
    assert check_invariants(store) == []


def test_generated_codes_carry_attributes_and_a_start(store: Connection, tmp_path: Path) -> None:
    terms = CodeTerms(
        count=3,
        pattern="S-????????",
        type="Welcome",
        discount=10,
        expires="2037-03-31",
        attributes={"store": "Kyiv, old"},
    )
    file = LocalShopFile(tmp_path / "spring.csv")
    made = generate_codes(store, terms, file)
    lines = (tmp_path / "spring.csv").read_text().splitlines()
    assert lines[0] == "code,expirationDate,discount,type,attr:store"
    assert all(line.endswith(',2037-03-31,10,Welcome,"Kyiv, old"') for line in lines[1:])
    assert [(one.attributes, one.free) for one in stock(store)] == [("store Kyiv, old", 3)]
    (tmp_path / "spring.csv").unlink()
    assert generate_codes(store, terms, file).sha256 == made.sha256
    later = replace(terms, starts="2036-01-01", attributes={})
    generate_codes(store, later, LocalShopFile(tmp_path / "later.csv"))
    assert (tmp_path / "later.csv").read_text().splitlines()[0] == "code,expirationDate,discount,type,startDate"
    assert [(one.attributes, one.free, one.retired) for one in stock(store)] == [("", 0, 3), ("store Kyiv, old", 3, 0)]
    report = load_code_file(store, io.BytesIO((tmp_path / "later.csv").read_bytes()), name="again.csv")
    assert report.unchanged == 3
    for wrong in ({"Store": "Kyiv"}, {"store": " Kyiv"}, {"store": ""}):
        with pytest.raises(ConfigurationError, match="attribute"):
            generate_codes(store, replace(terms, attributes=wrong), LocalShopFile(tmp_path / "wrong.csv"))
    with pytest.raises(ConfigurationError, match="cannot start"):
        generate_codes(store, replace(terms, starts="2038-01-01"), LocalShopFile(tmp_path / "wrong.csv"))
