"""Finds what somebody should be told of, and keeps what was told: each alert once, until it is over.

A new kind of alert is a name in ``KINDS`` and a function that finds it; ``find_alerts`` calls them all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from promo_campaigns.code_files.stock_levels import read_levels
from promo_campaigns.ledger.run_list import list_runs, list_stuck
from promo_campaigns.model.oversight.halt import BY_ITSELF
from promo_campaigns.model.oversight.run_line import RunState
from promo_campaigns.monitoring.measure import event_queues
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from promo_campaigns.code_files.stock_levels import StockLevel
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)

LOW_STOCK = "low_stock"
RUN_STUCK = "run_stuck"
RUN_STOPPED = "run_stopped"
UNKNOWN_SENDS = "unknown_sends"
RECEIVER_REFUSES = "receiver_refuses"
EVENTS_WAIT = "events_wait"
KINDS = MappingProxyType(
    {
        LOW_STOCK: "the free codes of a type have reached a level",
        RUN_STUCK: "nothing has moved in an open run for `stuck_after_minutes`, and nothing is known that it waits for",
        RUN_STOPPED: "a run has paused itself: too many sends were refused or are unknown (`abort_at`, `start_with`)",
        UNKNOWN_SENDS: "a run has more than `unknown_over` sends whose outcome nobody knows",
        RECEIVER_REFUSES: "a receiver is not called, for a while after failures or until somebody corrects it",
        EVENTS_WAIT: "an event has waited for its workflow for `stuck_after_minutes`",
    }
)
"""The kinds of alerts, and when there is one."""
WATCHED = (RUN_STUCK, RUN_STOPPED, UNKNOWN_SENDS, RECEIVER_REFUSES, EVENTS_WAIT)
"""What ``find_alerts`` looks at."""
_MOST_PAUSED = 1_000
"""Paused runs that are looked at, the newest: persons pause runs, so there are few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that somebody should be told of.

    :ivar kind: one of ``KINDS``
    :ivar subject: what it is about: the key of a run, a receiver, a workflow or a level of the stock
    :ivar text: what happened, in a sentence
    :ivar hint: what to do
    :ivar facts: the same as values; a template reads them as ``alert.facts.<name>``
    """

    kind: str
    subject: str
    text: str
    hint: str
    facts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the alert as a template and a notifier find it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNews:
    """What has changed since somebody was told last.

    :ivar found: all alerts that there are
    :ivar new: of these, those that nobody was told of yet
    :ivar over: what somebody was told of and is no more, by kind and subject
    """

    found: Sequence[Alert]
    new: Sequence[Alert]
    over: Sequence[tuple[str, str]]


def find_alerts(connection: Connection, *, stuck_after_s: float, unknown_over: int) -> list[Alert]:
    """Look at the runs, the receivers and the events, and return what somebody should be told of.

    :param stuck_after_s: how long a run may stand still, and an event wait
    :param unknown_over: how many sends of a run may be unknown
    """
    return [
        *_stuck_runs(connection, stuck_after_s),
        *_stopped_runs(connection),
        *_unknown_sends(connection, unknown_over),
        *_refusing_receivers(connection),
        *_waiting_events(connection, stuck_after_s),
    ]


def find_stuck(connection: Connection, *, stuck_after_s: float) -> list[Alert]:
    """Look at the runs alone, and return those that are stuck or stopped themselves.

    :param stuck_after_s: how long a run may stand still
    """
    return [*_stuck_runs(connection, stuck_after_s), *_stopped_runs(connection)]


def find_low_stock(connection: Connection, levels: Sequence[StockLevel]) -> list[Alert]:
    """Compare the stock with its levels, in their order, and return those that it has reached."""
    reached = [state for state in read_levels(connection, levels) if state.reached]
    return [
        Alert(
            kind=LOW_STOCK,
            subject=it.name,
            text=f"{it.level.capitalize()}: {it.free} codes of type {it.type!r} are left, the level is {it.amount}",
            hint="load more codes of the type",
            facts={"type": it.type, "level": it.level, "amount": it.amount, "free": it.free},
        )
        for it in reached
    ]


def read_news(connection: Connection, kinds: Collection[str], found: Sequence[Alert]) -> AlertNews:
    """Compare what was found of some kinds with what was told, and forget what is over: it may be told of anew."""
    asked = {
        "kinds": list(kinds),
        "found_kinds": [alert.kind for alert in found],
        "subjects": [alert.subject for alert in found],
    }
    with connection.transaction():
        over = [(row["kind"], row["subject"]) for row in connection.execute(_SQL["forget_alerts"], asked).fetchall()]
        told = {(row["kind"], row["subject"]) for row in connection.execute(_SQL["read_told"], asked).fetchall()}
    new = [alert for alert in found if (alert.kind, alert.subject) not in told]
    return AlertNews(found=found, new=new, over=over)


def note_told(connection: Connection, alert: Alert) -> None:
    """Note that somebody was told of an alert."""
    connection.execute(_SQL["note_told"], {"kind": alert.kind, "subject": alert.subject})


def _stuck_runs(connection: Connection, after_s: float) -> Iterator[Alert]:
    for run in list_stuck(connection, timedelta(seconds=after_s)):
        key, since = run.run_key, _clock(run.moved_at)
        yield Alert(
            kind=RUN_STUCK,
            subject=key,
            text=f"Run {key} is stuck: nothing has moved since {since}; contacts who wait: {run.waiting:,}",
            hint=f"clear those of its tasks in Airflow that failed, or end it: promo runs cancel {key}",
            facts={
                "run_key": key,
                "workflow": run.workflow,
                "waiting": run.waiting,
                "since": run.moved_at.isoformat(),
            },
        )


def _stopped_runs(connection: Connection) -> Iterator[Alert]:
    for run in list_runs(connection, state=RunState.PAUSED, limit=_MOST_PAUSED):
        if run.halted_by not in BY_ITSELF:
            continue
        key = run.run_key
        yield Alert(
            kind=RUN_STOPPED,
            subject=key,
            text=f"Run {key} stopped itself: {run.halt_reason}",
            hint=f"look at the receiver and the message, then promo runs resume {key} or promo runs cancel {key}",
            facts={"run_key": key, "workflow": run.workflow, "reason": run.halt_reason},
        )


def _unknown_sends(connection: Connection, over: int) -> Iterator[Alert]:
    for row in connection.execute(_SQL["count_unknown_by_run"], {"over": over}).fetchall():
        key, sends = row["run_key"], row["sends"]
        yield Alert(
            kind=UNKNOWN_SENDS,
            subject=key,
            text=f"Run {key} has {sends:,} sends whose outcome nobody knows, more than {over:,}",
            hint=f"promo unknown list --run {key} names them; ask the receiver, then record their outcomes",
            facts={"run_key": key, "unknown": sends, "limit": over},
        )


def _refusing_receivers(connection: Connection) -> Iterator[Alert]:
    for row in connection.execute(_SQL["read_refusing"]).fetchall():
        name, reason = row["name"], row["reason"] or "no answer"
        what = "refuses everybody" if row["for_good"] else "is not called for a while after failures"
        yield Alert(
            kind=RECEIVER_REFUSES,
            subject=name,
            text=f"Receiver {name} {what}: {reason}",
            hint="look at its connection in Airflow (host, login, password); nobody is lost, and no code",
            facts={"receiver": name, "reason": reason, "for_good": row["for_good"]},
        )


def _waiting_events(connection: Connection, after_s: float) -> Iterator[Alert]:
    for queue in event_queues(connection):
        if queue.since is None or queue.seconds < after_s:
            continue
        name, since = queue.workflow, _clock(queue.since)
        yield Alert(
            kind=EVENTS_WAIT,
            subject=name,
            text=f"Workflow {name} takes no events: {queue.events:,} in its queue, the oldest since {since}",
            hint=f"see whether its DAG is paused or failing; promo events stop {name} if it is gone",
            facts={"workflow": name, "events": queue.events, "since": queue.since.isoformat()},
        )


def _clock(at: datetime) -> str:
    return f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
