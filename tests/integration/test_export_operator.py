"""Who got which code, exported by a task: to a file, and to a table of a database elsewhere."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]  # fsspec has no types
from pyarrow import parquet  # type: ignore[import-untyped]  # it has no types

from integration.scenario import CODES, add_codes, add_contacts, open_welcome
from promo_campaigns import ConfigurationError, ExportRunOperator
from promo_campaigns.hooks.exports import exported_table
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import read_batches
from promo_campaigns.postgres.audit import list_audit
from promo_campaigns.tables.writers import Column

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"


@pytest.fixture(autouse=True)
def connections(dsn: str, bare_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn.replace("postgresql://", "postgres://"))
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", bare_dsn.replace("postgresql://", "postgres://"))
    lite = {"conn_type": "sqlite", "host": str(tmp_path / "warehouse.sqlite")}
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps(lite))


@pytest.fixture
def given(store: Connection) -> dict[int, str]:
    """Give codes to three contacts in one run, and to the same in another; return who got which in the first."""
    add_contacts(store, 3)
    add_codes(store, 9)
    return {key: claim(store, key) for key in (KEY, "welcome/edition/two")}[KEY]


def claim(store: Connection, key: str) -> dict[int, str]:
    run = open_welcome(store, key)
    ledger = PostgresLedger(store)
    (batch,) = read_batches(store, run, 100)
    return dict(ledger.assign_codes(run.run_id, ledger.reachable_contacts(batch), CODES))


def export(**where: Any) -> dict[str, int]:  # noqa: ANN401  (parameters of a block)
    return ExportRunOperator(task_id="export", **where).execute({})


def codes_in(file: Path) -> dict[int, str]:
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    return {int(row["contact_id"]): row["code"] for row in rows}


def test_a_file_holds_who_got_which_masked_unless_it_is_asked_for(
    store: Connection, given: dict[int, str], tmp_path: Path
) -> None:
    file = tmp_path / "codes.csv"
    assert export(run_key=KEY, path=str(file)) == {"runs": 1, "rows": 3}
    assert not set(given.values()) & set(codes_in(file).values())
    assert export(run_key=KEY, path=str(file), reveal=True) == {"runs": 1, "rows": 3}
    assert codes_in(file) == given
    assert [(entry["subject"], entry["rows"]) for entry in list_audit(store)] == [(f"run {KEY}", 3)] * 2


def test_an_object_store_holds_parquet(given: dict[int, str]) -> None:
    storage = MemoryFileSystem()
    attach("memory", fs=storage)
    assert export(workflow="welcome", path="memory://bucket/codes.parquet", reveal="true") == {"runs": 2, "rows": 6}
    with storage.open("/bucket/codes.parquet") as stream:
        rows = parquet.read_table(stream).to_pylist()
    assert {row["contact_id"]: row["code"] for row in rows if row["run_key"] == KEY} == given


def test_a_table_is_made_and_a_repeated_task_doubles_nothing(bare_dsn: str, given: dict[int, str]) -> None:
    for _ in range(2):
        assert export(workflow="welcome", conn_id="warehouse", table="public.promo_codes", reveal=True)["rows"] == 6
    assert export(run_key=KEY, conn_id="warehouse", table="public.promo_codes", reveal=True)["rows"] == 3
    with psycopg.connect(bare_dsn) as warehouse:
        rows = warehouse.execute("select run_key, contact_id, code from promo_codes").fetchall()
    assert len(rows) == 6
    assert {who: code for key, who, code in rows if key == KEY} == given


def test_a_table_of_sqlite_does_as_well(given: dict[int, str], tmp_path: Path) -> None:
    for _ in range(2):
        export(run_key=KEY, conn_id="lite", table="promo_codes", reveal=True)
    with closing(sqlite3.connect(tmp_path / "warehouse.sqlite")) as lite:
        assert dict(lite.execute("select contact_id, code from promo_codes").fetchall()) == given


def test_an_export_that_fails_leaves_the_table_as_it_was(bare_dsn: str, given: dict[int, str]) -> None:
    export(run_key=KEY, conn_id="warehouse", table="promo_codes", reveal=True)
    with psycopg.connect(bare_dsn, autocommit=True) as warehouse:
        warehouse.execute("alter table promo_codes add constraint only_the_first check (run_key like '%/one')")
    with pytest.raises(Exception, match="only_the_first"):
        export(workflow="welcome", conn_id="warehouse", table="promo_codes", reveal=True)
    with psycopg.connect(bare_dsn) as warehouse:
        assert dict(warehouse.execute("select contact_id, code from promo_codes").fetchall()) == given


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ({}, "name a path, or a database"),
        ({"path": "codes.csv", "conn_id": "warehouse", "table": "t"}, "name a path, or a database"),
        ({"conn_id": "warehouse"}, "name a path, or a database"),
        ({"conn_id": "warehouse", "table": "t; drop table x"}, "is no name of a table"),
        ({"path": "/tmp/codes.xls"}, "is written as .csv or .parquet"),  # noqa: S108  (nothing is written)
    ],
)
@pytest.mark.usefixtures("given")
def test_where_it_goes_must_be_clear(where: dict[str, str], error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        export(run_key=KEY, **where)


@pytest.mark.usefixtures("given")
def test_which_runs_must_be_clear() -> None:
    with pytest.raises(ConfigurationError, match="name either one run"):
        export(run_key=KEY, workflow="welcome", path="codes.csv")


def test_the_example_of_the_page_runs(bare_dsn: str, given: dict[int, str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  (the repository's own page)
    task = names["export"]
    assert isinstance(task, ExportRunOperator)
    task.since = "2026-01-01T00:00+00:00"  # in place of its template
    with psycopg.connect(bare_dsn, autocommit=True) as warehouse:
        warehouse.execute("create schema marketing")
        assert task.execute({}) == {"runs": 2, "rows": 6}
        found = warehouse.execute("select count(distinct contact_id) from marketing.promo_codes").fetchone()
    assert found == (len(given),)


def test_an_export_is_one_transaction_where_a_driver_commits_by_itself_and_bigquery_is_refused(
    bare_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Snowflake's driver does, which has autocommit on unless it is turned off."""
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", bare_dsn)

    class Committing(DbApiHook):
        conn_name_attr, conn_type, supports_autocommit = "x_conn_id", "x", True

        def get_conn(self) -> Any:  # noqa: ANN401  (a driver's)
            return psycopg.connect(bare_dsn, autocommit=True)

    class BigQuery(DbApiHook):
        conn_name_attr, conn_type = "y_conn_id", "gcpbigquery"

    columns = [Column("run_key", "text"), Column("contact_id", "number")]
    with exported_table(Committing("elsewhere"), "codes", columns, ["r"]) as write:
        write([("r", 1)])

    def fail() -> None:
        with exported_table(Committing("elsewhere"), "codes", columns, ["r"]) as write:
            write([("r", 2)])
            raise OSError

    with pytest.raises(OSError, match=r"^$"):
        fail()
    with psycopg.connect(bare_dsn) as connection:
        assert connection.execute("select * from codes").fetchall() == [("r", 1)]
    with (
        pytest.raises(ConfigurationError, match=r"export to gs://….parquet"),
        exported_table(BigQuery("elsewhere"), "codes", columns, ["r"]),
    ):
        pass
