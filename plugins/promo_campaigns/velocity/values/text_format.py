"""`String.format`, for text, numbers and booleans."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import fail

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter

SPECIFIER = re.compile(r"%(\d+\$)?([-#+ 0,(]*)(\d{1,4})?(?:\.(\d{1,3}))?([A-Za-z%])", re.ASCII)
HINT = "Use %s, %d, %x, %f, %b, %n or %%"


def formatted(meter: Meter, form: str, values: tuple[object, ...]) -> str:
    """Return what `String.format(form, values...)` gives."""
    meter.read(len(form))
    found: list[str] = []
    position, used = 0, 0
    while (start := form.find("%", position)) >= 0:
        match = SPECIFIER.match(form, start)
        if not match:
            fail("a format is wrong", HINT)
        found.append(form[position:start])
        position = match.end()
        if match.group(5) in "n%":
            found.append("\n" if match.group(5) == "n" else "%")
            continue
        index = int(match.group(1)[:-1]) - 1 if match.group(1) else used
        used += not match.group(1)
        if not 0 <= index < len(values):
            fail("a format has more places than there are values", HINT)
        found.append(_field(meter, match, values[index]))
        meter.room(sum(map(len, found)))
    return meter.fits("".join([*found, form[position:]]))


def _field(meter: Meter, match: re.Match[str], value: object) -> str:
    flags, width, precision, kind = match.group(2), match.group(3), match.group(4), match.group(5)
    places = None if precision is None else int(precision)
    if kind in "sS":
        text = meter.text(value)[:places]
    elif kind in "bB":
        text = str(value is not None and value is not False).lower()
    else:
        text = _number(kind, flags, places, value)
    if kind.isupper():
        text = text.upper()
    size = int(width or 0)
    if "-" in flags:
        return text.ljust(size)
    if "0" in flags and kind not in "sSbB":
        sign = text[:1] if text[:1] in ("-", "+") else ""
        return sign + text[len(sign) :].rjust(size - len(sign), "0")
    return text.rjust(size)


def _number(kind: str, flags: str, places: int | None, value: object) -> str:
    if value is None:
        return "null"
    comma = "," if "," in flags else ""
    plus = "+" if "+" in flags else ""
    if kind == "d" and type(value) is int and places is None:
        return format(value, f"{plus}{comma}d")
    if kind in "xX" and type(value) is int and places is None:
        return format(value if value >= 0 else value + (1 << 32), "x")
    if kind == "f" and (type(value) is float or type(value) is Decimal):
        return _fixed(
            str(value) if type(value) is Decimal else repr(value), 6 if places is None else places, plus + comma
        )
    return fail("a format does not fit its value", HINT)


def _fixed(value: str, places: int, flags: str) -> str:
    try:
        rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except InvalidOperation:
        fail("a number cannot be written that exactly", HINT)
    return format(rounded, f"{flags}f")
