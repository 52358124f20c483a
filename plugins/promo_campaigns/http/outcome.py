"""What an HTTP answer, or its absence, proves, and how long it asks to wait."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCKED_OUT = frozenset({401, 403})
"""The receiver refuses every caller: it says nothing about the contact, and credentials have to be fixed first."""

_LATER = frozenset({429}) | LOCKED_OUT
_REFUSED = frozenset({400, 404, 405, 406, 410, 411, 413, 414, 415, 422, 431})


def classify_status(status: int) -> Outcome:
    """Classify an answer by its status.

    Only a status by which the receiver says that it did nothing is a refusal; anything else outside 2xx may have been
    carried out.
    """
    if 200 <= status < 300:  # noqa: PLR2004  (the class of success statuses, RFC 9110 section 15.3)
        return Outcome.OK
    if status in _LATER:
        return Outcome.LATER
    if status in _REFUSED:
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def retry_after_s(header: str | None, *, now: datetime) -> float:
    """Return the seconds a ``Retry-After`` header asks for, in either of its forms; 0 for none or nonsense."""
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        when = _parse_date(header)
        seconds = (when - now).total_seconds() if when else 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def receivers_now(headers: Mapping[str, str]) -> datetime:
    """Return the time by the receiver's own clock, which its dates go by; ours if it does not say."""
    return _parse_date(headers.get("Date", "")) or datetime.now(timezone.utc)


def _parse_date(header: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return when.replace(tzinfo=when.tzinfo or timezone.utc)
