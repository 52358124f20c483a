"""Runs the SQL file of a revision part by part; how such a file is written stands at the top of the package."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from psycopg import errors, sql

from promo_campaigns.model.errors import StoreUnavailableError
from promo_campaigns.postgres.sql import without_comments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from psycopg import Connection

SCHEMA = "promo"
LOCK_WAIT_MS = 100
"""Milliseconds for which readers may queue behind a lock that a part waits for, of each of its tables."""

BATCH_ROWS = 10_000

_VACUUM_WAIT_MS = 5_000
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_HEADER = re.compile(
    r"^-- part: (?:(?P<locked>locked)(?: on (?P<tables>[a-z_., ]+?))?|(?P<online>online)"
    r"|(?P<batches>batches) of (?P<table>[a-z_.]+) by (?P<key>[a-z_]+)) --$",
    re.MULTILINE,
)
_MARK = re.compile(r"^-- part:", re.MULTILINE)
_NEW_INDEX = re.compile(r"create\s+(?:unique\s+)?index\s+concurrently\s+(?P<name>[a-z_]+)\s+on\b")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a revision's file.

    :param kind: how it is run
    :param tables: what a locked part locks, or the one table whose rows are filled in
    :param key: the column by whose ranges rows are filled in
    :param text: its SQL
    """

    kind: Literal["locked", "online", "batches"]
    tables: tuple[str, ...]
    key: str
    text: str


def parts_of(text: str) -> Sequence[Part]:
    """Cut the text of a migration into its parts; without a line that begins one, the whole is one.

    :raises ValueError: a line that begins a part is not written as it must be, or SQL stands before the first
    """
    heads = list(_HEADER.finditer(text))
    if len(heads) != len(_MARK.findall(text)):
        msg = "a line '-- part: …' is neither 'locked [on TABLES]', 'online' nor 'batches of TABLE by COLUMN'"
        raise ValueError(msg)
    if not heads:
        return (Part("locked", (), "", text),)
    if without_comments(text[: heads[0].start()]).strip():
        msg = "SQL stands before the first part"
        raise ValueError(msg)
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return tuple(_part(head, text[head.end() : end]) for head, end in zip(heads, ends, strict=True))


def _part(head: re.Match[str], text: str) -> Part:
    if head["locked"]:
        tables = tuple(name.strip() for name in (head["tables"] or "").split(",") if name.strip())
        return Part("locked", tables, "", text)
    return Part("online", (), "", text) if head["online"] else Part("batches", (head["table"],), head["key"], text)


