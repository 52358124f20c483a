"""Contacts out of other databases: a second Postgres, SQLite and DuckDB, each a real one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import DAG, BaseHook
from airflow.sdk.exceptions import AirflowFailException

from promo_campaigns import LoadContactsOperator
from promo_campaigns.contacts.bulk_store import put_contacts
from promo_campaigns.hooks.other_database import database_hook, read_frames
from promo_campaigns.model.errors import ConfigurationError, ContactFileError
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ask = Callable[[str], object]

CUSTOMERS = """
create table customers (
  id bigint primary key, first_name varchar(40), email varchar(80), orders bigint, born date, changed_at timestamp)
"""
ROWS = """
insert into customers values
  (1, 'Ann', 'ann@example.com', 9007199254740993, date('1990-05-04'), '2026-01-01 10:00:00'),
  (2, 'Bob', 'no address', null, null, '2026-01-02 10:00:00'),
  (3, 'Cid %s', null, 3, null, '2026-01-03 10:00:00.123456')
"""
ALL = 'select id as "externalId", first_name, email, orders, born as "Born" from customers'
SELECT = 'select id as "externalId", first_name, email, orders, born as "Born", changed_at from customers;'


class DuckDbHook(DbApiHook):
    """A hook as a team writes it for a database that has no provider."""

    conn_name_attr = "duckdb_conn_id"
    conn_type = "duckdb"
    path = ""

    def get_conn(self) -> Any:  # noqa: ANN401  (a driver's)
        return duckdb.connect(self.path)


def postgres(dsn: str, _: Path, patch: pytest.MonkeyPatch) -> Ask:
    patch.setenv("AIRFLOW_CONN_WAREHOUSE", dsn.replace("postgresql://", "postgres://"))

    def ask(sql: str) -> object:
        with psycopg.connect(dsn, autocommit=True) as connection:
            return connection.execute(sql.encode())

    return ask


def sqlite(_: str, folder: Path, patch: pytest.MonkeyPatch) -> Ask:
    path = folder / "warehouse.sqlite"
    patch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(path)}))

    def ask(sql: str) -> object:
        with closing(sqlite3.connect(path)) as connection, connection:
            return connection.execute(sql).fetchall()

    return ask


def duckdb_file(_: str, folder: Path, patch: pytest.MonkeyPatch) -> Ask:
    path = str(folder / "warehouse.duckdb")
    patch.setattr(DuckDbHook, "path", path)
    patch.setattr(BaseHook, "get_hook", lambda _: DuckDbHook("warehouse"))

    def ask(sql: str) -> object:
        with closing(duckdb.connect(path)) as connection:
            return connection.execute(sql).fetchall()

    return ask


@pytest.fixture(params=[postgres, sqlite, duckdb_file])
def ask(
    request: pytest.FixtureRequest, bare_dsn: str, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Ask:
    """Return what runs SQL in a warehouse with customers, beside a store."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn.replace("postgresql://", "postgres://"))
    with connect(dsn) as store:
        store.execute("insert into promo.contact_field (name, type) values ('Orders', 'number'), ('Born', 'date')")
    ask: Ask = request.param(bare_dsn, tmp_path, monkeypatch)
    ask(CUSTOMERS)
    ask(ROWS)
    return ask


def load(sql: str = SELECT, watermark: str = "") -> dict[str, int]:
    with DAG("crm", schedule=None):
        block = LoadContactsOperator(task_id="load", sql=sql, conn_id="warehouse", watermark=watermark)
    return block.execute({})


def known(dsn: str) -> list[tuple[Any, ...]]:
    with connect(dsn) as store:
        rows = store.execute(
            "select c.external_id, c.first_name, array_agg(v.value order by f.name desc) as values from promo.contact c"
            " left join promo.contact_field_value v using (contact_id)"
            " left join promo.contact_field f using (contact_field_id) group by c.contact_id order by 1"
        ).fetchall()
    return [(row["external_id"], row["first_name"], row["values"]) for row in rows]


