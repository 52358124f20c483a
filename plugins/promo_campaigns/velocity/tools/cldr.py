"""Days, times, numbers and plurals as the languages of the world write them, by CLDR."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import fail

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from babel import Locale

LONGEST_PATTERN = 100
LARGEST = 10**30
"""Numbers that are written out for people are smaller, and so are the digits of their texts."""
SIZES = ("short", "medium", "long", "full")
DATE_HINT = "Write a pattern such as 'd MMMM yyyy' or 'dd.MM.yyyy', or one of short, medium, long and full"
NUMBER_HINT = "Write a pattern such as '#,##0.00', or one of number, integer and percent"
_NAMED = {"number": None, "default": None, "integer": "#,##0", "percent": None}
_FALLBACK = "en"


@lru_cache(maxsize=512)
def locale_of(language: str) -> Locale:
    """Return what CLDR knows of a language: `uk-UA` is told as `uk` where it knows no more, none at all as English."""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415  (only a template that formats needs it)

    tag = language.replace("-", "_").strip("_")
    try:
        return Locale.parse(tag)
    except (UnknownLocaleError, ValueError):
        return locale_of(tag.rpartition("_")[0] or _FALLBACK)


def day_text(at: datetime, pattern: str, language: str, *, has_time: bool) -> str:
    """Return a time by a pattern of CLDR, in a language.

    :raises Fault: the pattern is none
    """
    return _day_text(at.replace(tzinfo=None), at.tzinfo, pattern, language, has_time)


# Codes of one file mostly end on one day, so that a batch asks for a few texts a thousand times.
@lru_cache(maxsize=4096)
def _day_text(wall: datetime, zone: object, pattern: str, language: str, has_time: bool) -> str:  # noqa: FBT001  (a cache's key)
    from babel.dates import format_date, format_datetime  # noqa: PLC0415  (only a template that formats needs it)

    if not pattern.strip() or len(pattern) > LONGEST_PATTERN:
        fail("the pattern of a date is empty or too long", DATE_HINT)
    at, locale = wall.replace(tzinfo=zone), locale_of(language)  # type: ignore[arg-type]  # the zone of a datetime
    try:
        if pattern in SIZES and not has_time:
            return format_date(at.date(), pattern, locale)
        return format_datetime(at, pattern, locale=locale)
    except (ValueError, KeyError, AttributeError, TypeError, NotImplementedError):
        fail("the pattern of a date is none", DATE_HINT)


def number_text(value: Decimal, pattern: str, language: str) -> str:
    """Return a number by a pattern of CLDR, or by the name of one, in a language.

    :raises Fault: the pattern is none, or the number too large
    """
    from babel.numbers import format_decimal, format_percent  # noqa: PLC0415  (only a template that formats needs it)

    if abs(value) >= LARGEST:
        fail("a number is too large to be written out")
    if len(pattern) > LONGEST_PATTERN or not (pattern in _NAMED or re.search("[0#@]", pattern)):
        fail("the pattern of a number is none", NUMBER_HINT)
    locale = locale_of(language)
    try:
        if pattern == "percent":
            return format_percent(value, locale=locale)
        return format_decimal(value, _NAMED.get(pattern, pattern), locale)
    except (ValueError, KeyError, AttributeError, TypeError, ArithmeticError):
        fail("the pattern of a number is none", NUMBER_HINT)


def money_text(value: Decimal, currency: str, language: str) -> str:
    """Return an amount of money in a language.

    :param currency: its code in ISO 4217, such as EUR
    :raises Fault: there is no such currency, or the amount is too large
    """
    from babel.numbers import format_currency, is_currency  # noqa: PLC0415  (only a template that formats needs it)

    if not is_currency(currency):
        fail("there is no such currency", "Write its code, such as 'EUR' or 'UAH'")
    if abs(value) >= LARGEST:
        fail("a number is too large to be written out")
    return format_currency(value, currency, locale=locale_of(language))


def plural_of(value: Decimal, language: str) -> str:
    """Return the plural form that a number takes in a language: zero, one, two, few, many or other."""
    return str(locale_of(language).plural_form(abs(value)))
