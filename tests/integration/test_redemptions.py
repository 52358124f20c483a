"""Codes that were used in a shop: kept once, whichever way they come, attributed, and told where they are odd."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd  # type: ignore[import-untyped]  # it has no types here
import psycopg
import pytest

from integration.scenario import CODES, SPEC, add_codes, add_contacts, free_codes, open_welcome, tamper
from promo_campaigns import PromoStore
from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import read_batches
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.postgres.audit import list_audit
from promo_campaigns.postgres.migrations import SCRIPTS
from promo_campaigns.redemptions.query import load_redemptions
from promo_campaigns.redemptions.report import count_redeemed, list_findings, report_redemptions
from promo_campaigns.redemptions.rules import Redemption, RedemptionFileError, RedemptionRuleError, parse_redemption
from promo_campaigns.redemptions.store import add_redemptions, load_redemption_file
from promo_campaigns.uplift.measure import Question, measure_uplift

if TYPE_CHECKING:
    from collections.abc import Generator

    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

MESSAGE_ONLY = replace(SPEC, data_sources=())
INCLUDE = Path(__file__).parents[2] / "include"


def send(
    store: Connection, key: str = "welcome/edition/one", count: int = 4, spec: RunSpec = MESSAGE_ONLY
) -> dict[int, str]:
    """Send codes to contacts, and return who got which."""
    if count:
        add_contacts(store, count)
        store.execute("update promo.contact set external_id = 'customer-' || contact_id where external_id is null")
        add_codes(store, count + 2, prefix=f"C{key[-3:]}")
    run = open_welcome(store, key, spec)
    ledger = PostgresLedger(store)
    people: list[int] = []
    for batch in read_batches(store, run, 100):
        people += dict(ledger.assign_codes(run.run_id, ledger.reachable_contacts(batch), CODES))
    lease = ledger.begin_messages(run.run_id, people, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(
        lease, [DeliveryResult(contact_id=to.contact_id, outcome=Outcome.OK) for to in lease.recipients]
    )
    return {to.contact_id: to.code for to in lease.recipients}


def used(code: str, order: str, *, after_s: float = 1, **more: Any) -> Redemption:  # noqa: ANN401  (fields)
    now = datetime.now(timezone.utc) + timedelta(seconds=after_s)
    return Redemption(code=code, order_id=order, redeemed_at=now, **more)


def test_a_redemption_is_attributed_once_and_what_is_odd_is_told(store: Connection) -> None:
    given = send(store)
    (one, code), (two, other), (_, third), *_ = given.items()
    free = store.execute("select code from promo.promo_code where issued_at is null order by 1").fetchall()[0]["code"]
    paid: dict[str, Any] = {"amount": Decimal("59.90"), "currency": "EUR"}
    told = [
        used(code.lower(), "A-1", external_id=f"customer-{one}", **paid),
        used(code, "A-1", **paid),
        used(other, "A-2", contact_id=one, amount=Decimal(5), currency="UAH"),
        used(third, "A-3", after_s=-3_600),
        used(free, "A-4", contact_id=two),
        used("NOBODYS", "A-5"),
    ]
    rows, found = add_redemptions(store, told, "file shop.csv")
    assert (rows, {name: n for name, n in found.items() if n}) == (
        6,
        {"": 1, "not the owner": 1, "before it was sent": 1, "never given": 1, "no such code": 1},
    )
    assert add_redemptions(store, told, "event") == (6, dict.fromkeys(found, 0))
    report = report_redemptions(store)
    [run], [pool] = report.runs, report.pools
    assert (run.name, run.sent, run.redeemed, run.share, run.odd) == ("welcome/edition/one", 4, 3, 0.75, 2)
    assert run.revenue == {"EUR": Decimal("59.90"), "UAH": Decimal(5)}
    assert (pool.name, pool.sent, pool.redeemed) == ("Welcome 10", 4, 3)
    assert report.findings == {"before it was sent": 1, "not the owner": 1}
    assert report_redemptions(store, workflow="welcome").runs == report.runs
    assert "75.00%" in report.as_markdown()
    assert code not in json.dumps(report.as_dict()) + report.as_markdown()
    listed = list_findings(store)
    assert [row["finding"] for row in listed] == ["no such code", "never given", "before it was sent", "not the owner"]
    assert (listed[3]["owner_id"], listed[3]["contact_id"], listed[3]["run_key"]) == (two, one, "welcome/edition/one")
    assert not any("…" not in row["code"] for row in listed)
    assert count_redeemed(store, 1) == 3
    again = f"code,expirationDate,discount,type,inUse\n{free},2037-01-31,10,Welcome,false\n".encode()
    load_code_file(store, io.BytesIO(again), name="again.csv")
    assert free_codes(store) == 1  # of two: the one that leaked is given to nobody, whatever a file says
    assert check_invariants(store) == []
    tamper(store, "update promo.promo_code set seen_at = null where code = %s", [free])
    assert [one.invariant for one in check_invariants(store)] == ["redeemed_is_gone"]


def test_a_code_that_was_redeemed_is_not_given_again_and_a_reminder_sends_the_others(store: Connection) -> None:
    given = send(store)
    tamper(store, "update promo.promo_code set expires_at = now() + interval '2 days'")
    (one, code), *others = given.items()
    add_redemptions(store, [used(code, "A-1")], "event")
    audience = Audience(name="not_redeemed", sql=(INCLUDE / "audiences" / "not_redeemed.sql").read_text())
    codes = replace(CODES, days=0)
    reminder = replace(MESSAGE_ONLY, workflow="remind", audience=audience, codes=codes, reuse=Reuse.REDEEMED)
    before = free_codes(store)
    run = open_welcome(store, "remind/edition/one", reminder)
    ledger = PostgresLedger(store)
    people = [contact for contact, _ in others]
    ledger.assign_codes(run.run_id, people, codes)
    lease = ledger.begin_messages(run.run_id, people, lease_s=60, resend_within_s=0)
    assert {to.contact_id: to.code for to in lease.recipients} == dict(others)
    rows = store.execute("select contact_id from promo.assignment where run_id = %s", [run.run_id]).fetchall()
    assert {row["contact_id"] for row in rows} == set(people)
    assert one not in people
    assert free_codes(store) == before


def test_of_several_runs_the_last_that_sent_the_code_before_counts(store: Connection) -> None:
    given = send(store, count=1)
    [(_, code)] = given.items()
    again = replace(MESSAGE_ONLY, workflow="remind", reuse=Reuse.REDEEMED)
    assert send(store, "remind/edition/two", 0, again) == given
    store.execute("alter table promo.attempt disable trigger all")
    store.execute("update promo.attempt set started_at = started_at - interval '2 days' where run_id = 1")
    add_redemptions(store, [used(code, "A-1", after_s=-86_400), used(code, "A-2")], "event")
    assert [count_redeemed(store, run_id) for run_id in (1, 2)] == [1, 1]
    assert list_findings(store) == []


def test_redemptions_are_conversions_and_those_held_out_are_an_arm(store: Connection) -> None:
    given = send(store, count=60, spec=replace(MESSAGE_ONLY, hold_out=40.0))
    held_out = [
        row["contact_id"] for row in store.execute("select contact_id from promo.assignment where reason = 'hold-out'")
    ]
    (buyer, code), (_, other), *_ = given.items()
    told = [
        used(code, "A-1", amount=Decimal(30), currency="EUR"),
        used(other, "A-2", contact_id=held_out[0], amount=Decimal(7), currency="EUR"),
    ]
    add_redemptions(store, told, "event")
    sent, out = report_redemptions(store).arms
    assert (sent.name, sent.sent, sent.redeemed, sent.revenue) == ("sent a code", len(given), 1, {"EUR": Decimal(30)})
    assert (out.name, out.sent, out.redeemed, out.revenue) == ("held out", len(held_out), 1, {"EUR": Decimal(7)})
    question = Question(run_key="welcome/edition/one", redemptions="EUR", within="1d")
    measured = measure_uplift(store, INCLUDE, question).arms
    assert (measured["treated"].converted, measured["treated"].value) == (1, 30.0)
    assert (measured["held_out"].converted, measured["held_out"].value) == (1, 7.0)
    with pytest.raises(ConfigurationError, match="a currency such as EUR"):
        measure_uplift(store, INCLUDE, replace(question, redemptions="euro"))
    assert buyer in given


def test_an_erased_persons_order_is_a_digest_and_does_not_come_back(store: Connection) -> None:
    given = send(store, count=2)
    (one, code), (two, other) = given.items()
    told = [used(code, "order-of-one"), used(other, "order-of-two")]
    add_redemptions(store, told, "event")
    erase_contact(store, one)
    orders = [row["order_id"] for row in store.execute("select order_id from promo.redemption order by redemption_id")]
    assert orders[0].startswith("erased ")
    assert orders[1] == "order-of-two"
    rows, found = add_redemptions(store, told, "file again.csv")
    assert (rows, sum(found.values())) == (2, 0)
    erase_contact(store, one)
    assert store.execute("select count(*) as n from promo.redemption").fetchall() == [{"n": 2}]
    assert two in given


def test_a_file_is_loaded_but_for_its_wrong_rows(store: Connection) -> None:
    given = send(store, count=2)
    codes = list(given.values())
    lines = [
        "Code;Order ID;redeemed_at;amount;currency;email",
        f"{codes[0]};A-1;2036-03-02T18:05:00+01:00;59.90;eur;",
        f"{codes[1]};A-2;2036-03-02;;;",
        f"{codes[1]};;2036-03-02;;;",
        f"{codes[1]};A-3;yesterday;;;",
        f"{codes[1]};A-3;2036-03-02;1,5 EUR;EUR;",
        f"{codes[1]};A-3;2036-03-02;5;;",
        "1.2E+17;A-3;2036-03-02;;;",
    ]
    file = "\n".join(lines).encode()
    report = load_redemption_file(store, io.BytesIO(file), file="shop.csv")
    assert report.counts() == {"rows": 7, "added": 2, "known": 0, "rejected_count": 5}
    assert [(one.line, one.column) for one in report.rejected] == [
        (4, "orderId"),
        (5, "redeemedAt"),
        (6, "amount"),
        (7, "currency"),
        (8, "code"),
    ]
    assert load_redemption_file(store, io.BytesIO(file), file="again.csv").known == 2
    with pytest.raises(RedemptionFileError, match=r"shop\.csv:1: the column orderId, redeemedAt is missing"):
        load_redemption_file(store, io.BytesIO(b"code\nX\n"), file="shop.csv")
    with pytest.raises(RedemptionFileError, match="Did you mean currency"):
        load_redemption_file(store, io.BytesIO(b"code,orderId,redeemedAt,curency\n"), file="shop.csv")


def test_a_day_is_its_end_and_a_time_without_an_offset_is_of_the_zone() -> None:
    told = {"code": "X", "orderId": 7, "redeemedAt": "2027-03-02"}
    assert parse_redemption(told).redeemed_at.isoformat() == "2027-03-02T23:59:59.999999+00:00"
    naive = parse_redemption({**told, "redeemedAt": datetime(2027, 3, 2, 12)}, timezone(timedelta(hours=2)))  # noqa: DTZ001  (as drivers give it)
    assert (naive.redeemed_at.hour, naive.order_id) == (10, "7")
    with pytest.raises(RedemptionRuleError, match="three letters"):
        parse_redemption({**told, "amount": 1, "currency": "euro"})


ORDERS = """
create table orders (number text, coupon text, paid_at {time}, total {money}, currency text, customer text);
insert into orders values ('A-1', '{one}', '2026-01-02 10:00:00', 59.9, 'EUR', 'customer-1');
insert into orders values ('A-2', '{two}', '2026-01-02 11:30:00', 12, 'EUR', null);
"""
SELECT = """
select coupon as code, number as order_id, paid_at as redeemed_at, total as amount, currency, customer as "externalId"
from orders where coupon is not null and paid_at >= :since order by 3"""


def test_a_table_elsewhere_is_read_from_where_it_was_read_up_to(store: Connection) -> None:
    one, two = send(store, count=2).values()
    shop = sqlite3.connect(":memory:")
    shop.executescript(ORDERS.format(time="text", money="numeric", one=one, two=two))

    def ask(select: str) -> Generator[pd.DataFrame]:
        cursor = shop.execute(select)
        yield pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description], dtype=object)

    first = load_redemptions(store, ask, SELECT, source="shop")
    assert first.counts() == {"rows": 2, "added": 2, "known": 0, "rejected_count": 0}
    shop.execute("insert into orders values ('A-0', 'OLD', '2026-01-02 09:00:00', 1, 'EUR', null)")
    shop.execute("insert into orders values ('A-3', 'LATE', '2026-01-02 11:00:00', 1, 'EUR', null)")
    shop.execute("insert into orders values ('A-4', 'BAD', '2026-01-02 12:00:00', 'x', 'EUR', null)")
    again = load_redemptions(store, ask, SELECT, source="shop")
    assert again.counts() == {"rows": 3, "added": 1, "known": 1, "rejected_count": 1}
    assert again.findings == {"no such code": 1}
    mark = store.execute("select reader, digest, value from promo.watermark").fetchall()
    assert mark == [{"reader": "redemptions shop", "digest": None, "value": "2026-01-02 11:30:00+00:00"}]
    with pytest.raises(RedemptionFileError, match="the column orderId is missing"):
        load_redemptions(store, ask, "select coupon as code, paid_at as redeemedAt from orders", source="other")
    shop.close()


def test_the_blocks_read_a_database_and_a_file(
    store: Connection, dsn: str, bare_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from promo_campaigns import LoadRedemptionFileOperator, LoadRedemptionsOperator

    one, two = send(store, count=2).values()
    with psycopg.connect(bare_dsn) as shop:
        shop.execute(ORDERS.format(time="timestamptz", money="numeric(10, 2)", one=one, two=two))
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", bare_dsn)
    monkeypatch.setenv("AIRFLOW_CONN_WEB", "http://shop.example.com")
    block = LoadRedemptionsOperator(task_id="load", sql=SELECT, conn_id="shop")
    context: Any = {}
    assert block.execute(context) == {
        "rows": 2,
        "added": 2,
        "known": 0,
        "rejected_count": 0,
        "findings": {"before it was sent": 2},
    }
    assert block.execute(context)["added"] == 0
    with pytest.raises(ConfigurationError, match="leads to no database"):
        LoadRedemptionsOperator(task_id="load", sql=SELECT, conn_id="web").execute(context)
    file = tmp_path / "shop.json"
    file.write_text(json.dumps([{"code": one, "orderId": "A-9", "redeemedAt": "2036-01-01T00:00:00Z"}]))
    assert LoadRedemptionFileOperator(task_id="load", file=f"file://{file}").execute(context)["added"] == 1


def test_a_frame_shows_what_a_run_s_codes_brought_and_masks_them(dsn: str, store: Connection) -> None:
    given = send(store)
    when = datetime(2030, 1, 1, tzinfo=timezone.utc)
    at: dict[str, Any] = {"redeemed_at": when, "amount": Decimal("12.50"), "currency": "EUR"}
    bought = [Redemption(code=code, order_id=f"order-{who}", contact_id=who, **at) for who, code in given.items()]
    add_redemptions(store, [*bought, replace(bought[0], order_id="another", contact_id=2)], "shop")
    frames = PromoStore(dsn)
    frame = frames.redemptions(workflow="welcome")
    assert {name: str(frame[name].dtype) for name in ("redeemed_at", "owner_id", "amount", "finding", "type")} == {
        "redeemed_at": "datetime64[us, UTC]",
        "owner_id": "Int64",
        "amount": "Float64",
        "finding": "category",
        "type": "category",
    }
    assert frame["amount"].sum() == 12.5 * (len(given) + 1)
    assert not set(frame["code"]) & set(given.values())
    assert list(frame[frame["finding"].notna()]["finding"]) == ["not the owner"]
    assert list_audit(store) == []
    shown = frames.redemptions(workflow="welcome", reveal=True)
    assert set(shown["code"]) == set(given.values())
    assert [entry["rows"] for entry in list_audit(store)] == [len(given) + 1]


def test_the_migration_moves_how_far_tables_elsewhere_were_read(store: Connection) -> None:
    steps = (SCRIPTS / "0018_watermark.sql").read_text(encoding="utf-8")
    store.execute("drop table promo.watermark")
    for name in ("0012_contact_watermark", "0014_redemptions"):
        [tables] = re.findall(
            r"create table promo\.(?:contact_watermark|redemption_source) .*?^\);",
            (SCRIPTS / f"{name}.sql").read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
        store.execute(tables.encode())
    store.execute(
        "insert into promo.contact_watermark values ('crm.load', sha256('x'), 'number', '7', '2026-01-01 00:00Z')"
    )
    store.execute(
        "insert into promo.redemption_source values ('shop', '2026-01-02 10:30:00.5+02', '2026-01-03 00:00Z')"
    )
    store.execute(steps.encode())
    rows = store.execute(
        "select reader, digest = sha256('x') as same, kind, value from promo.watermark order by 1"
    ).fetchall()
    assert [tuple(row.values()) for row in rows] == [
        ("crm.load", True, "number", "7"),
        ("redemptions shop", None, "text", "2026-01-02 08:30:00.500000+00:00"),
    ]
    asked: list[str] = []

    def ask(select: str) -> Generator[pd.DataFrame]:
        asked.append(select)
        yield pd.DataFrame([], columns=["code", "orderId", "redeemedAt"], dtype=object)

    load_redemptions(store, ask, "since :since", source="shop")
    assert asked == ["since '2026-01-02 07:30:00'"]
