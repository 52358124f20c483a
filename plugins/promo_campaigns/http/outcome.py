"""What an HTTP answer, or its absence, proves, and how long it asks to wait."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDIRECTS = range(300, 400)
_RECEIVER = {
    401: "look at login, password and the extra auth of the connection",
    402: "look at your account at the receiver: it asks to be paid",
    403: "look at what the connection's login or key may do, and from which addresses the receiver takes calls",
    407: "look at the way to the receiver: a proxy asks for a login",
}
"""Statuses that say nothing about the contact and that no waiting changes, and what a person is to look at."""
_RECEIVER_IF_ALL = {
    404: "look at the path, and at host and base path of the connection",
    405: "look at the method and the path",
    406: "look at the header Accept",
    410: "look at the path: the receiver has given it up",
    411: "look at the body: the receiver wants one",
    412: "look at the headers If-Match and their like",
    415: "look at the header Content-Type and the format of the body",
    417: "look at the headers",
    421: "look at host and port of the connection",
    426: "look at the scheme of the connection and the version of the API",
    428: "look at the headers If-Match and their like: the receiver wants one",
}
"""Statuses that may mean one contact; that a receiver answers so to everybody is its own, or the request's, fault."""

_LATER = frozenset({429, *_RECEIVER})
_REFUSED = frozenset({400, 413, 414, 422, 431, *_RECEIVER_IF_ALL})

MAY_MEAN_ONE = frozenset({400, 413, 422})
"""Statuses by which a receiver may mean one item of a request for many, or their number; other refusals mean all."""


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


def is_locked_out(status: int) -> bool:
    """Tell whether a status means every caller, so that no waiting helps and no contact is at fault."""
    return status in _RECEIVER or status in _REDIRECTS


def what_to_look_at(status: int, location: str = "") -> str:
    """Return what a person is to look at whose calls all get a status; empty where waiting or the contact decides.

    :param location: of a redirect; only its host is said
    """
    if status in _REDIRECTS:
        host = _host(location)
        where = f" from {host}" if host else " from another place"
        return f"look at scheme, host and path: the receiver answers{where}, and redirects are not followed"
    return _RECEIVER.get(status) or _RECEIVER_IF_ALL.get(status, "")


def _host(location: str) -> str:
    """Return scheme and host of an address, if they are plain ones."""
    try:
        parts = urlsplit(location)
        host = parts.hostname or ""
    except ValueError:
        return ""
    plain = re.fullmatch(r"[a-z0-9.:-]{1,100}", host)
    return f"{parts.scheme}://{host}" if plain and parts.scheme in {"http", "https"} else ""


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