def test_a_select_loads_exact_values_and_the_watermark_only_what_changed(ask: Ask, dsn: str) -> None:
    """A whole number beside a null is no float, whatever pandas would make of it."""
    counts = {"rows": 3, "inserted": 2, "updated": 0, "unchanged": 0, "rejected_count": 1}
    assert load(watermark="CHANGED_AT") == counts
    assert known(dsn) == [("1", "Ann", ["9007199254740993", "1990-05-04"]), ("3", "Cid %s", ["3"])]
    ask("update customers set email = 'bob@example.com', changed_at = '2026-01-03 10:00:00.123456' where id = 2")
    ask("update customers set first_name = 'Anna' where id = 1")  # its time stays as it is, so nobody reads it
    assert load(watermark="CHANGED_AT") == counts | {"rows": 2, "inserted": 1, "unchanged": 1, "rejected_count": 0}
    assert [name for _, name, _ in known(dsn)] == ["Ann", "Bob", "Cid %s"]
    assert load(ALL)["updated"] == 1  # without a watermark everything is read
    ask("delete from customers")
    assert load(watermark="CHANGED_AT")["rows"] == 0


@pytest.mark.usefixtures("ask")
def test_frames_are_bounded() -> None:
    frames = list(read_frames(database_hook("warehouse"), SELECT.rstrip(";"), chunk_rows=2))
    assert [len(frame) for frame in frames] == [2, 1]
    assert {str(dtype) for frame in frames for dtype in frame.dtypes} == {"object"}


def test_another_select_begins_anew_and_rows_that_are_held_keep_the_watermark(ask: Ask, dsn: str) -> None:
    load(watermark="changed_at")
    assert load(SELECT.replace(", born", ", null"), watermark="changed_at")["rows"] == 3
    ask("update customers set first_name = 'Cy', changed_at = '2026-02-01 00:00:00' where id = 3")
    with connect(dsn) as store:
        before = store.execute("select value from promo.watermark").fetchall()
    with pytest.MonkeyPatch.context() as patch, psycopg.connect(dsn) as rival:
        patch.setattr(put_contacts, "__kwdefaults__", {"rejects_listed": 9, "patience_s": 0.1})
        rival.execute("select from promo.contact where external_id = '3' for update")
        with pytest.raises(AirflowFailException, match="all 1 rows"):
            load(SELECT.replace(", born", ", null"), watermark="changed_at")
    with connect(dsn) as store:
        assert store.execute("select value from promo.watermark").fetchall() == before
    assert load(SELECT.replace(", born", ", null"), watermark="changed_at")["updated"] == 1


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"sql": "", "conn_id": "warehouse"}, ConfigurationError, "give either a file, or sql"),
        ({"sql": "select 1", "conn_id": ""}, ConfigurationError, "give either a file, or sql"),
        ({"file": "a.csv", "watermark": "x"}, ConfigurationError, "a file has none"),
        ({"sql": "select 1 as email", "conn_id": "store", "watermark": "a b"}, ConfigurationError, "plain name"),
        ({"sql": "select 1 as email", "conn_id": "store", "watermark": "at"}, ContactFileError, "no column at"),
        ({"sql": "select 1 as tel", "conn_id": "store"}, ContactFileError, "store: the column 'tel' is neither"),
        ({"sql": "select 1", "conn_id": "web"}, ConfigurationError, "'web' leads to no database"),
    ],
)
def test_what_is_wrong_is_told(
    dsn: str, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], error: type[Exception], said: str
) -> None:
    for name in ("PROMO_DB", "STORE"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", dsn.replace("postgresql://", "postgres://"))
    monkeypatch.setenv("AIRFLOW_CONN_WEB", "http://example.com")
    with pytest.raises(error, match=said):
        LoadContactsOperator(task_id="load", **given).execute({})
