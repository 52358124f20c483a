"""What keeps a run from sending: a person, or the run itself, has paused it, cancelled it, or stopped all sending."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

HALT_POLL_S = 60.0
"""Seconds after which a task that waits for a halt to end looks again."""
BY_ITSELF = ("abort_at", "start_with")
"""Who paused a run that stopped itself: by which setting."""


class HaltKind(str, Enum):
    """What a person decided for one run, or for all."""

    PAUSED = "paused"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    """All sending is stopped, in whatever run."""
    RESTORED = "restored"
    """The store was brought back from a backup, and what it has forgotten is not decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Why nobody of a run is given a code or sent to.

    :ivar run_key: the run; empty for the switch that stops all sending
    :ivar by: who said so
    :ivar reason: why, empty if nobody said
    """

    kind: HaltKind
    run_key: str
    by: str
    at: datetime
    reason: str = ""

    @property
    def is_final(self) -> bool:
        """Whether tasks need not wait for its end."""
        return self.kind is HaltKind.CANCELLED

    def __str__(self) -> str:
        """Say what was done, by whom and when, why, and what ends it."""
        stopped, on = self.kind is HaltKind.STOPPED, f"on {self.at:%Y-%m-%d at %H:%M %Z}"
        why = f" ({self.reason})" if self.reason else ""
        if self.kind is HaltKind.RESTORED:
            said = f"{self.by} said {on} that the store was restored{why}"
            return f"run {self.run_key} waits: {said}; promo db restored tells what is left to decide"
        what = f"{'all sending' if stopped else f'run {self.run_key}'} was {self.kind.value}"
        who = "by itself" if self.by in BY_ITSELF else f"by {self.by}"
        end = "promo sending start" if stopped else f"promo runs resume {self.run_key}"
        return f"{what} {who} {on}{why}; {end} lets it go on"
