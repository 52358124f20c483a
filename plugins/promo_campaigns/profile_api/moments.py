"""Reads the moments of requests: a date, or a date and a time, with a zone or in UTC."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_FRACTION = re.compile(r"(\.\d{6})\d+")
_FORM = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_PROBLEM = "expected a date as YYYY-MM-DD, or a time as YYYY-MM-DDTHH:MM with or without a zone such as +02:00"


def parse_moment(text: str) -> datetime:
    """Return a moment; without a zone it is in UTC, since a key has none (the vendor takes that of its user).

    :raises ValueError: the text is none; the message does not hold it
    """
    short = _FRACTION.sub(r"\1", text.strip())
    if not _FORM.fullmatch(short):
        raise ValueError(_PROBLEM)
    try:
        found = _read(short)
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise ValueError(_PROBLEM) from None


def _read(text: str) -> datetime:
    fraction = re.search(r"\.(\d{1,5})(?!\d)", text)
    whole = text.replace(fraction[0], f".{fraction[1]:0<6}") if fraction else text
    zoned = re.sub(r"([+-]\d{2})(\d{2})$", r"\1:\2", whole.replace("Z", "+00:00"))
    return datetime.fromisoformat(zoned)
