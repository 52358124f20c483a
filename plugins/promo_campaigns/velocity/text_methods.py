"""Methods of text, as `java.lang.String` has them. Lengths and indexes are counted in UTF-16 units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.arguments import Method
from promo_campaigns.velocity.fault import fail

if TYPE_CHECKING:
    from promo_campaigns.velocity.meter import Meter

BLANK = "".join(map(chr, range(33)))


def wide(text: str) -> str:
    """Return a text with each character outside the basic plane as its two UTF-16 halves."""
    if text.isascii() or max(text) < "\U00010000":
        return text
    halves = []
    for character in text:
        point = ord(character) - 0x10000
        halves.append(character if point < 0 else chr(0xD800 + (point >> 10)) + chr(0xDC00 + (point & 0x3FF)))
    return "".join(halves)


def narrow(text: str) -> str:
    """Return a text with pairs of UTF-16 halves joined again."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def length(_meter: Meter, text: str) -> int:
    """`length()`."""
    return len(wide(text))


def substring(meter: Meter, text: str, start: int, end: int | None = None) -> str:
    """`substring(from)` and `substring(from, to)`."""
    units = wide(text)
    last = len(units) if end is None else end
    if not 0 <= start <= last <= len(units):
        fail("an index is outside the text", "Check the length() first")
    return narrow(meter.fits(units[start:last]))


def replace(meter: Meter, text: str, old: str, new: str) -> str:
    """`replace(old, new)`, without regular expressions."""
    meter.room(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


METHODS: dict[str, tuple[Method, ...]] = {
    "length": (Method("", length),),
    "substring": (Method("i", substring), Method("ii", substring)),
    "toUpperCase": (Method("", lambda meter, text: meter.fits(text.upper())),),
    "toLowerCase": (Method("", lambda meter, text: meter.fits(text.lower())),),
    "trim": (Method("", lambda meter, text: meter.fits(text.strip(BLANK))),),
    "replace": (Method("ss", replace),),
    "contains": (Method("s", lambda _meter, text, part: part in text),),
    "startsWith": (Method("s", lambda _meter, text, part: text.startswith(part)),),
    "endsWith": (Method("s", lambda _meter, text, part: text.endswith(part)),),
    "isEmpty": (Method("", lambda _meter, text: not text),),
    "equals": (Method("o", lambda _meter, text, other: type(other) is str and text == other),),
    "toString": (Method("", lambda _meter, text: text),),
}
