"""What the stored text of an additional field means: the one place where it becomes a value of the field's type."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING

from promo_campaigns.model.typed.moment import Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def field_values(fields: Mapping[str, Sequence[str]], language: str, zone: tzinfo) -> dict[str, object]:
    """Return the values of a contact's additional fields by name; a number that is blank has none.

    :param fields: type and stored text of each field, by its name
    :param language: in which dates are told
    :param zone: in which times are told; they are stored without one
    """
    found: dict[str, object] = {}
    for name, (kind, text) in fields.items():
        found[name] = text if kind not in _READERS else _READERS[kind](text.strip(), language, zone)
    return found


def _whole(text: str, _language: str, _zone: tzinfo) -> object:
    with suppress(ValueError):
        return int(text) if text else None
    return text


def _decimal(text: str, _language: str, _zone: tzinfo) -> object:
    """Return an exact number, which is printed with the places that it was stored with; a whole one as such."""
    with suppress(ArithmeticError):
        return (Decimal(text) if "." in text else _whole(text, _language, _zone)) if text else None
    return text


def _day(text: str, language: str, zone: tzinfo) -> object:
    return _moment(text, language, zone, has_time=False)


def _time(text: str, language: str, zone: tzinfo) -> object:
    return _moment(text, language, zone, has_time=True)


def _moment(text: str, language: str, zone: tzinfo, *, has_time: bool) -> object:
    with suppress(ValueError):
        return Moment(datetime.fromisoformat(text).replace(tzinfo=zone), language, has_time) if text else None
    return text


_READERS: Mapping[str, Callable[[str, str, tzinfo], object]] = {
    "number": _whole,
    "decimal": _decimal,
    "date": _day,
    "datetime": _time,
}
"""By type of a field; of any other type, what is stored is the value."""
