"""Methods of text, as `java.lang.String` has them. Lengths and indexes are counted in UTF-16 units."""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.values.arguments import Method, as_text
from promo_campaigns.velocity.values.hashes import java_hash
from promo_campaigns.velocity.values.text_format import formatted
from promo_campaigns.velocity.values.values import Bag, is_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.values.meter import Meter

BLANK = "".join(map(chr, range(33)))
# What Java's strip() takes off; unlike Python's it leaves the no-break spaces.
WHITE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u205f\u3000"
WHITE = WHITE.replace("\u2007", "")
WIDE_WORK = 16
OUTSIDE = "an index is outside the text", "Check the length() first"


def wide(text: str) -> str:
    """Return a text with each character outside the basic plane as its two UTF-16 halves."""
    if text.isascii() or max(text) < "\U00010000":
        return text
    data = text.encode("utf-16-le", "surrogatepass")
    return "".join(map(chr, struct.unpack(f"<{len(data) // 2}H", data)))


def units(meter: Meter, text: str) -> str:
    """Return `wide(text)`, paid for."""
    meter.read(len(text) if text.isascii() else WIDE_WORK * len(text))
    return wide(text)


def narrow(text: str) -> str:
    """Return a text with pairs of UTF-16 halves joined again."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def length(meter: Meter, text: str) -> int:
    """`length()`."""
    return len(units(meter, text))


def substring(meter: Meter, text: str, start: int, end: int | None = None) -> str:
    """`substring(from)` and `substring(from, to)`."""
    halves = units(meter, text)
    last = len(halves) if end is None else end
    if not 0 <= start <= last <= len(halves):
        fail(*OUTSIDE)
    return narrow(halves[start:last])


def char_at(meter: Meter, text: str, index: int) -> str:
    """`charAt(index)`."""
    halves = units(meter, text)
    if not 0 <= index < len(halves):
        fail(*OUTSIDE)
    return halves[index]


def code_point_at(meter: Meter, text: str, index: int) -> int:
    """`codePointAt(index)`."""
    first = char_at(meter, text, index)
    pair = narrow(first + units(meter, text)[index + 1 : index + 2])
    return ord(pair) if len(pair) == 1 else ord(first)


def code_point_count(meter: Meter, text: str, start: int, end: int) -> int:
    """`codePointCount(from, to)`."""
    return len(substring(meter, text, start, end))


def replace(meter: Meter, text: str, old: str, new: str) -> str:
    """`replace(old, new)`, without regular expressions."""
    meter.room(len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new)


def repeat(meter: Meter, text: str, count: int) -> str:
    """`repeat(count)`."""
    if count < 0:
        fail("a text cannot be repeated less than no times")
    meter.room(len(text) * count)
    return text * count


def concat(meter: Meter, text: str, other: str) -> str:
    """`concat(other)`."""
    meter.room(len(text) + len(other))
    return text + other


def index_of(meter: Meter, text: str, wanted: str | int, start: int = 0) -> int:
    """`indexOf(text or code point)` and `indexOf(..., from)`."""
    return units(meter, text).find(_wanted(wanted), max(0, start))


def last_index_of(meter: Meter, text: str, wanted: str | int, start: int | None = None) -> int:
    """`lastIndexOf(text or code point)` and `lastIndexOf(..., from)`."""
    part, halves = _wanted(wanted), units(meter, text)
    if start is None:
        return halves.rfind(part)
    return halves.rfind(part, 0, start + len(part)) if start >= 0 else -1


def _wanted(wanted: str | int) -> str:
    if type(wanted) is int:
        return wide(chr(wanted)) if 0 <= wanted <= sys.maxunicode else "\x00no such character"
    return wide(str(wanted))


def starts_with(meter: Meter, text: str, part: str, start: int = 0) -> bool:
    """`startsWith(part)` and `startsWith(part, from)`."""
    return start >= 0 and units(meter, text).startswith(wide(part), start)


def compare(meter: Meter, text: str, other: str) -> int:
    """`compareTo(other)`: the difference at the first unit that differs, else of the lengths."""
    mine, yours = units(meter, text), units(meter, other)
    meter.read(WIDE_WORK * min(len(text), len(other)))
    for left, right in zip(mine, yours, strict=False):
        if left != right:
            return ord(left) - ord(right)
    return len(mine) - len(yours)


def not_comparable(_meter: Meter, _text: str, _other: object) -> int:
    """`compareTo(something else)`."""
    return fail("text can be compared to text only")


def fold(text: str) -> str:
    """Return a text as Java compares it without case: character by character, upper case and then lower."""
    if text.isascii():
        return text.lower()
    upper = [character.upper() if len(character.upper()) == 1 else character for character in text]
    return "".join(one.lower() if len(one.lower()) == 1 else one for one in upper)


def equals_ignore_case(meter: Meter, text: str, other: str | None) -> bool:
    """`equalsIgnoreCase(other)`."""
    meter.read(len(text) if text.isascii() else 4 * WIDE_WORK * len(text))
    return type(other) is str and len(other) == len(text) and fold(text) == fold(other)


def lower(meter: Meter, text: str) -> str:
    """`toLowerCase()`."""
    meter.room(len(text))
    return text.lower()


def upper(meter: Meter, text: str) -> str:
    """`toUpperCase()`."""
    meter.room(len(text))
    return meter.fits(text.upper())


def stripper(strip: Callable[[str], str]) -> Callable[[Meter, str], str]:
    """Make the method that takes white space off a text."""

    def stripped(meter: Meter, text: str) -> str:
        meter.read(len(text))
        return strip(text)

    return stripped


def join(meter: Meter, _text: str, separator: str, *parts: object) -> str:
    """`join(separator, parts...)` or `join(separator, list)`."""
    items = parts
    if len(parts) == 1 and is_list(parts[0]):
        items = tuple(parts[0])
    elif len(parts) == 1 and type(parts[0]) is Bag:
        items = tuple(parts[0].items)
    if any(type(item) is not str and item is not None for item in items):
        fail("only texts can be joined")
    texts = ["null" if item is None else str(item) for item in items]
    meter.room(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def is_blank(meter: Meter, text: str) -> bool:
    """`isBlank()`."""
    meter.read(len(text))
    return not text.strip(WHITE)


def contains(meter: Meter, text: str, part: str) -> bool:
    """`contains(part)`."""
    meter.read(len(text))
    return part in text


def value_of(meter: Meter, _text: str, value: object) -> object:
    """`valueOf(value)`."""
    if type(value) is str:
        return value
    return as_text(value) if type(value) in (int, float, bool) else meter.text(value)


METHODS: dict[str, tuple[Method, ...]] = {
    "length": (Method("", length),),
    "substring": (Method("i", substring), Method("ii", substring)),
    "subSequence": (Method("ii", substring),),
    "charAt": (Method("i", char_at),),
    "codePointAt": (Method("i", code_point_at),),
    "codePointCount": (Method("ii", code_point_count),),
    "toUpperCase": (Method("", upper),),
    "toLowerCase": (Method("", lower),),
    "trim": (Method("", stripper(lambda text: text.strip(BLANK))),),
    "strip": (Method("", stripper(lambda text: text.strip(WHITE))),),
    "stripLeading": (Method("", stripper(lambda text: text.lstrip(WHITE))),),
    "stripTrailing": (Method("", stripper(lambda text: text.rstrip(WHITE))),),
    "replace": (Method("qq", replace),),
    "repeat": (Method("i", repeat),),
    "concat": (Method("s", concat),),
    "contains": (Method("q", contains),),
    "contentEquals": (Method("q", lambda _meter, text, other: text == other),),
    "startsWith": (Method("s", starts_with), Method("si", starts_with)),
    "endsWith": (Method("s", lambda _meter, text, part: text.endswith(part)),),
    "indexOf": (Method("s", index_of), Method("i", index_of), Method("si", index_of), Method("ii", index_of)),
    "lastIndexOf": (
        Method("s", last_index_of),
        Method("i", last_index_of),
        Method("si", last_index_of),
        Method("ii", last_index_of),
    ),
    "isEmpty": (Method("", lambda _meter, text: not text),),
    "isBlank": (Method("", is_blank),),
    "equals": (Method("o", lambda _meter, text, other: type(other) is str and text == other),),
    "equalsIgnoreCase": (Method("s", equals_ignore_case),),
    "compareTo": (Method("s", compare), Method("o", not_comparable)),
    "compareToIgnoreCase": (Method("s", lambda meter, text, other: compare(meter, fold(text), fold(other))),),
    "hashCode": (Method("", java_hash),),
    "toString": (Method("", lambda _meter, text: text),),
    "intern": (Method("", lambda _meter, text: text),),
    "toCharArray": (Method("", lambda meter, text: meter.listed(list(text))),),
    "valueOf": (Method("o", value_of),),
    "join": (Method("so*", join),),
    "format": (Method("s*", lambda meter, _text, form, *values: formatted(meter, form, values)),),
    "formatted": (Method("*", lambda meter, text, *values: formatted(meter, text, values)),),
}
