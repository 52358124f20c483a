"""Opening a run for contacts of another database, with columns for the texts of that run and without, in one run.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_audience_columns.py --contacts 1000000 --rounds 3

The warehouse is a second database of the same server: a table of so many customers, by their external ids. A Start
block asks it in chunks, finds the contacts, freezes the audience and keeps three columns of each contact (a decimal, a
date and a text). Each opening runs in a process of its own, on the same store; the best round of each counts. Peak
memory is the process's own, Airflow's libraries included.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.bench_load_codes import server_for_tests
from benchmarks.bench_send_path import options_of
from benchmarks.figures import Figure, keep
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.migrations import migrate

HEAD = """\
-- connection: warehouse
-- column: spent decimal, such as 99.50
-- column: visited date, such as 2026-02-03
-- column: last_item text, such as Boots
"""
COLUMNS = "select customer_id as external_id, spent, visited, last_item from buyers"
SELECTS = {
    "with_columns": HEAD + COLUMNS,
    "without_columns": "-- connection: warehouse\nselect customer_id as external_id from buyers",
}
STORE, WAREHOUSE = "audience_bench_store", "audience_bench_warehouse"
FILL_STORE = """
insert into promo.contact (external_id, first_name) select 'c-' || n, 'Name ' || n from generate_series(1, %(count)s) n;
insert into promo.contact_channel (contact_id, type, value)
select contact_id, 'mobilepush', 'token-' || contact_id from promo.contact;
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)
values ('codes.csv', sha256('bench'), 0, 0, 0, 0, 0);
insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)
select 'BENCH' || n, 'Bench', 10, now() + interval '90 days', false, (select max(code_file_id) from promo.code_file), n
from generate_series(1, %(count)s) n
"""
FILL_WAREHOUSE = """
create table buyers as
select 'c-' || n as customer_id, (n %% 30000 / 100.0)::numeric(9, 2) as spent, date '2026-01-01' + n %% 300 as visited,
       'Item ' || n %% 5000 as last_item
from generate_series(1, %(count)s) n
"""


def open_here(kind: str, dsn: str, key: str) -> None:
    """Open a run in this process and print what it took."""
    from promo_campaigns.hooks.other_database import ask_audience
    from promo_campaigns.ledger.runs import open_run
    from promo_campaigns.model.audience.columns import read_columns
    from promo_campaigns.model.forecast import StockPolicy
    from promo_campaigns.model.run_spec import Audience, CodeRequest, Message, RunSpec

    select = SELECTS[kind]
    audience = Audience(name="buyers", sql=select, columns=read_columns(select))
    codes = CodeRequest(type="Bench", discount=10, days=7)
    message = Message(name="bench", channel="mobilepush", title="Hi", body="$!data.get('promocode')")
    spec = RunSpec(workflow=kind, audience=audience, codes=codes, message=message)
    with connect(dsn) as connection:
        before = time.perf_counter()
        spec = replace(spec, audience=ask_audience(audience))
        open_run(connection, spec, run_key=f"{kind}/{key}", stock_policy=StockPolicy.PARTIAL)
        seconds = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write("\n" + json.dumps({"seconds": seconds, "megabytes": peak}))


def measure(kind: str, server: str, key: str) -> dict[str, Any]:
    """Open a run in a process of its own; return its seconds and peak megabytes."""
    dsn, warehouse = (urlunsplit(urlsplit(server)._replace(path=f"/{name}")) for name in (STORE, WAREHOUSE))
    command = [sys.executable, __file__, "--open", kind, dsn, key]
    environment = {**os.environ, "AIRFLOW_CONN_WAREHOUSE": warehouse.replace("postgresql://", "postgres://")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    sys.stderr.write(f"{kind}, {key}: {measured['seconds']:.1f} s, {measured['megabytes']:.0f} MB\n")
    return measured


def fill(server: str, contacts: int) -> None:
    """Make both databases: contacts with a token and codes in the store, customers in the warehouse."""
    with psycopg.connect(server, autocommit=True) as connection:
        for name in (STORE, WAREHOUSE):
            connection.execute(f"create database {name}".encode())
    for name, text in ((STORE, FILL_STORE), (WAREHOUSE, FILL_WAREHOUSE)):
        dsn = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        if name == STORE:
            migrate(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            for statement in text.split(";"):
                connection.execute(statement.encode(), {"count": contacts} if "%(" in statement else None)
            connection.execute("vacuum analyze")


def drop(server: str) -> None:
    """Remove both databases."""
    with psycopg.connect(server, autocommit=True) as connection:
        for name in (STORE, WAREHOUSE):
            connection.execute(f"drop database if exists {name} with (force)".encode())


def compare(contacts: int, rounds: int) -> list[Figure]:
    """Open runs in turns and return the figures."""
    taken: dict[str, list[dict[str, Any]]] = {kind: [] for kind in SELECTS}
    with server_for_tests() as server:
        try:
            fill(server, contacts)
            for number in range(rounds):
                for kind, rows in taken.items():
                    rows.append(measure(kind, server, f"round {number + 1}"))
        finally:
            drop(server)
    per_s = {kind: contacts / min(row["seconds"] for row in rows) for kind, rows in taken.items()}
    peak = {kind: max(row["megabytes"] for row in rows) for kind, rows in taken.items()}
    return [
        Figure(name="without_columns", value=round(per_s["without_columns"]), unit="contacts/s"),
        Figure(
            name="with_columns",
            value=round(per_s["with_columns"]),
            unit="contacts/s",
            peer="the same audience without columns",
            ratio=per_s["with_columns"] / per_s["without_columns"],
        ),
        Figure(name="peak_memory", value=round(peak["with_columns"]), unit="MB"),
        Figure(name="peak_memory_without", value=round(peak["without_columns"]), unit="MB"),
    ]


def main() -> int:
    """Compare, and keep the figures."""
    if sys.argv[1:2] == ["--open"]:
        open_here(*sys.argv[2:])
        return 0
    options = options_of(__doc__, contacts=1_000_000, rounds=3)
    return keep("audience_columns", compare(options.contacts, options.rounds), options)


if __name__ == "__main__":
    sys.exit(main())
