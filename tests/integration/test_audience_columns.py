"""Columns of audiences of other databases, a second Postgres and DuckDB: typed values of one run."""

from __future__ import annotations

import asyncio
import csv
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
from airflow.sdk import BaseHook

from integration.scenario import CODES, SPEC, add_codes, add_contacts
from integration.test_audiences_of_databases import start
from integration.test_before_the_send import WORKFLOW, include  # noqa: F401  (a fixture)
from integration.test_dry_run_block import block as dry_run
from integration.test_dry_run_block import context
from integration.test_load_from_databases import DuckDbHook
from promo_campaigns.cli import main
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow, find_faults
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.rendering import NO_COLUMNS, render_messages
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.retention import erase_old
from promo_campaigns.ledger.runs import close_run, open_run, read_run
from promo_campaigns.model.errors import DefinitionError, LedgerError
from promo_campaigns.operators.test_send import SendTestOperator
from promo_campaigns.preview.test_message import render_test_messages
from promo_campaigns.ui.campaign_files import CampaignFiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.postgres.connection import Connection

    Ask = Callable[[str], object]

HEAD = """\
-- connection: warehouse
-- column: spent decimal, such as 99.50
-- column: visited date, such as 2026-02-03
-- column: last_item text, such as Blue "shoes"
"""
SELECT = "select customer_id as EXTERNAL_ID, note as last_item, spent as Spent, visited from buyers where spent > 0"
BODY = "$promocode $audience.spent $audience.visited.format('d MMM yyyy') $!audience.last_item"
SHOWN = 'TEST-NO-CODE 99.50 3 Feb 2026 Blue "shoes"'
MESSAGE = f'channel: mobilepush\ntitle: "Hi"\nbody: "{BODY}"\n'
TABLE = "create table buyers (customer_id text, note text, spent decimal(9, 2), visited date)"
ROWS = (
    "insert into buyers values ('c-1', 'Boots', 129.90, '2026-11-20'), ('c-2', null, 5, '2026-01-02'),"
    " ('c-2', null, 5, '2026-01-02'), ('stranger', 'Hat', 7, null)"
)


