"""Going to a first share of an audience before all others: what an author asks for, and how far a run is with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.parameters import optional_text, parse_share, parse_span

if TYPE_CHECKING:
    from datetime import datetime

START_WITH = "start_with"
"""The setting, and who paused a run whose first share went wrong."""
DEFAULT_THEN = "15m"
MOST_CONTACTS = 10_000_000
START_WITH_FORM = r"^[0-9]{1,3}(\.[0-9]{1,2})? ?%$"
"""A share; the other form is a number of contacts."""
_CONTACTS = re.compile(r"[1-9][0-9]{0,7}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartWith:
    """How a run begins: with so many percent of the contacts who can be sent to, or with so many contacts.

    :ivar percent: above 0 and up to 100, or None
    :ivar contacts: 1 at least, or None
    :ivar then: for how long the others wait once these have an outcome
    """

    percent: float | None = None
    contacts: int | None = None
    then: timedelta = timedelta(minutes=15)

    def __str__(self) -> str:
        """Return what was asked for: ``1 %``, or ``500``."""
        return f"{self.percent:g} %" if self.percent is not None else str(self.contacts)


def parse_start_with(start_with: object, then: object = "") -> StartWith | None:
    """Return how a run begins, from a share such as ``1 %`` or a number of contacts; None for nothing.

    :param then: how long the others wait, such as ``15m``; empty for that
    :raises ConfigurationError: one of them is wrong
    """
    text = optional_text(start_with)
    if not text:
        return None
    wait = parse_span("then", optional_text(then) or DEFAULT_THEN)
    if text.endswith("%"):
        return StartWith(percent=parse_share(START_WITH, text), then=wait)
    if isinstance(start_with, bool) or not _CONTACTS.fullmatch(text) or int(text) > MOST_CONTACTS:
        msg = f"start_with must be a share such as 1 %, or a number of contacts such as 500, not {text!r}"
        raise ConfigurationError(msg)
    return StartWith(contacts=int(text), then=wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstShare:
    """How far a run is with its first share.

    :ivar start_with: what was asked for
    :ivar contacts: how many are in it
    :ivar ended_at: when they were seen to have an outcome; None until then
    :ivar goes_on_at: when the wait behind that ends
    :ivar let_go_at: when the others were let go; None until then
    :ivar sent: how many of them were sent to when the run went on, or paused itself; None until then
    :ivar failed: of these, how many were refused or are unknown
    """

    start_with: str
    contacts: int
    ended_at: datetime | None
    goes_on_at: datetime | None
    let_go_at: datetime | None
    sent: int | None
    failed: int | None

    def __str__(self) -> str:
        """Say it in a sentence without a full stop."""
        return f"{self.contacts:,} contacts first (start_with {self.start_with}): {self._state()}"

    def _state(self) -> str:
        outcome = "" if self.sent is None else f"{self.failed:,} of {self.sent:,} sent were refused or are unknown; "
        if self.let_go_at is not None:
            return f"{outcome}the others were let go at {_clock(self.let_go_at)}"
        if self.sent is not None:
            return f"{outcome}the run paused itself, and the others wait for a person"
        if self.goes_on_at is not None:
            return f"they have an outcome; the others wait until {_clock(self.goes_on_at)}"
        return "some have no outcome yet, and the others wait"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        times = {name: getattr(self, name) for name in ("ended_at", "goes_on_at", "let_go_at")}
        return {
            "start_with": self.start_with,
            "contacts": self.contacts,
            **{name: at.isoformat() if at else None for name, at in times.items()},
            "sent": self.sent,
            "failed": self.failed,
        }


def _clock(at: datetime) -> str:
    return f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
