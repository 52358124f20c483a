"""A run on one line: where it stands, and how many of its audience are how far."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


class RunState(str, Enum):
    """Where a run stands."""

    OPEN = "open"
    AWAITING = "awaiting"
    """A person must approve it before anybody is given a code."""
    PAUSED = "paused"
    RESTORED = "restored"
    """The store was restored, and waits until it is decided whom the run was sent to since."""
    CANCELLED = "cancelled"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in a list.

    :ivar moved_at: when something last changed in it
    :ivar halted_by: who paused or cancelled it, and
    :ivar halt_reason: why; empty if nobody did or said
    :ivar audience: contacts in its audience; each of them is in one of the counts, and
    :ivar given: holds a code
    :ivar sent: of these, the message was accepted
    :ivar recorded: of these, the code is on the profile
    :ivar unknown: of the given, nobody knows whether the message arrived
    :ivar failed: the receiver refused, or it was too late
    :ivar waiting: has no outcome yet
    """

    run_id: int
    run_key: str
    workflow: str
    state: RunState
    opened_at: datetime
    closed_at: datetime | None
    moved_at: datetime
    halted_by: str
    halt_reason: str
    audience: int
    given: int
    sent: int
    recorded: int
    skipped: int
    unknown: int
    failed: int
    waiting: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, times as they are."""
        return {**asdict(self), "state": self.state.value}