def try_until(attempt: Callable[[], bool], patience_s: float, problem: Callable[[], str]) -> None:
    """Try again and again, at growing intervals, until it works.

    :param attempt: returns whether it worked
    :param patience_s: seconds for which it is tried
    :param problem: says what was in the way, and what to do
    :raises StoreUnavailableError: it did not work in that time
    """
    give_up, pause = time.monotonic() + patience_s, _FIRST_PAUSE_S
    while not attempt():
        if time.monotonic() >= give_up:
            raise StoreUnavailableError(problem())
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration under way on one connection.

    :param connection: where it runs; nobody else migrates the database
    :param is_new: the database holds nothing yet, so nobody can be shut out of it
    :param patience_s: seconds to wait for each lock that others hold
    :param tell: is told which part comes next
    :param scripts: the folder of the revisions' SQL files
    """

    connection: Connection
    is_new: bool
    patience_s: float
    tell: Callable[[str], None]
    scripts: Path

    def run_at_once(self, text: str) -> None:
        """Run all parts of a revision's SQL inside the transaction that is open."""
        for part in parts_of(text):
            if part.kind == "batches":
                self._fill(part)
            else:
                # Only outside a transaction can an index be built beside others; here there are none.
                locked = part.kind == "locked"
                self.connection.execute(part.text if locked else re.sub(r"\bconcurrently\b", "", part.text))

    def run_in_steps(self, name: str, text: str) -> None:
        """Run the parts that are not done yet, each committed by itself; the connection is in autocommit mode."""
        self._execute(f"create table if not exists {SCHEMA}.migration_step (revision text, step integer)")
        found = self.connection.execute("select step from promo.migration_step where revision = %s", [name])
        done = {step for (step,) in found}
        parts = parts_of(text)
        for number, part in enumerate(parts, 1):
            if number in done:
                continue
            self.tell(f"{name}: part {number} of {len(parts)}, {part.kind} {', '.join(part.tables)}".rstrip())
            self._run(name, number, part)

    def _run(self, name: str, number: int, part: Part) -> None:
        if part.kind == "locked":
            where = f"{name}, part {number}"
            try_until(lambda: self._run_locked(name, number, part), self.patience_s, lambda: self._who(where, part))
            return
        if part.kind == "online":
            self._run_online(part)
        else:
            self._fill(part)
        self._note(name, number)

    def _run_locked(self, name: str, number: int, part: Part) -> bool:
        try:
            with self.connection.transaction():
                self._lock(part.tables)
                self._execute(part.text)
                self._note(name, number)
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            return False
        return True

    def _lock(self, tables: Sequence[str]) -> None:
        """Lock tables against everybody, or raise ``LockNotAvailable`` before anybody has queued for long.

        A vacuum that is under way would keep us out for its whole length. It gives way to who has waited for it for a
        second; that wait is for a lock which readers and writers do not mind.
        """
        if tables:
            names = ", ".join(tables)
            self._execute(f"set local lock_timeout = {_VACUUM_WAIT_MS}")
            self._execute(f"lock table {names} in share update exclusive mode")
            self._execute(f"set local lock_timeout = {LOCK_WAIT_MS}")
            self._execute(f"lock table {names} in access exclusive mode")
        self._execute(f"set local lock_timeout = {LOCK_WAIT_MS}")

    def _run_online(self, part: Part) -> None:
        statement = without_comments(part.text).strip()
        if index := _NEW_INDEX.match(statement):
            place = f"{SCHEMA}.{index['name']}"
            valid = self.connection.execute(
                "select indisvalid from pg_index where indexrelid = to_regclass(%s)", [place]
            ).fetchone()
            if valid == (True,):
                return
            if valid:  # what a migration left that was killed while it built the index
                self._execute(f"drop index concurrently {place}")
        self._execute(statement)

    def _fill(self, part: Part) -> None:
        names = {"key": sql.Identifier(part.key), "table": sql.Identifier(*part.tables[0].split("."))}
        before_first = sql.SQL("select min({key}) - 1 from {table}").format(**names)
        # The place where a batch ends is looked up in the column's index: no batch looks at rows of another.
        end = sql.SQL(
            "select max({key}) from (select {key} from {table} where {key} > %(low)s order by {key} limit %(rows)s) it"
        ).format(**names)
        [low] = self.connection.execute(before_first).fetchone() or (None,)
        while low is not None:
            [high] = self.connection.execute(end, {"low": low, "rows": BATCH_ROWS}).fetchone() or (None,)
            if high is not None:
                self._fill_range(part, {"low": low, "high": high})
            low = high

    def _fill_range(self, part: Part, bounds: dict[str, int]) -> None:
        def attempt() -> bool:
            try:
                with self.connection.transaction():
                    self.connection.execute(part.text, bounds)
            except errors.DeadlockDetected:
                return False
            return True

        try_until(
            attempt, self.patience_s, lambda: f"rows of {part.tables[0]} are locked all the time; try again later"
        )

    def _who(self, where: str, part: Part) -> str:
        """Say who keeps a part from the locks it needs."""
        holders = self.connection.execute(
            "select distinct l.pid from pg_locks l where l.granted and l.pid <> pg_backend_pid()"
            " and l.relation = any (%s::regclass[]) order by 1 limit 5",
            [list(part.tables)],
        ).fetchall()
        pids = ", ".join(str(pid) for (pid,) in holders)
        by = f"server process {pids}" if pids else "others"
        return (
            f"the migration {where}, waited {self.patience_s:.0f} s for {', '.join(part.tables)}, in use by {by}."
            " End those queries or wait for them, then run promo db migrate again: it goes on where it was"
        )

    def _note(self, name: str, number: int) -> None:
        self.connection.execute("insert into promo.migration_step values (%s, %s)", [name, number])

    def _execute(self, statement: str) -> None:
        self.connection.execute(statement)
