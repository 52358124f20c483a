"""Accounts with the rights that `promo db grants` prints can do their work, and no more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from integration.accounts import account
from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.grants import grants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

PACKAGE = Path(__file__).parents[2] / "plugins" / "promo_campaigns"
DELETES = re.compile(r"^\s*delete from promo\.([a-z_]+)", re.MULTILINE)
CODE_FILE = (
    "code,expirationDate,discount,type,inUse\nA-1,2037-01-31,10,Welcome,false\nA-2,2037-01-31,10,Welcome,false\n"
)


@pytest.fixture
def sender(dsn: str) -> Iterator[str]:
    """Return the store's address as the account of a sender."""
    with account(dsn, "sender") as address:
        yield address


def test_what_the_product_deletes_a_sender_may_delete(store: Connection) -> None:
    files = [file for file in PACKAGE.rglob("*.sql") if "migrations" not in file.parts and file.name != "schema.sql"]
    deleted = {table for file in files for table in DELETES.findall(file.read_text(encoding="utf-8"))}
    [granted] = [text for text in grants(store, "sender", "x") if text.startswith("grant delete")]
    assert deleted <= set(re.findall(r"promo\.([a-z_]+)", granted))


def test_a_sender_does_all_that_is_done_from_day_to_day(sender: str, tmp_path: Path) -> None:
    codes, contacts = tmp_path / "codes.csv", tmp_path / "contacts.csv"
    codes.write_text(CODE_FILE, encoding="utf-8")
    contacts.write_text("email,firstName\nanna@example.org,Anna\n", encoding="utf-8")
    for command in (
        ["codes", "load", str(codes)],
        ["contacts", "field", "Promo code", "--id", "12345"],
    ):
        assert main([*command, "--dsn", sender]) == 0
    with connect(sender) as store:
        ids = add_contacts(store, 2)
        run = open_welcome(store, "welcome/edition/one", SPEC)
        ledger = PostgresLedger(store)
        held = ledger.assign_codes(run.run_id, ids, CODES)
        assert len(held) == 2
        lease = ledger.begin_messages(run.run_id, ids, lease_s=60, resend_within_s=0)
        ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=one, outcome=Outcome.OK) for one in ids])
        lease = ledger.begin_profiles(run.run_id, ids, lease_s=60)
        ledger.record_profile_outcomes(lease, [DeliveryResult(contact_id=one, outcome=Outcome.OK) for one in ids])
        close_run(store, run.run_id)
        assert check_invariants(store) == []
    for command in (
        ["contacts", "load", str(contacts)],
        ["check"],
        ["runs", "export", "welcome/edition/one", "--reveal"],
        ["runs", "mode", "welcome/edition/one", "refuse"],
        ["codes", "withdraw", "1"],
        ["codes", "stock"],
        ["sending", "stop"],
        ["sending", "start"],
        ["contacts", "erase", str(ids[0])],
        ["audit"],
    ):
        assert main([*command, "--dsn", sender]) == 0, command


@pytest.mark.parametrize(
    "statement",
    [
        "alter table promo.promo_code disable trigger all",
        "select setval('promo.lease_token', 1)",
        "update promo.erasure_key set inner_pad = outer_pad",
        "delete from promo.audit",
        "delete from promo.attempt",
        "truncate promo.assignment",
        "drop table promo.run",
        "set session_replication_role = replica",
        "create table promo.mine (a int)",
    ],
)
def test_a_sender_may_not_get_round_what_is_kept(sender: str, statement: str) -> None:
    with connect(sender) as store, pytest.raises(psycopg.errors.InsufficientPrivilege):
        store.execute(statement.encode())


def test_a_reader_reads_and_changes_nothing(dsn: str, store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    with account(dsn, "reader") as address, connect(address) as reader:
        assert len(reader.execute("select from promo.promo_code").fetchall()) == 1
        assert reader.execute("select * from promo.unknown_send_shown").fetchall() == []
        for statement in (
            "update promo.promo_code set retired = true",
            "insert into promo.audit (action, subject, actor) values ('check', 'x', 'x')",
            "select * from promo.erasure_key",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement.encode())


def test_the_command_prints_what_an_owner_runs(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "grants", "owner", 'pro"mo', "--dsn", dsn]) == 0
    assert 'authorization "pro""mo";' in capsys.readouterr().out
