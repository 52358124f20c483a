"""What a person said of a run before it goes out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


class Otherwise(str, Enum):
    """What it means that nobody answers in time."""

    REJECT = "reject"
    APPROVE = "approve"


class Said(str, Enum):
    """What was said of a run."""

    AWAITED = "awaited"
    GIVEN = "given"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What the ledger holds of it.

    :ivar said: None for a run that nobody is asked about
    :ivar by: who said it, empty where nobody answered in time
    :ivar closed: the run is closed, so there is nothing to be asked about
    :ivar left_s: seconds until its send-by, None without one
    """

    run_id: int
    run_key: str
    said: Said | None
    by: str = ""
    at: datetime | None = None
    closed: bool = False
    left_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what was said as plain JSON values."""
        return {
            "run_id": self.run_id,
            "run_key": self.run_key,
            "approval": self.said.value if self.said else None,
            "by": self.by,
            "at": self.at.isoformat() if self.at else None,
        }
