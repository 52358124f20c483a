"""Quiet hours and frequency caps: when and how often a run may send to a contact."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 24 * 60
WEEK = 7 * DAY
LEAST_OPEN = 10
"""Minutes in a row that quiet hours must leave."""
MAX_CAP = 1000
MAX_WINDOW_H = 366 * 24

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLAUSE = re.compile(r"(?:(?P<days>[a-z][a-z, -]*)\s+)?(?P<start>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)")
_CAP = re.compile(r"(?P<messages>\d{1,4})\s*/\s*(?P<count>\d{1,4})\s*(?P<unit>[hd])")
_NO_PLACE = frozenset({"Factory", "localtime", "posixrules"})
"""Files among the time zones that name none: their time depends on the machine, or there is none."""
_ZONE = re.compile(r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+){0,2}")
_QUIET_FORM = "hours such as 21:00-09:00, or by day such as mon-fri 21:00-09:00; sat,sun 20:00-11:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a run, frozen when it is opened. An empty text is no limit.

    :ivar quiet_hours: see ``quiet_minutes``
    :ivar time_zone: of contacts that have none; empty without quiet hours
    :ivar frequency_cap: see ``parse_cap``
    """

    quiet_hours: str = ""
    time_zone: str = ""
    frequency_cap: str = ""


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """How many messages of a channel a contact may get within the last hours, from all runs together."""

    messages: int
    hours: int


def parse_limits(*, quiet_hours: str, time_zone: str, frequency_cap: str) -> Limits:
    """Read the limits of a run.

    :raises ConfigurationError: a limit is wrong; the message names the parameter and its form
    """
    quiet = " ".join(quiet_hours.lower().split())
    cap = "".join(frequency_cap.lower().split())
    if quiet:
        quiet_minutes(quiet)
    if cap:
        parse_cap(cap)
    if not is_time_zone(time_zone):
        msg = f"time_zone must be an IANA name such as Europe/Kyiv, not {time_zone!r}"
        raise ConfigurationError(msg)
    return Limits(quiet_hours=quiet, time_zone=time_zone if quiet else "", frequency_cap=cap)


@lru_cache(maxsize=1024)
def is_time_zone(name: str) -> bool:
    """Return whether a time zone of this name exists."""
    if not _ZONE.fullmatch(name) or name.startswith(("posix/", "right/")) or name in _NO_PLACE:
        return False
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True


def quiet_minutes(text: str) -> list[tuple[int, int]]:
    """Return the quiet hours of a week as separate, ordered ranges of minutes since Monday 00:00, ends excluded.

    Hours that end before they begin end on the next day, and belong to the day on which they begin.

    :param text: ``21:00-09:00``, or by day ``mon-fri 21:00-09:00; sat,sun 20:00-11:00``
    :raises ConfigurationError: the text has another form, or leaves no ten minutes in a row
    """
    quiet: list[tuple[int, int]] = []
    for start, end in sorted(stretch for clause in text.split(";") for stretch in _stretches(clause.strip(), text)):
        if quiet and start <= quiet[-1][1]:
            quiet[-1] = (quiet[-1][0], max(end, quiet[-1][1]))
        else:
            quiet.append((start, end))
    ends = [end for _, end in quiet]
    starts = [start for start, _ in quiet[1:]] + [quiet[0][0] + WEEK]
    if max(start - end for start, end in zip(starts, ends, strict=True)) < LEAST_OPEN:
        msg = f"quiet_hours must leave at least {LEAST_OPEN} minutes in a row, {text!r} does not"
        raise ConfigurationError(msg)
    return quiet


def _stretches(clause: str, text: str) -> Iterator[tuple[int, int]]:
    found = _CLAUSE.fullmatch(clause)
    start, end = (_minute(found["start"]), _minute(found["end"])) if found else (None, None)
    days = _days(found["days"]) if found else []
    if start is None or end is None or start in {end, DAY} or not days:
        msg = f"quiet_hours must be {_QUIET_FORM}, not {text!r}"
        raise ConfigurationError(msg)
    for day in days:
        begins, ends = day * DAY + start, day * DAY + (end if end > start else end + DAY)
        yield begins, min(ends, WEEK)
        if ends > WEEK:
            yield 0, ends - WEEK


def _minute(text: str) -> int | None:
    hours, minutes = (int(part) for part in text.split(":"))
    minute = hours * 60 + minutes
    return minute if minutes < 60 and minute <= DAY else None  # noqa: PLR2004  (minutes of an hour)


def _days(text: str | None) -> list[int]:
    """Return the numbers of the days named, Monday being 0; all if none is named, none if a name is wrong."""
    if text is None:
        return list(range(7))
    days: list[int] = []
    for part in text.split(","):
        first, span, last = (name.strip() for name in part.partition("-"))
        last = last if span else first
        if first not in _DAYS or last not in _DAYS:
            return []
        begin, end = _DAYS.index(first), _DAYS.index(last)
        days += [(begin + step) % 7 for step in range((end - begin) % 7 + 1)]
    return days


def parse_cap(text: str) -> Cap:
    """Read a frequency cap.

    :param text: ``3/7d`` for three messages in seven days, ``1/24h`` for one in 24 hours
    :raises ConfigurationError: the text has another form
    """
    found = _CAP.fullmatch(text)
    messages, hours = (
        (int(found["messages"]), int(found["count"]) * (24 if found["unit"] == "d" else 1)) if found else (0, 0)
    )
    if not (1 <= messages <= MAX_CAP and 1 <= hours <= MAX_WINDOW_H):
        msg = f"frequency_cap must be messages per days or hours such as 3/7d or 1/24h, at most 366d, not {text!r}"
        raise ConfigurationError(msg)
    return Cap(messages=messages, hours=hours)


def limit_parameters(limits: Limits) -> dict[str, Any]:
    """Return limits as the columns of a run that hold them."""
    quiet = quiet_minutes(limits.quiet_hours) if limits.quiet_hours else None
    cap = parse_cap(limits.frequency_cap) if limits.frequency_cap else None
    return {
        "quiet_hours": "{" + ",".join(f"[{start},{end})" for start, end in quiet) + "}" if quiet else None,
        "time_zone": limits.time_zone or None,
        "cap_messages": cap.messages if cap else None,
        "cap_hours": cap.hours if cap else None,
    }
