"""What the upkeep DAG does while others are at work: it archives closed runs, on a folder that loses files."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from unittest.mock import patch

import psycopg

from databases import in_memory
from faults.dag_runs import DagRun
from faults.small_scenario import DAY_S
from faults.strands import Killed
from faults.virtual_clock import EPOCH_S
from faults.workers import Outermost
from promo_campaigns.ledger.archive import old_runs
from promo_campaigns.ledger.archive.keep import Keep
from promo_campaigns.ledger.archive.shelf import LocalShelf
from promo_campaigns.ledger.retention import run_retention
from promo_campaigns.model.errors import LedgerError
from promo_campaigns.model.run import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from faults.schedule import Schedule
    from faults.workers import Worker
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.tables.writers import Column, WriteRows

KEEP = Keep(runs=0, events=None, inbox=None, audit=1)
"""Runs go as soon as nobody may need them any more, and the audit after a day."""
NAME, AT_ONCE, TRIES = "upkeep", 2, 2
FOLDERS = ("archive", "archive/other")
LOST, CUT = 0.06, 0.12
"""How often a file is gone before it is read back, and how often half of it is there, where the first is not so."""
WHOLE, HALF, AGAIN_S = 0.7, 0.5, 60.0
FALLBACK_S = EPOCH_S + 60 * DAY_S
"""Until then the code that all share whom the pool has none for may be given; it runs out a little later."""

_SOON = """
select d.run_key, d.due, d.hour
from (
  select run_id, run_key, extract(epoch from greatest(
    r.closed_at + interval '1 hour' + coalesce(r.cap_window, interval '0'),
    (select max(p.expires_at) from promo.assignment a join promo.promo_code p using (promo_code_id)
     where a.run_id = r.run_id)))::float8 as due,
    extract(epoch from r.closed_at + interval '1 hour')::float8 as hour
  from promo.run r where r.closed_at is not null and r.archived_at is null
) d
where not exists (select from promo.unknown_send u where u.run_id = d.run_id)
order by d.due, d.run_id limit 1
"""
_LATEST = """
select greatest(extract(epoch from max(r.closed_at) + interval '1 hour' + coalesce(max(r.cap_window), interval '0')),
                (select extract(epoch from max(expires_at)) from promo.promo_code where issued_at is not null)
       )::float8 as due
from promo.run r
"""
_STAYS = """
select r.run_key, r.archived_at is null as whole from promo.run r
where r.dropped_at is null and r.closed_at is not null
  and not exists (select from promo.unknown_send u where u.run_id = r.run_id) order by r.run_key
"""
_ARCHIVED = "select run_key from promo.run where archived_at is not null order by run_key"


@contextmanager
def shelves() -> Iterator[Path]:
    """Make room for a schedule's files; contacts are dropped few at a time, and runs looked at so."""
    folder = Path(tempfile.mkdtemp(prefix="promo-archive-", dir=in_memory()))
    try:
        with patch.object(old_runs, "CONTACTS_AT_ONCE", AT_ONCE), patch.object(old_runs, "_RUNS_AT_ONCE", AT_ONCE):
            yield folder
    finally:
        shutil.rmtree(folder)


def upkeep(schedule: Schedule) -> Callable[[Worker], None]:
    """Return the upkeep's task, which Airflow tries again when its connection is lost."""
    folder = schedule.folder / schedule.rng.choice(FOLDERS)

    def work(worker: Worker) -> None:
        for _ in range(TRIES):
            worker.connect()
            shelf, store = UnreliableShelf(folder, schedule, worker), UpkeepStore(schedule, worker)
            try:
                with suppress(LedgerError):  # another one archives, or a file is not what was written
                    run_retention(store, KEEP, shelf)  # type: ignore[arg-type]  # as far as it is used
            except psycopg.OperationalError:
                worker.sleep(AGAIN_S)
            else:
                return

    return work


def grow_old(schedule: Schedule) -> str:
    """Let time pass until a closed run may be archived, and return its occurrence; empty if none may soon.

    New codes are loaded in place of those that ran out. Now and then it is too short a time, for a run whose codes are
    valid or whose messages a cap counts.
    """
    row = schedule.stage.books.execute(_SOON).fetchone()
    due = row["due" if schedule.rng.random() < WHOLE else "hour"] if row else FALLBACK_S
    if row is None or due >= FALLBACK_S:
        return ""
    schedule.clock.advance(max(due - schedule.clock.now, 0.0) + 1)
    if schedule.rng.random() < WHOLE:
        schedule.load_codes(schedule.scenario.days * DAY_S + schedule.rng.uniform(300, 4000))
    return schedule.occurrences[row["run_key"]]


