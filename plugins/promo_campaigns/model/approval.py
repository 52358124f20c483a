"""The approval of a run: what a person answered before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


class OnTimeout(str, Enum):
    """What happens if nobody answers in time."""

    REJECT = "reject"
    APPROVE = "approve"


class ApprovalStatus(str, Enum):
    """The answer that a run got."""

    AWAITED = "awaited"
    GIVEN = "given"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The approval of a run as the ledger holds it.

    :ivar status: None for a run that nobody is asked about
    :ivar by: who answered; empty if nobody answered in time
    :ivar closed: the run is closed, so nobody is asked
    :ivar left_s: seconds until the run's send-by, None without one
    """

    run_id: int
    run_key: str
    status: ApprovalStatus | None
    by: str = ""
    at: datetime | None = None
    closed: bool = False
    left_s: float | None = None

    @property
    def settled(self) -> bool:
        """Whether nobody need be asked: it was answered, the run is closed, or its send-by has passed."""
        late = self.left_s is not None and self.left_s <= 0
        return self.closed or late or self.status in {ApprovalStatus.GIVEN, ApprovalStatus.REFUSED}

    def as_dict(self) -> dict[str, Any]:
        """Return the approval as plain JSON values."""
        return {
            "run_id": self.run_id,
            "run_key": self.run_key,
            "approval": self.status.value if self.status else None,
            "by": self.by,
            "at": self.at.isoformat() if self.at else None,
        }
