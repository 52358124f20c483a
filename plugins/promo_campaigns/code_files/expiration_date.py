"""Parses the expiration date of a code."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import tzinfo

FORMATS = "yyyy-MM-dd, yyyy-MM-dd'T'HH:mm:ss, yyyy-MM-dd'T'HH:mm or yyyy.MM.dd"
"""The formats that a code file may use, as the vendor documents them."""

NEVER = datetime(9999, 12, 31, 9, tzinfo=timezone.utc)
"""When a code expires that never does: in every time zone it is a moment of the calendar's last day."""

_SHAPE = re.compile(r"\d{4}(?:-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?|\.\d\d\.\d\d)", re.ASCII)
_DATE_LENGTH = len("yyyy-MM-dd")


def pool_time_zone(name: str) -> tzinfo:
    """Return the time zone with this IANA name.

    :raises ConfigurationError: there is no such zone
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"there is no time zone {name!r}; use an IANA name such as Europe/Kyiv or UTC"
        raise ConfigurationError(msg) from error


def expires_at(text: str, zone: tzinfo) -> datetime:
    """Return the time, in UTC, from which a code is no longer valid.

    A date without a time means: valid until the end of that day, so it expires at the next midnight of the zone. A time
    that the zone's clocks skip is moved forward by the gap; of a time that occurs twice, the first is meant. The last
    day of the calendar, 9999-12-31, means ``NEVER``.

    :param text: the field, trimmed, in one of the ``FORMATS``
    :raises ValueError: the text has another format, or is no date of the calendar
    """
    if not _SHAPE.fullmatch(text):
        msg = "not in one of the formats"
        raise ValueError(msg)
    local = datetime.fromisoformat(text.replace(".", "-"))
    if local.date() == date.max:
        return NEVER
    if len(text) == _DATE_LENGTH:
        local += timedelta(days=1)
    # fold 0 is both rules: before a gap its offset moves the time forward, in an overlap it is the first pass.
    return min(_utc(local.replace(tzinfo=zone)), NEVER)


def starts_at(text: str, zone: tzinfo) -> datetime:
    """Return the time, in UTC, from which a code may be given; a date without a time is the beginning of that day.

    :raises ValueError: the text has another format, or is no date of the calendar
    """
    text = text.replace(".", "-")
    return expires_at(f"{text}T00:00" if len(text) == _DATE_LENGTH else text, zone)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError as error:
        if moment.year > 1:
            return NEVER
        msg = "past the beginning of the calendar"
        raise ValueError(msg) from error
