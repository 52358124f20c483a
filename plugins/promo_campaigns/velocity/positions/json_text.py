"""Values as JSON."""

from __future__ import annotations

import math
import re
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from promo_campaigns.model.typed.moment import Moment
from promo_campaigns.velocity.fault import exceeded, fail
from promo_campaigns.velocity.values.values import DEPTH, Bag, Encoded, Entry, Key, Rendered, is_list, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promo_campaigns.velocity.values.meter import Meter
    from promo_campaigns.velocity.values.values import Printer

HALVES = re.compile("[\ud800-\udfff]")
MISSING = "a value is missing"
MISSING_HINT = "Write $!name for nothing, or ${name|'other'}, or test it with #if"


def escape_halves(text: str) -> str:
    """Return JSON text that can be encoded: halves of a UTF-16 pair become escapes, which JSON allows."""
    return HALVES.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


class JsonPrinter:
    """Writes values as JSON, within the limits of a template."""

    __slots__ = ("_printer", "_string")

    def __init__(self, printer: Printer, string: int) -> None:
        self._printer = printer
        self._string = string

    def strict(self, value: object, quiet: bool, meter: Meter) -> str:  # noqa: FBT001  (called by generated code, by position)
        """Return the text of a value; a missing one is an error unless it was written `$!`."""
        if value is None:
            if quiet:
                return ""
            fail(MISSING, MISSING_HINT)
        return self._printer.text(value, meter)

    def value(self, value: object, quiet: bool, meter: Meter) -> str:  # noqa: FBT001  (called by generated code, by position)
        """Return a value as JSON; a missing one is null if it was written `$!`, else an error."""
        if value is None:
            if quiet:
                return "null"
            fail(MISSING, MISSING_HINT)
        found: list[str] = []
        self._collect(value, found, 0, 0)
        meter.spend(len(found) // 2)
        return "".join(found)

    def _collect(self, value: object, found: list[str], size: int, depth: int) -> int:
        if depth > DEPTH:
            exceeded("lists and maps inside each other", DEPTH)
        if type(value) is dict:
            return self._map(value.items(), found, size, depth)
        if is_list(value) or type(value) is Bag:
            return self._list(value.items if isinstance(value, Bag) else value, found, size, depth)
        if type(value) is Entry:
            return self._map([(value.key, value.value)], found, size, depth)
        found.append(self._leaf(value))
        size += len(found[-1])
        if size > self._string:
            exceeded("characters of a list or map", self._string)
        return size

    def _leaf(self, value: object) -> str:
        if value is None:
            return "null"
        if type(value) is float and not math.isfinite(value):
            fail("JSON has no infinite number")
        if type(value) is str:
            return encode_basestring(value)
        if type(value) is Moment or type(value) is Encoded:
            return encode_basestring(value.text)
        simple = self._printer.scalar(value)
        if simple is not None:
            return simple
        if type(value) is Rendered:
            return encode_basestring(value.render() or "")
        return unknown(value)

    def _list(self, items: Iterable[object], found: list[str], size: int, depth: int) -> int:
        found.append("[")
        for number, item in enumerate(items):
            found.append("," if number else "")
            size = self._collect(item, found, size + 1, depth + 1)
        found.append("]")
        return size + 2

    def _map(self, pairs: Iterable[tuple[object, object]], found: list[str], size: int, depth: int) -> int:
        found.append("{")
        for number, (key, value) in enumerate(pairs):
            text = key if type(key) is str else key.text if type(key) is Key else self._printer.scalar(key)
            name = encode_basestring(text or "")
            found.append(f"{',' if number else ''}{name}:")
            size = self._collect(value, found, size + len(name) + 2, depth + 1)
        found.append("}")
        return size + 2
