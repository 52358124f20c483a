"""Loading code files: ours, a hand-written COPY + INSERT ... SELECT, and pandas, into the same tables in one run.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_load_codes.py --rows 1000000

Each load runs in a process of its own, on a database of its own with the product's schema; PROMO_TEST_DSN names a
server, else one is started. Rounds take turns, and the best time of each counts, since other work slows all of them.
pandas loads a part of the file, through SQLAlchemy's default driver, and is scaled by rows.

Exit status 1 when an aim is missed: at least 60 % of the hand-written one's speed, at least 4 times that of
`read_csv().to_sql()`, and a peak memory under 200 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.figures import Figure, keep
from promo_campaigns.postgres.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEAST_OF_HAND_WRITTEN = 0.6
LEAST_OF_PANDAS = 4
MOST_MEGABYTES = 200
PANDAS_ROWS = 100_000

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
STAGE = (
    "create temporary table stage (line bigint generated always as identity, c text, e text, d text, t text, u text)"
)
COPY = "copy stage (c, e, d, t, u) from stdin (format csv, header)"
ADD_FILE = """
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)
select 'codes.csv', sha256('codes.csv'), 0, 0, 0, 0, 0 returning code_file_id"""
INSERT = """
insert into promo.promo_code (expires_at, code_file_id, line, discount, retired, code, type)
select e::timestamp at time zone 'UTC', %s, line + 1, d::smallint, u::boolean, c, t from stage"""


def load_ours(path: Path, dsn: str) -> None:
    from promo_campaigns.code_files.load import load_code_file
    from promo_campaigns.postgres.connection import connect

    with connect(dsn) as connection, path.open("rb") as file:
        load_code_file(connection, file, name=path.name)


def load_by_hand(path: Path, dsn: str) -> None:
    with psycopg.connect(dsn) as connection, path.open("rb") as file:
        connection.execute(STAGE)
        with connection.cursor().copy(COPY) as copy:
            while block := file.read(2**20):
                copy.write(block)
        connection.execute(INSERT, connection.execute(ADD_FILE).fetchone())


def load_with_pandas(path: Path, dsn: str) -> None:
    import pandas as pd  # type: ignore[import-untyped]  # pandas has no types here
    from sqlalchemy import create_engine, text

    engine = create_engine(urlunsplit(urlsplit(dsn)._replace(scheme="postgresql+psycopg2")))
    with engine.begin() as connection:
        file_id = connection.execute(text(ADD_FILE)).scalar_one()
        frame = pd.read_csv(path, nrows=PANDAS_ROWS, parse_dates=["expirationDate"])
        frame = frame.rename(columns={"expirationDate": "expires_at", "inUse": "retired"})
        frame = frame.assign(code_file_id=file_id, line=frame.index + 2)
        frame.to_sql("promo_code", connection, schema="promo", if_exists="append", index=False, chunksize=10_000)


LOADERS: dict[str, Callable[[Path, str], None]] = {
    "ours": load_ours,
    "hand-written": load_by_hand,
    "pandas": load_with_pandas,
}


def write_codes(path: Path, rows: int) -> None:
    """Write unguessable codes of two types, four discounts and twelve dates."""
    chance = random.Random(rows)  # noqa: S311  (the same file in each run)
    with path.open("w") as file:
        file.write("code,expirationDate,discount,type,inUse\n")
        for number in range(rows):
            bits = chance.getrandbits(60)
            code = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(12))
            date, name = f"2035-{number % 12 + 1:02}-15T23:59", "Welcome" if number % 3 else "Spring"
            file.write(f"WELC-{code[:4]}-{code[4:8]}-{code[8:]},{date},{number % 4 * 5},{name},false\n")


@contextmanager
def database(server: str) -> Iterator[str]:
    """Make a database with the product's schema, and drop it."""
    name = f"codes_bench_{secrets.token_hex(4)}"
    dsn = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        try:
            migrate(dsn)
            connection.execute("checkpoint")
            yield dsn
        finally:
            connection.execute(f"drop database {name} with (force)")


def measure(loader: str, path: Path, server: str, rows: int) -> dict[str, Any]:
    """Run one load in a process of its own; return its seconds, rows and peak megabytes."""
    with database(server) as dsn:
        command = [sys.executable, __file__, "--loader", loader, "--file", str(path), "--dsn", dsn]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        measured: dict[str, Any] = json.loads(done.stdout)
        with psycopg.connect(dsn) as connection:
            [loaded] = connection.execute("select count(*) from promo.promo_code").fetchone() or [0]
    expected = min(rows, PANDAS_ROWS) if loader == "pandas" else rows
    if loaded != expected:
        message = f"{loader} loaded {loaded} rows of {expected}"
        raise RuntimeError(message)
    return measured | {"seconds": measured["seconds"] * rows / expected}


def run_one(loader: str, path: Path, dsn: str) -> None:
    """Load in this process and print what it took."""
    if loader == "pandas":
        import pandas as pd  # noqa: F401  (importing it is no part of loading)
    before = time.perf_counter()
    LOADERS[loader](path, dsn)
    seconds = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "megabytes": peak}))


def compare(rows: int, rounds: int, server: str, folder: Path) -> list[Figure]:
    """Let all load a file of so many rows; the best round of each counts."""
    path = folder / f"codes-{rows}.csv"
    write_codes(path, rows)
    best: dict[str, dict[str, Any]] = {}
    for turn in range(rounds):
        for loader in LOADERS:
            if loader == "pandas" and turn:
                continue
            taken = measure(loader, path, server, rows)
            sys.stderr.write(f"{rows:,} rows, round {turn + 1}, {loader}: {taken['seconds']:.1f} s\n")
            best[loader] = min(best.get(loader, taken), taken, key=lambda it: float(it["seconds"]))
    return figures_of(rows, best)


def figures_of(rows: int, best: dict[str, dict[str, Any]]) -> list[Figure]:
    """Return each loader's speed, and ours beside the others'."""
    per_s = {loader: rows / taken["seconds"] for loader, taken in best.items()}
    aims = {"hand-written": LEAST_OF_HAND_WRITTEN, "pandas": LEAST_OF_PANDAS}
    figures = [Figure(name=loader, value=round(per_s[loader]), unit="rows/s") for loader in aims]
    figures += [
        Figure(
            name=f"beside_{loader}",
            value=round(per_s["ours"]),
            unit="rows/s",
            peer=loader,
            ratio=per_s["ours"] / per_s[loader],
            least_ratio=aim,
        )
        for loader, aim in aims.items()
    ]
    return [
        *figures,
        Figure(name="peak_memory", value=round(best["ours"]["megabytes"]), unit="MB", most=MOST_MEGABYTES),
    ]


@contextmanager
def server_for_tests() -> Iterator[str]:
    named = os.environ.get("PROMO_TEST_DSN")
    if named:
        yield urlunsplit(urlsplit(named)._replace(path="/postgres"))
        return
    from promo_campaigns.postgres.embedded.server import throwaway_postgres

    with throwaway_postgres() as server:
        yield server.dsn("postgres")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loader", choices=LOADERS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--dsn", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.loader:
        run_one(args.loader, args.file, args.dsn)
        return 0
    with server_for_tests() as server, tempfile.TemporaryDirectory() as folder:
        figures = compare(args.rows, args.rounds, server, Path(folder))
    return keep("load_codes", figures, {"rows": args.rows, "rounds": args.rounds})


if __name__ == "__main__":
    sys.exit(main())
