"""What is going on: one reading that the strip, the first page of the runs and every check of a workflow share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from promo_campaigns.ledger.interventions import read_stop
from promo_campaigns.ledger.lookups.progress import list_workflows, read_alarms
from promo_campaigns.ledger.run_list import list_under_way

if TYPE_CHECKING:
    from promo_campaigns.model.oversight.halt import Halt
    from promo_campaigns.model.oversight.run_line import RunLine
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.ui.rights import Caller
    from promo_campaigns.ui.shared_reads import SharedReads

UNDER_WAY = 50
"""Runs under way that are shown at once; the list of runs has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The store at one moment.

    :ivar workflows: that have runs
    :ivar under_way: the newest runs that are not closed
    :ivar alarms: what somebody was told of low stock: subject, told_at
    """

    workflows: list[str]
    under_way: list[RunLine]
    alarms: list[dict[str, Any]]
    stop: Halt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A snapshot as one user may see it.

    :ivar workflows: those of the snapshot that they may see, in order
    :ivar sees_all: these are all
    """

    snapshot: Snapshot
    workflows: tuple[str, ...]
    sees_all: bool

    @property
    def under_way(self) -> list[RunLine]:
        """The runs under way that they may see."""
        return [line for line in self.snapshot.under_way if line.workflow in self.workflows]


async def seen_by(caller: Caller, shared: SharedReads) -> Seen:
    """Return what is going on as a user may see it."""
    snapshot = await shared.get("snapshot", _read)
    workflows = await anyio.to_thread.run_sync(caller.visible, snapshot.workflows)
    return Seen(
        snapshot=snapshot,
        workflows=tuple(sorted(workflows)),
        sees_all=len(workflows) == len(snapshot.workflows),
    )


def told_stop(stop: Halt | None) -> dict[str, Any] | None:
    """Return who stopped all sending, when and why."""
    return {"by": stop.by, "at": stop.at, "reason": stop.reason} if stop else None


def _read(connection: Connection) -> Snapshot:
    return Snapshot(
        workflows=list_workflows(connection),
        under_way=list_under_way(connection, UNDER_WAY),
        alarms=read_alarms(connection),
        stop=read_stop(connection),
    )
