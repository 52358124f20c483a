"""Progress: on a terminal, for what takes long, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from command_line import PROMO, environment, on_terminal
from promo_campaigns.cli.progress import DELAY_S, progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import LiteralString

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ROWS = 3_000
INCLUDE = Path(__file__).parents[2] / "include"


@pytest.fixture
def codes(tmp_path: Path) -> Path:
    file = tmp_path / "codes.csv"
    rows = "".join(f"CODE-{number:06},2039-01-01,10,Welcome,false\n" for number in range(ROWS))
    file.write_text(f"code,expirationDate,discount,type,inUse\n{rows}", encoding="utf-8")
    return file


@contextmanager
def held(dsn: str, table: str) -> Iterator[psycopg.Connection]:
    """Keep a table from everybody, so that a command takes as long as this lasts."""
    with psycopg.connect(dsn) as holder:
        holder.execute(f"lock table {table} in access exclusive mode".encode())
        yield holder


def wait_for_waiter(dsn: str, seconds: float) -> None:
    """Return once somebody has waited for a lock for so long, by the server's clock."""
    query: LiteralString = (
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        " and clock_timestamp() - query_start > make_interval(secs => %s)"
    )
    with psycopg.connect(dsn, autocommit=True) as onlooker:
        while onlooker.execute(query, [seconds]).fetchone() == (0,):
            onlooker.execute("select pg_sleep(0.02)")


def test_a_terminal_shows_a_load_under_way_and_is_left_as_it_was(dsn: str, codes: Path) -> None:
    with held(dsn, "promo.promo_code") as holder, on_terminal("codes", "load", str(codes), "--dsn", dsn) as terminal:
        terminal.read_until("Writing to the store")
        holder.rollback()
        assert terminal.end() == 0
    report = terminal.shown[terminal.shown.rindex("file       codes.csv") :]
    assert f"inserted   {ROWS:,}" in report
    assert "Writing to the store" not in report
    assert COLOUR.search(terminal.shown)
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l"), "the cursor is shown again"


def test_with_no_color_progress_has_none(dsn: str, codes: Path) -> None:
    with (
        held(dsn, "promo.promo_code") as holder,
        on_terminal("codes", "load", str(codes), "--dsn", dsn, variables={"NO_COLOR": "1"}) as terminal,
    ):
        terminal.read_until("Writing to the store")
        holder.rollback()
        assert terminal.end() == 0
    assert not COLOUR.search(terminal.shown)


@pytest.mark.parametrize(
    ("words", "table", "label"),
    [
        (["check"], "promo.assignment", "Checking the invariants"),
        (["unknown", "refuse", "no/run", "--all"], "promo.run", "Recording the outcomes"),
        (["events", "purge"], "promo.event", "Erasing old events"),
        (["codes", "withdraw", "1"], "promo.code_file", "Withdrawing the codes"),
        (["contacts", "load", "{contacts}"], "promo.contact", "Writing to the store"),
        (["runs", "export", "--workflow", "w", "--output", "{table}"], "promo.audit", "Exporting"),
        (["preview", "welcome_push", "--include", "{include}"], "promo.contact", "Contacts previewed"),
        (["db", "migrate"], "promo.alembic_version", "Migrating the schema"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_whatever_takes_long_shows_that_it_goes_on(
    words: list[str], table: str, label: str, dsn: str, tmp_path: Path
) -> None:
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("externalId,email\n" + "".join(f"{n},p{n}@example.com\n" for n in range(10)), encoding="utf-8")
    files = {"contacts": contacts, "table": tmp_path / "table.csv", "include": INCLUDE}
    command = [word.format(**files) for word in words]
    with held(dsn, table) as holder, on_terminal(*command, "--dsn", dsn) as terminal:
        terminal.read_until(label)
        holder.rollback()
        terminal.end()
    assert "Traceback" not in terminal.shown


def test_what_is_done_at_once_shows_none(dsn: str) -> None:
    with on_terminal("codes", "stock", "--dsn", dsn) as terminal:
        assert terminal.end() == 0
    assert terminal.shown == "There are no codes yet.\r\n"


def test_a_pipe_gets_no_progress_however_long_it_takes(dsn: str, codes: Path) -> None:
    with held(dsn, "promo.promo_code") as holder:
        process = subprocess.Popen(
            [*PROMO, "codes", "load", str(codes), "--json", "--dsn", dsn],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for_waiter(dsn, DELAY_S * 1.5)
        holder.rollback()
        told, noise = process.communicate()
    assert (process.returncode, noise) == (0, b"")
    assert told.startswith(b'{"file": "codes.csv"')


def test_a_table_on_a_terminal_fits_it_and_loses_nothing(dsn: str, codes: Path) -> None:
    subprocess.run(
        [*PROMO, "codes", "load", str(codes), "--dsn", dsn], env=environment(), capture_output=True, check=True
    )
    with on_terminal("codes", "files", "--dsn", dsn, columns=60) as terminal:
        assert terminal.end() == 0
    lines = COLOUR.sub("", terminal.shown).splitlines()
    assert max(map(len, lines)) <= 60
    assert COLOUR.search(terminal.shown)
    assert "…" not in terminal.shown


def test_a_bar_tells_how_much_is_done_and_what_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    monkeypatch.setattr("promo_campaigns.cli.progress.DELAY_S", 0)
    monkeypatch.setenv("TERM", "xterm")
    shown = ""
    with os.fdopen(slave, "w") as terminal, os.fdopen(master, "rb", buffering=0) as screen:
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress("Reading codes.csv", 2_000) as bar:
            for done, text in ((500, "25%"), (1_500, "75%")):
                bar.update(done=done)
                while text not in shown:
                    shown += screen.read(65_536).decode()
                assert "Reading codes.csv" in shown
            left = re.compile(r"Reading codes\.csv .*75% \d:\d\d:\d\d \d\d:\d\d")
            while not left.search(COLOUR.sub("", shown)):
                bar.advance(1)
                shown += screen.read(65_536).decode()
            bar.go_on("Writing to the store")
            bar.advance(12_345)
            while "12,345" not in shown:
                shown += screen.read(65_536).decode()
    assert "Writing to the store" in shown


def test_a_pipe_is_read_as_a_file_is(dsn: str) -> None:
    line = f'{shlex.join(PROMO)} contacts load <(printf "externalId\\n1\\n2\\n") --json --fields inserted --dsn {dsn}'
    done = subprocess.run(["/bin/bash", "-c", line], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"inserted": 2}\n', "")
