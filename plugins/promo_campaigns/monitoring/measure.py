"""Measures what there is in the store, by what is kept of it: the cost follows what is open, never the history."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.code_files.stock import stock
from promo_campaigns.monitoring import metrics
from promo_campaigns.monitoring.metrics import Measurement
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


@dataclass(frozen=True, slots=True)
class EventQueue:
    """The events that wait for a workflow.

    :param since: when the oldest of them was received; None if none waits
    :param seconds: for how long it has waited
    """

    workflow: str
    events: int
    since: datetime | None
    seconds: float


def event_queues(connection: Connection) -> list[EventQueue]:
    """Return the queue of each workflow that listens, empty ones too."""
    return [EventQueue(**row) for row in connection.execute(_SQL["count_events"])]


def measure(connection: Connection) -> list[Measurement]:
    """Measure everything that the store can tell."""
    return [*_codes(connection), *_runs(connection), *_receivers(connection), *_events(connection)]


def _codes(connection: Connection) -> Iterator[Measurement]:
    free: Counter[str] = Counter()
    for pool in stock(connection):
        free[pool.type] += pool.free
    for name in sorted(free):
        yield Measurement(metrics.FREE_CODES, free[name], name)


def _runs(connection: Connection) -> Iterator[Measurement]:
    row = connection.execute(_SQL["measure_open_runs"]).fetchone() or {}
    yield Measurement(metrics.OPEN_RUNS, row["runs"])
    yield Measurement(metrics.OLDEST_WAIT, row["still_s"])
    yield Measurement(metrics.UNKNOWN_SENDS, _count(connection, "count_unknown"))


def _receivers(connection: Connection) -> Iterator[Measurement]:
    yield Measurement(metrics.OPEN_CIRCUITS, _count(connection, "count_circuits"))


def _events(connection: Connection) -> Iterator[Measurement]:
    for queue in event_queues(connection):
        yield Measurement(metrics.WAITING_EVENTS, queue.events, queue.workflow)
        yield Measurement(metrics.OLDEST_EVENT, queue.seconds, queue.workflow)


def _count(connection: Connection, query: str) -> int:
    row = connection.execute(_SQL[query]).fetchone() or {}
    return int(next(iter(row.values()), 0))