def put_away(schedule: Schedule) -> None:
    """Archive all that is closed once it is old, and run it again, which is refused."""
    row = schedule.stage.books.execute(_LATEST).fetchone()
    due = row["due"] if row and row["due"] else 0.0
    schedule.clock.advance(max(due - schedule.clock.now, 0.0) + 1)
    for _ in range(TRIES):
        schedule.run_alone(NAME, upkeep(schedule))
    for left in schedule.stage.books.execute(_STAYS).fetchall():
        what = "is old, and is not archived" if left["whole"] else "is archived, and not dropped to its end"
        schedule.report.violations.append(f"O28 run {left['run_key']} {what}")
    if not schedule.scenario.shared:  # whose definition is refused once the fallback code has run out
        _run_again(schedule)


def _run_again(schedule: Schedule) -> None:
    calls = [receiver.calls for receiver in schedule.receivers.all]
    for occurrence in sorted({schedule.occurrences[row["run_key"]] for row in _archived(schedule.stage.books)}):
        for mode in (None, Mode.PROFILES):
            schedule.run_to_its_end(DagRun(occurrence, f"after {occurrence}", mode))
    if calls != [receiver.calls for receiver in schedule.receivers.all]:
        schedule.report.violations.append("O27 archived runs were worked on when they were run again")


def _archived(books: Connection) -> list[dict[str, Any]]:
    return books.execute(_ARCHIVED).fetchall()


class UnreliableShelf(LocalShelf):
    """A folder that loses a file now and then before it is read back, or holds half of it.

    A process that is killed while it writes leaves half a file. Within a transaction of a coarse schedule nothing
    happens, as everywhere.
    """

    def __init__(self, folder: Path, schedule: Schedule, worker: Worker) -> None:
        super().__init__(folder)
        self._schedule, self._worker = schedule, worker

    @contextmanager
    def opened(self, path: str, columns: Sequence[Column]) -> Iterator[WriteRows]:
        self._step("before a file is written")
        try:
            with super().opened(path, columns) as write:
                yield write
                self._step("before a file is whole")
        except Killed:
            Path(f"{path}.part").write_bytes(b"PAR1, and half of it")
            raise

    @contextmanager
    def reading(self, path: str) -> Iterator[BinaryIO]:
        self._step("before a file is read back")
        self._lose(Path(path))
        with super().reading(path) as stream:
            yield stream

    def _lose(self, file: Path) -> None:
        chance = self._schedule.rng.random() if self._schedule.raging else 1.0
        if chance < LOST:
            file.unlink()
        elif chance < CUT:
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        else:
            return
        self._schedule.report.faults["file lost"] += 1

    def _step(self, at: str) -> None:
        """Hand over; a connection that breaks here is gone for the server too, while the process still writes."""
        if self._worker.connection.between is None:
            return
        self._worker.step(at)
        if self._worker.drop == "within":
            self._worker.lose()


class UpkeepStore:
    """A worker's connection as the upkeep has it, with a step before half of the transactions: there are many."""

    def __init__(self, schedule: Schedule, worker: Worker) -> None:
        self._schedule, self._worker = schedule, worker
        self._live = worker.connection
        self._outermost = Outermost(worker)

    @property
    def broken(self) -> bool:
        return self._worker.killed or self._worker.lost

    def cursor(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (the driver's)
        if self._worker.lost:
            self._worker.break_before()
        return self._live.cursor(*args, **kwargs)

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[dict[str, Any]]:  # noqa: ANN401  (likewise)
        with self._whole():
            return self._live.execute(*args, **kwargs)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._whole(), self._live.transaction():
            yield

    @contextmanager
    def _whole(self) -> Iterator[None]:
        if not self._outermost.depth and self._schedule.rng.random() < HALF:
            self._worker.step("before the upkeep's next transaction")
        with self._outermost.block():
            if self._worker.lost:
                self._worker.break_before()
            yield
