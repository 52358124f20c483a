"""What a server does in the background: begun once however many servers are asked, and kept so that each can tell.

A job is worked off by a thread of the server that began it, which says every few seconds that it is alive. A job of
which nothing was heard for a minute is taken for lost.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from promo_campaigns.model.errors import PromoError
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from promo_campaigns.postgres.connection import Connection

    Work = Callable[[Callable[[int], None]], Mapping[str, Any]]
    """Does a job, telling how much of it is done, and returns its result as plain values."""

SILENT_S = 60.0
KEEP_S = 24 * 3600.0
"""How long what a job came to is kept for at the least, unless another about the same comes to something."""
_ALIVE_S = 5.0
_SQL = queries(__name__)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job, under way or over.

    :ivar kind: ``check`` or ``dry run``
    :ivar subject: what it is about: of its kind one job about it is under way at a time
    :ivar actor: who asked for it
    :ivar done: how much of it is done, in whatever it counts
    :ivar terms: what it was asked with
    :ivar result: what it came to; None while it is under way, and where it failed
    :ivar problem: why it failed
    """

    background_job_id: int
    token: UUID
    kind: str
    subject: str
    actor: str
    begun_at: datetime
    alive_at: datetime
    finished_at: datetime | None
    done: int
    terms: dict[str, Any]
    result: dict[str, Any] | None
    problem: str | None

    @property
    def state(self) -> str:
        """Say ``running``, ``done`` or ``failed``."""
        if self.finished_at is None:
            return "running"
        return "failed" if self.result is None else "done"


def begin_job(connection: Connection, kind: str, subject: str, *, actor: str, terms: Mapping[str, Any]) -> Job | None:
    """Begin a job; None if one like it is under way, here or on another server."""
    named = {"kind": kind, "subject": subject}
    connection.execute(_SQL["end_lost"], {**named, "silent_s": SILENT_S})
    connection.execute(_SQL["forget_jobs"], {**named, "keep_s": KEEP_S})
    begun = connection.execute(_SQL["begin_job"], {**named, "actor": actor, "terms": Jsonb(dict(terms))}).fetchone()
    return newest_job(connection, kind, subject) if begun else None


def work_off(dsn: str, job: Job, work: Work) -> Thread:
    """Do a job in a thread of this process, which ends with the process; return it, started."""
    thread = Thread(target=_work, args=(dsn, job, work), name=f"promo {job.kind} {job.background_job_id}", daemon=True)
    thread.start()
    return thread


def newest_job(connection: Connection, kind: str, subject: str) -> Job | None:
    """Return the newest job about something; one that was lost is told as failed."""
    named = {"kind": kind, "subject": subject}
    connection.execute(_SQL["end_lost"], {**named, "silent_s": SILENT_S})
    return _job(connection, "newest_job", named)


def newest_result(connection: Connection, kind: str, subject: str) -> Job | None:
    """Return the newest job about something that came to a result."""
    return _job(connection, "newest_finished", {"kind": kind, "subject": subject})


def read_job(connection: Connection, kind: str, token: UUID) -> Job | None:
    """Return a job by its token; None if there is none, or it is not kept any more."""
    found = _job(connection, "read_job", {"kind": kind, "token": token})
    if found is None or found.finished_at is not None:
        return found
    named = {"kind": kind, "subject": found.subject, "silent_s": SILENT_S}
    ended = connection.execute(_SQL["end_lost"], named).rowcount
    return _job(connection, "read_job", {"kind": kind, "token": token}) if ended else found


def _job(connection: Connection, query: str, asked: Mapping[str, object]) -> Job | None:
    row = connection.execute(_SQL[query], asked).fetchone()
    return Job(**row) if row else None


def _work(dsn: str, job: Job, work: Work) -> None:
    """Do it, and keep what it comes to, whatever that is."""
    progress, over = [0], Event()

    def tell(done: int) -> None:
        progress[0] = done

    watch = Thread(target=_say_alive, args=(dsn, job, progress, over), name="promo alive", daemon=True)
    watch.start()
    result: Mapping[str, Any] | None = None
    try:
        result, problem = work(tell), None
    except PromoError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001  (whatever it is, the job is over, and those who wait are told)
        _log.error("A %s in the background failed: %s", job.kind, type(error).__name__)
        problem = f"a fault of promo itself ({type(error).__name__}); report it"
    finally:
        over.set()
        watch.join()
    told = {
        "job_id": job.background_job_id,
        "done": progress[0],
        "result": None if result is None else Jsonb(dict(result)),
        "problem": problem,
    }
    try:
        with connect(dsn) as connection:
            connection.execute(_SQL["finish_job"], told)
    except PromoError as error:  # it is taken for lost then
        _log.warning("Nobody could be told what a %s came to: %s", job.kind, error)


def _say_alive(dsn: str, job: Job, progress: list[int], over: Event) -> None:
    while not over.wait(_ALIVE_S):
        with suppress(PromoError), connect(dsn) as connection:  # a store that is away for a while is told the next time
            connection.execute(_SQL["tell_alive"], {"job_id": job.background_job_id, "done": progress[0]})
