"""Lists and maps that a template makes, walks or changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import exceeded, fail
from promo_campaigns.velocity.values.values import DEPTH, Bag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promo_campaigns.velocity.values.meter import Meter

_WHOLE = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)
KEYS = (str, int, float, bool, type(None))


def span(first: object, last: object, meter: Meter) -> object:
    """Return the list of a range, which may count down; nothing if an end is no whole number."""
    if type(first) is not int or type(last) is not int:
        return None
    meter.held(abs(last - first) + 1)
    return list(range(first, last + 1) if first <= last else range(first, last - 1, -1))


def spelt_span(first: object, last: object, meter: Meter) -> object:
    """Return the list of a range, as 2.x does: an end may be a text that spells a whole number."""
    return span(_whole(first), _whole(last), meter)


def _whole(value: object) -> object:
    return int(value) if type(value) is str and _WHOLE.fullmatch(value) else value


def mapping(pairs: Iterable[tuple[object, object]]) -> dict[object, object]:
    """Return a map; keys are text, numbers or booleans."""
    for key, _ in pairs:
        if type(key) not in KEYS:
            fail("a key of a map is neither text nor a number")
    return dict(pairs)


def walk(source: object, meter: Meter) -> list[object]:
    """Return what a `#foreach` walks over: elements of a list, values of a map, and nothing of anything else.

    The list is a copy, so that a loop ends whatever its body adds.
    """
    if type(source) is list:
        found: list[object] = source
    elif type(source) is dict:
        found = list(source.values())
    elif type(source) is Bag:
        found = source.items
    else:
        return []
    meter.held(len(found))
    return found.copy()


def unchanged(source: object, size: int) -> None:
    """End the render if a loop's body added to or took from what it walks over, as the reference engine does."""
    if (type(source) is list or type(source) is dict) and len(source) != size:
        fail("a list or map was changed while a #foreach walks over it")


def put(holder: object, key: object, value: object, meter: Meter) -> None:
    """Set an element of a list or map; anything else cannot be set and stays as it is."""
    if type(holder) is dict and type(key) in KEYS:
        meter.held(len(holder) + 1)
        holder[key] = value
    elif type(holder) is list and type(key) is int:
        key += len(holder) if key < 0 else 0
        if not 0 <= key < len(holder):
            fail("an index is outside the list", "Check the size() first")
        holder[key] = value


def copied(value: object, seen: dict[int, object], meter: Meter, depth: int = 0) -> object:
    """Return a copy of a value of the context, lists and maps inside it included; the same list gives the same copy."""
    if type(value) is not list and type(value) is not dict:
        return value
    if id(value) in seen:
        return seen[id(value)]
    if depth > DEPTH:
        exceeded("lists and maps inside each other", DEPTH)
    meter.held(len(value))
    if isinstance(value, list):
        items: list[object] = []
        seen[id(value)] = items
        items.extend(copied(item, seen, meter, depth + 1) for item in value)
        return items
    pairs: dict[object, object] = {}
    seen[id(value)] = pairs
    pairs.update((key, copied(item, seen, meter, depth + 1)) for key, item in value.items())
    return pairs