@pytest.fixture(params=["postgres", "duckdb"])
def ask(request: pytest.FixtureRequest, bare_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return what runs SQL in a warehouse with buyers."""
    if request.param == "postgres":
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", bare_dsn.replace("postgresql://", "postgres://"))
    else:
        monkeypatch.setattr(DuckDbHook, "path", str(tmp_path / "warehouse.duckdb"))
        monkeypatch.setattr(BaseHook, "get_hook", lambda _: DuckDbHook("warehouse"))

    def run(sql: str) -> object:
        if request.param == "postgres":
            with psycopg.connect(bare_dsn, autocommit=True) as connection:
                return connection.execute(sql.encode())
        with closing(duckdb.connect(DuckDbHook.path)) as other:
            return other.execute(sql).fetchall()

    run(TABLE)
    run(ROWS)
    return run


@pytest.fixture
def people(store: Connection, include: Path) -> list[int]:  # noqa: F811
    contacts = add_contacts(store, 3)
    store.execute("update promo.contact set external_id = 'c-' || contact_id")
    add_codes(store, 9)
    write(include, HEAD + SELECT)
    (include / "messages" / "push.yaml").write_text(MESSAGE)
    (include / "workflows").mkdir()
    (include / "workflows" / "sale.yaml").write_text(WORKFLOW.replace("all", "buyers"))
    return contacts


def write(include: Path, select: str) -> None:  # noqa: F811
    (include / "audiences" / "buyers.sql").write_text(select)


def bodies(store: Connection, run_id: int, contacts: list[int]) -> dict[int, str]:
    """Return what would be sent now, as the next message would be."""
    run, ledger = read_run(store, run_id), PostgresLedger(store)
    ledger.assign_codes(run_id, contacts, CODES)
    with store.transaction(force_rollback=True):
        lease = ledger.begin_messages(run_id, contacts, lease_s=60, resend_within_s=0)
    ready, refused = render_messages(CompiledCampaign(run.spec).message, run, lease.recipients)
    return {one.contact_id: one.body.partition(" ")[2] for one in ready} | {
        one.contact_id: one.detail for one in refused
    }


def test_columns_are_the_same_on_every_retry_and_go_with_the_contact_and_the_run(
    ask: Ask,
    store: Connection,
    include: Path,  # noqa: F811
    people: list[int],
) -> None:
    run_id = start(include)[0]["run_id"]
    said = {people[0]: "129.90 20 Nov 2026 Boots", people[1]: "5.00 2 Jan 2026 "}
    assert bodies(store, run_id, people) == said
    ask("update buyers set spent = 1000, note = 'Gloves'")
    ask("insert into buyers values ('c-3', 'Scarf', 3, null)")
    assert start(include)[0]["run_id"] == run_id
    assert bodies(store, run_id, people) == said
    erase_contact(store, people[0])
    assert bodies(store, run_id, people[1:]) == {people[1]: said[people[1]]}
    kept = store.execute("select contact_id from promo.audience_value").fetchall()
    assert kept == [{"contact_id": people[1]}]
    erase_old(store, days=30)
    assert bodies(store, run_id, people[1:]) == {people[1]: said[people[1]]}
    store.execute("update promo.run set opened_at = promo.clock() - interval '31 days'")
    assert erase_old(store, days=30)["audience_values"] == 1
    assert bodies(store, run_id, people[1:]) == {people[1]: NO_COLUMNS}
    store.execute("update promo.assignment set state = 'skipped', reason = 'no code', promo_code_id = null")
    close_run(store, run_id)
    with pytest.raises(LedgerError, match="what its audience told of contacts was erased"):
        start(include)


def test_a_dry_run_shows_them_and_an_open_run_those_of_its_opening(
    ask: Ask,
    store: Connection,
    include: Path,  # noqa: F811
    people: list[int],
) -> None:
    """Whom the warehouse names by something else than their id or channel is found, too."""
    report = dry_run(include).execute(context(paused=True))
    assert (report["contacts"], report["strangers"], report["refusals"]) == (2, 1, [])
    [file] = [one for one in report["files"] if one.endswith(".csv")]

    def shown() -> dict[int, str]:
        with Path(file.removeprefix("file://")).open(encoding="utf-8", newline="") as table:
            return {int(row["contact_id"]): row["body"].partition(" ")[2] for row in csv.DictReader(table)}

    said = {people[0]: "129.90 20 Nov 2026 Boots", people[1]: "5.00 2 Jan 2026 "}
    assert shown() == said
    store.execute("insert into promo.contact_channel (contact_id, type, value) values (1, 'email', 'Ann@Example.com')")
    ask("update buyers set customer_id = 'ann@example.COM' where customer_id = 'c-1'")
    ask("delete from buyers where customer_id not like 'ann%'")
    write(include, HEAD + SELECT.replace("EXTERNAL_ID", "email"))
    dry_run(include).execute(context(paused=True))
    assert shown() == {people[0]: said[people[0]]}
    start(include)
    ask("update buyers set spent = 1000")
    assert bodies(store, 1, people[:1]) == {people[0]: said[people[0]]}


@pytest.mark.usefixtures("people")
def test_a_test_send_and_the_pages_show_the_declared_examples(
    store: Connection,
    include: Path,  # noqa: F811
    dsn: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["test-send", "sale", "--contact", "1", "--include", str(include), "--dsn", dsn]) == 0
    said = capsys.readouterr().out
    assert SHOWN in said
    assert "the examples that its file declares" in said
    settings: dict[str, Any] = {"message": "push", "contact_ids": [1], "include_folder": str(include)}
    block = SendTestOperator(task_id="test", workflow="sale", audience="buyers", **settings)
    with pytest.raises(DefinitionError, match=r"\$audience\.spent reads 'audience'"):
        asyncio.run(SendTestOperator(task_id="other", workflow="sale", **settings).aexecute(context(paused=True)))
    asyncio.run(block.aexecute(context(paused=True)))
    assert store.execute("select body from promo.inbox_message").fetchall() == [{"body": SHOWN}]
    spec = CampaignFiles(include).spec("sale", contact_ids=[1])
    rendered = render_test_messages(store, CompiledCampaign(spec), [1], key="sale/test/1")
    assert [one.body for one in rendered.ready] == [SHOWN]


@pytest.mark.usefixtures("people")
def test_a_name_that_is_not_declared_is_refused_before_anything_is_sent(include: Path) -> None:  # noqa: F811
    check_workflow(IncludeFolder(include), "sale")
    for body, said in (
        ("$audience.spnet", r"messages/push\.yaml:3: .*Did you mean spent\? Write \$audience\.spent"),
        ("$audience.shoe_size", r"Declare a column of the audience in its file\. Write it as in: -- column: spent"),
        ("$spent", r"reads 'spent', which nothing is called here"),
    ):
        (include / "messages" / "push.yaml").write_text(MESSAGE.replace("$audience.spent", body))
        with pytest.raises(DefinitionError, match=said):
            check_workflow(IncludeFolder(include), "sale")
        with pytest.raises(DefinitionError, match=said):
            start(include)
    write(include, "-- connection: warehouse\n-- column: spent money\nselect 1")
    (include / "messages" / "push.yaml").write_text(MESSAGE)
    [fault] = [str(fault) for fault in find_faults(IncludeFolder(include), "sale", lambda _: None)]
    assert "audiences/buyers.sql:2: a column cannot be of the type 'money'" in fault  # and not what reads it


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("ask", ["postgres"], indirect=True)
def test_a_wrong_table_or_declaration_is_told(ask: Ask, include: Path) -> None:  # noqa: F811
    ask("update buyers set note = 'CANARY', customer_id = 'c-2'")
    (include / "messages" / "push.yaml").write_text('channel: mobilepush\ntitle: "Hi"\nbody: "$promocode"\n')
    first = "-- connection: warehouse\n"
    for select, said in (
        (first + SELECT, r"the header must name one column, not 4.*A further column is declared\. Write it as in"),
        (HEAD.replace("-- column: visited date, such as 2026-02-03\n", "") + SELECT, "must be declared: .*'visited'"),
        (HEAD + SELECT.replace(", visited", ""), "there is no column 'visited', which is declared"),
        (HEAD + SELECT.replace("customer_id as EXTERNAL_ID, ", ""), "no column names the contact"),
        (HEAD + SELECT.replace("visited from", "note as visited from"), "visited: this field takes a date as YYYY"),
        (HEAD + SELECT, "it names the contact of another row, with other values"),
        (
            first + SELECT + "\n-- column: spent decimal",
            "buyers.sql:3: columns are declared right below the first line",
        ),
        (HEAD + "-- column: spent number\n" + SELECT, "buyers.sql:5: the column 'spent' is declared twice"),
        (HEAD + "-- column: 7up number\n" + SELECT, "buyers.sql:5: the line declares no column"),
        (HEAD + "-- column: born date, such as today\n" + SELECT, "the example of the column 'born' does not fit"),
        (SELECT + "\n-- column: spent decimal", "only an audience that another database is asked for has columns"),
    ):
        write(include, select)
        with pytest.raises(DefinitionError, match=said) as told:
            start(include)
        assert "CANARY" not in str(told.value)


@pytest.mark.parametrize("ask", ["postgres"], indirect=True)
def test_two_addresses_of_one_contact_with_different_values_refuse_the_run(
    store: Connection,
    include: Path,  # noqa: F811
    people: list[int],
    ask: Ask,
) -> None:
    store.execute(
        "insert into promo.contact_channel (contact_id, type, value)"
        " values (1, 'mobilepush', 'token-aaaaaaaa'), (1, 'mobilepush', 'token-bbbbbbbb')"
    )
    ask("delete from buyers")
    ask("insert into buyers values ('token-aaaaaaaa', 'x', 1, null), ('token-bbbbbbbb', 'y', 1, null)")
    write(include, HEAD + SELECT.replace("EXTERNAL_ID", "mobilepush"))
    assert people
    for opens in (start, lambda folder: dry_run(folder).execute(context(paused=True))):
        with pytest.raises(DefinitionError, match="two rows name one contact, and tell different things of it"):
            opens(include)
    assert store.execute("select from promo.run").fetchall() == []
    ask("update buyers set note = 'x', visited = '2026-01-02'")
    assert bodies(store, start(include)[0]["run_id"], [1]) == {1: "1.00 2 Jan 2026 x"}


def test_a_run_of_an_audience_without_columns_keeps_its_digest(store: Connection) -> None:
    """Runs that were opened before there were columns are found again."""
    assert "columns" not in SPEC.as_dict()["audience"]
    run = open_run(store, SPEC, run_key="a/edition/b")
    assert read_run(store, run.run_id).spec == SPEC
