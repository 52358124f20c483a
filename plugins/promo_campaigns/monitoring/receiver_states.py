"""What is known of every receiver: its circuit, its budget, and the last calls that failed. For a person to look at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.run_spec import connection_name, receivers_of
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_LOOKED_AT, _FAILURES, _EACH = 2_000, 200, 5
_STATUS = re.compile(r"\b(?:HTTP|SMTP) ([0-9]{3})\b")
_CORRECT = "Correct it, then clear the tasks that failed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call that did not succeed.

    :ivar status: of the answer, 0 without one
    :ivar outcome: ``refused``, or ``later`` or ``unknown`` where the attempt proves nothing
    """

    at: datetime
    status: int
    detail: str
    outcome: str
    run_key: str
    workflow: str


@dataclass(slots=True, kw_only=True)
class ReceiverState:
    """A receiver, as all workers know it.

    :ivar name: as errors call it, such as ``connection promo_profile_api``
    :ivar breaker: ``closed``, ``open`` (it is called again at ``open_until``) or ``refuses`` (no waiting helps)
    :ivar reason: what it answered, and what to look at; empty while it takes calls
    :ivar next_at: when its next call may begin, where it has a rate limit
    :ivar last_errors: the newest first
    """

    name: str
    breaker: str = "closed"
    open_until: datetime | None = None
    reason: str = ""
    next_at: datetime | None = None
    last_errors: list[Failure] = field(default_factory=list)

    @property
    def remedy(self) -> str:
        """What a person is to do; empty where nothing is to be done."""
        if self.breaker == "refuses":
            return f"It refuses every call: {self.reason}. {_CORRECT}"
        if self.breaker == "open":
            return f"It fails: {self.reason}. It is called again by itself."
        return ""


def list_receivers(
    connection: Connection, named: Collection[str] = (), *, workflows: Collection[str] | None = None
) -> list[ReceiverState]:
    """Return every receiver that was ever called, and those that are named, in the order of their names.

    :param named: receivers that workflows would call
    :param workflows: errors of these only; None for all
    """
    found = {name: ReceiverState(name=name) for name in named}
    for row in connection.execute(_SQL["list_receivers"]).fetchall():
        found[row["name"]] = _state(row)
    asked = {"looked_at": _LOOKED_AT, "limit": _FAILURES}
    for row in connection.execute(_SQL["newest_failures"], asked).fetchall():
        called = found.get(_called(row))
        if called and len(called.last_errors) < _EACH and (workflows is None or row["workflow"] in workflows):
            called.last_errors.append(_failure(row))
    return [found[name] for name in sorted(found)]


def _state(row: Mapping[str, Any]) -> ReceiverState:
    breaker = "refuses" if row["refuses"] else "open" if row["open_until"] else "closed"
    reason = row["reason"] or "" if breaker != "closed" else ""
    return ReceiverState(
        name=row["name"], breaker=breaker, open_until=row["open_until"], reason=reason, next_at=row["next_at"]
    )


def _called(row: Mapping[str, Any]) -> str:
    """Return the name of the receiver of an attempt: the run's transport, or the connection of a data source."""
    if row["purpose"] == "message":
        return receivers_of(row["definition"])[0]
    sources = row["definition"]["data_sources"]
    return connection_name(sources[row["source"]]["connection"]) if row["source"] < len(sources) else ""


def _failure(row: Mapping[str, Any]) -> Failure:
    status = _STATUS.search(row["detail"])
    return Failure(
        at=row["at"],
        status=int(status[1]) if status else 0,
        detail=row["detail"],
        outcome=row["outcome"] or "unknown",
        run_key=row["run_key"],
        workflow=row["workflow"],
    )
