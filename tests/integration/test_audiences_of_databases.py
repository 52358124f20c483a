"""Audiences whose SELECT another database is asked: a second Postgres beside the store."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from integration.scenario import add_codes, add_contacts
from integration.test_before_the_send import WORKFLOW, include  # noqa: F401  (a fixture)
from integration.test_dry_run_block import block as dry_run
from integration.test_dry_run_block import context
from promo_campaigns import LoadContactsOperator
from promo_campaigns.cli import main
from promo_campaigns.contacts.audiences import count_up_to
from promo_campaigns.definitions.definitions import read_audience
from promo_campaigns.definitions.names.store_check import require_store
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.hooks.other_database import ask_audience
from promo_campaigns.ledger.start_checks import count_strangers_of_run
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.workflows.trigger_form import offers

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

BUYERS = "-- connection: warehouse\nselect customer_id as external_id from buyers where note not like '%test%';\n"


@pytest.fixture
def warehouse(bare_dsn: str, monkeypatch: pytest.MonkeyPatch) -> psycopg.Connection:
    """Return a warehouse with buyers: contacts 1 to 3, one of them twice, a stranger, nobody, and a test."""
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", bare_dsn.replace("postgresql://", "postgres://"))
    with psycopg.connect(bare_dsn, autocommit=True) as connection:
        connection.execute("create table buyers (customer_id text, note text not null default '')")
        connection.execute("insert into buyers values ('c-1'), ('c-2'), ('c-3'), ('c-2'), ('stranger'), (null)")
        connection.execute("insert into buyers values ('c-4', 'a test')")
    return connection


@pytest.fixture
def people(store: Connection, include: Path) -> list[int]:  # noqa: F811
    contacts = add_contacts(store, 5)
    store.execute("update promo.contact set external_id = 'c-' || contact_id")
    add_codes(store, 9)
    (include / "audiences" / "buyers.sql").write_text(BUYERS)
    (include / "workflows").mkdir()
    (include / "workflows" / "sale.yaml").write_text(WORKFLOW.replace("all", "buyers"))
    return contacts


def start(include: Path) -> list[dict[str, Any]]:  # noqa: F811
    settings: dict[str, Any] = {"message": "push", "type": "Welcome", "discount": 10, "days": 7, "edition": "one"}
    made = StartOperator(task_id="start", audience="buyers", workflow="sale", include_folder=str(include), **settings)
    return made.execute(context(paused=True))


def sent_to(store: Connection) -> list[int]:
    return [row["contact_id"] for row in store.execute("select contact_id from promo.assignment order by 1").fetchall()]


@pytest.mark.usefixtures("warehouse")
def test_a_run_goes_to_whom_the_warehouse_named_when_it_was_opened(
    store: Connection,
    include: Path,  # noqa: F811
    people: list[int],
    bare_dsn: str,
) -> None:
    """A retry finds the same audience, whatever the warehouse says by then."""
    batches = start(include)
    assert sent_to(store) == people[:3]
    with psycopg.connect(bare_dsn, autocommit=True) as connection:
        connection.execute("insert into buyers values ('c-5')")
    assert start(include) == batches
    assert sent_to(store) == people[:3]
    row = store.execute("select spec -> 'audience' as audience, spec::text as spec from promo.run").fetchone()
    assert row is not None
    assert row["audience"]["sql"] == BUYERS
    assert "stranger" not in row["spec"]
    assert count_strangers_of_run(store, batches[0]["run_id"]) == 1


@pytest.mark.usefixtures("warehouse", "people")
def test_a_dry_run_counts_strangers_and_opens_nothing(store: Connection, include: Path) -> None:  # noqa: F811
    report = dry_run(include).execute(context(paused=True))
    assert (report["contacts"], report["strangers"], report["refusals"]) == (3, 1, [])
    assert store.execute("select from promo.run").fetchall() == []


@pytest.mark.usefixtures("warehouse", "people")
def test_nobody_and_strangers_only(store: Connection, include: Path, bare_dsn: str) -> None:  # noqa: F811
    with psycopg.connect(bare_dsn, autocommit=True) as connection:
        connection.execute("delete from buyers where customer_id <> 'stranger'")
        with pytest.raises(DefinitionError, match=r"audiences/buyers\.sql: none of the 1 contacts it names is known"):
            start(include)
        connection.execute("delete from buyers")
    start(include)
    assert sent_to(store) == []


@pytest.mark.usefixtures("people")
def test_the_form_the_check_and_the_pages_know_that_it_is_asked_elsewhere(
    store: Connection,
    include: Path,  # noqa: F811
    dsn: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = IncludeFolder(include)
    assert offers("push", files)["audience"] == {
        "enum": ["all", "buyers"],
        "values_display": {"all": "all", "buyers": "buyers (from warehouse)"},
    }
    require_store(store, files, check_workflow(files, "sale"))  # the store is not asked for the warehouse's tables
    assert count_up_to(store, read_audience(include, "buyers"), 10, within_s=1) is None
    assert main(["preview", "sale", "--include", str(include), "--dsn", dsn]) != 0
    said = capsys.readouterr().err
    assert "audiences/buyers.sql:1: its SELECT is asked of the connection 'warehouse'" in said
    assert "trigger the DAG dry_run" in said


@pytest.mark.usefixtures("warehouse", "people")
@pytest.mark.parametrize(
    ("select", "said"),
    [
        ("--connection = warehouse\nselect 1", "buyers.sql:1: the first line names no connection"),
        ('-- connection: warehouse\nselect 1 as "Buyer Number"', "there is no such column as 'Buyer Number'"),
        ("-- connection: warehouse\nselect 1 as contact_id, 2 as points", "the header must name one column, not 2"),
        ("-- connection: warehouse\nselect 'CANARY' as email", "buyers.sql:1: not an e-mail address"),
    ],
)
def test_a_wrong_select_is_told(include: Path, select: str, said: str) -> None:  # noqa: F811
    (include / "audiences" / "buyers.sql").write_text(select)
    with pytest.raises(DefinitionError) as told:
        start(include)
    assert said in str(told.value)
    assert "CANARY" not in str(told.value)


def test_the_examples_of_the_page_run(
    store: Connection,
    include: Path,  # noqa: F811
    warehouse: psycopg.Connection,
    people: list[int],
    bare_dsn: str,
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "warehouse.md").read_text(encoding="utf-8")
    [code], [select, further] = (
        re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL) for kind in ("python", "sql")
    )
    assert warehouse.closed
    with psycopg.connect(bare_dsn, autocommit=True) as connection:
        connection.execute("create schema crm")
        connection.execute(
            "create table crm.customers (customer_id text, first_name text, email text, phone text, orders int,"
            " updated_at timestamptz default now(), has_consented boolean default true)"
        )
        connection.execute("insert into crm.customers values ('c-1', 'Ann', 'ann@example.com', '+380501234567', 7)")
        connection.execute("create table crm.orders (customer_id text, ordered_at timestamptz default now())")
        connection.execute("insert into crm.orders values ('c-2'), ('c-2'), ('c-3')")
    store.execute("insert into promo.contact_field (name, type) values ('Orders', 'number')")
    names: dict[str, Any] = {}
    exec(compile(code, "page", "exec"), names)  # noqa: S102  (our own document)
    load = names["dag"].task_dict["load"]
    assert isinstance(load, LoadContactsOperator)
    assert load.execute({})["updated"] == 1
    (include / "audiences" / "buyers.sql").write_text(further)
    listed = ask_audience(read_audience(include, "buyers")).listed
    assert listed is not None
    told = dict(zip(listed.values, map(json.loads, listed.told), strict=True))
    assert told["c-2"] == {
        "orders": ["number", "2"],
        "last_order": ["date", datetime.now(timezone.utc).date().isoformat()],
    }
    (include / "audiences" / "buyers.sql").write_text(select)
    start(include)
    assert sent_to(store) == people[1:3]
