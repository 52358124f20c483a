"""Lists and maps that a template makes, walks or changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import exceeded, fail
from promo_campaigns.velocity.values.arguments import whole
from promo_campaigns.velocity.values.arithmetic import INT_BITS, INT_MOST, is_number, numeric, truncated
from promo_campaigns.velocity.values.values import DEPTH, Bag, Key, LoopState, Span, is_list

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from decimal import Decimal

    from promo_campaigns.velocity.values.meter import Meter

PLAIN_KEYS = (str, int, type(None))


def span(first: object, last: object, meter: Meter) -> object:
    """Return the list of a range, which may count down; an end is a number, cut to Java's int: else there is none."""
    return _span(first if is_number(first) else None, last if is_number(last) else None, meter)


def spelt_span(first: object, last: object, meter: Meter) -> object:
    """Return the range, as 2.x does: an end may also be text that spells a number, and the range cannot be changed."""
    found = _span(numeric(first), numeric(last), meter)
    return None if found is None else Span(found)


def _span(first: float | Decimal | None, last: float | Decimal | None, meter: Meter) -> list[object] | None:
    if first is None or last is None:
        return None
    start, end = truncated(first, INT_MOST), truncated(last, INT_MOST)
    meter.held(abs(end - start) + 1)
    return list(range(start, end + 1) if start <= end else range(start, end - 1, -1))


def loops_left(scope: object, around: tuple[LoopState, ...]) -> int:
    """Return how many loops a `#break` leaves besides the innermost one.

    :param scope: what it says it leaves
    :param around: the loops it stands in, the innermost first
    """
    for number, state in enumerate(around):
        if state is scope:
            return number
    return fail(
        "#break leaves only a loop that it stands in itself", "Write #break, #break($foreach) or ($foreach.parent)"
    )


def as_key(value: object, meter: Meter) -> Hashable:
    """Return a value as the key of a map."""
    return value if type(value) in PLAIN_KEYS else Key(value, meter.text(value))


def mapping(pairs: Iterable[tuple[object, object]], meter: Meter) -> dict[object, object]:
    """Return a map."""
    return {as_key(key, meter): value for key, value in pairs}


def walk(source: object, meter: Meter) -> list[object]:
    """Return what a `#foreach` walks over: elements of a list, values of a map, and nothing of anything else.

    The list is a copy, so that a loop ends whatever its body adds.
    """
    if is_list(source):
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


def sized(holder: object) -> int:
    """Return the size of what an index counts from the end of; what has none ends the render."""
    if is_list(holder) or type(holder) is dict:
        return len(holder)
    if type(holder) is Bag:
        return len(holder.items)
    return fail("only lists and maps can be counted from their end")


def put(holder: object, key: object, value: object, meter: Meter) -> None:
    """Set an element of a list or map; anything else cannot be set and stays as it is."""
    if holder is not None and type(key) is int and -(1 << INT_BITS) <= key < 0:
        key += sized(holder)
    if type(holder) is LoopState:
        holder = holder.held
    if type(holder) is dict:
        meter.held(len(holder) + 1)
        holder[as_key(key, meter)] = value
    elif type(holder) is Span:
        fail("a range cannot be changed", "Fill a list with it first")
    elif type(holder) is list and type(key) is int:
        if not 0 <= key < len(holder):
            fail("an index is outside the list", "Check the size() first")
        holder[key] = value


def put_at(holder: object, key: object, value: object, meter: Meter) -> None:
    """Set an element as 2.x does: an index may be a text, a fraction or a boolean."""
    put(holder, whole(key) if is_list(holder) and type(key) in (str, bool, float) else key, value, meter)


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
