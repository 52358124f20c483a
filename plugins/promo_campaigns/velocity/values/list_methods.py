"""Methods of lists, as `java.util.ArrayList` has them, and of the keys, values and entries of maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.values.arguments import VOID, Method
from promo_campaigns.velocity.values.arithmetic import numeric
from promo_campaigns.velocity.values.comparison import same
from promo_campaigns.velocity.values.hashes import java_hash
from promo_campaigns.velocity.values.values import Bag, LoopState

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter

Items = list[object]
OUTSIDE = "an index is outside the list", "Check the size() first"


def get(_meter: Meter, items: Items, index: int) -> object:
    """`get(index)`."""
    if not 0 <= index < len(items):
        fail(*OUTSIDE)
    return items[index]


def plain(items: Items | Bag) -> Items:
    """Return the elements of a list or bag."""
    return items.items if isinstance(items, Bag) else items


def index_of(meter: Meter, items: Items | Bag, wanted: object) -> int:
    """`indexOf(element)`."""
    meter.spend(1 + len(plain(items)))
    return next((number for number, item in enumerate(plain(items)) if same(item, wanted, meter)), -1)


def last_index_of(meter: Meter, items: Items, wanted: object) -> int:
    """`lastIndexOf(element)`."""
    found = index_of(meter, items[::-1], wanted)
    return -1 if found < 0 else len(items) - 1 - found


def contains_all(meter: Meter, items: Items | Bag, wanted: Items | Bag) -> bool:
    """`containsAll(elements)`."""
    return all(index_of(meter, items, item) >= 0 for item in plain(wanted))


def sub_list(meter: Meter, items: Items, start: int, end: int) -> Items:
    """`subList(from, to)`."""
    if not 0 <= start <= end <= len(items):
        fail(*OUTSIDE)
    return meter.listed(items[start:end])


def add(meter: Meter, items: Items, element: object) -> bool:
    """`add(element)`."""
    meter.held(len(items) + 1)
    items.append(element)
    return True


def insert(meter: Meter, items: Items, index: int, element: object) -> str:
    """`add(index, element)`."""
    if not 0 <= index <= len(items):
        fail(*OUTSIDE)
    meter.held(len(items) + 1)
    items.insert(index, element)
    return VOID


def add_all(meter: Meter, items: Items, more: Items | Bag) -> bool:
    """`addAll(elements)`."""
    meter.held(len(items) + len(plain(more)))
    items.extend(plain(more))
    return bool(plain(more))


def remove_at(meter: Meter, items: Items, index: int) -> object:
    """`remove(index)`."""
    meter.held(len(items))
    if not 0 <= index < len(items):
        fail(*OUTSIDE)
    return items.pop(index)


def remove(meter: Meter, items: Items, element: object) -> bool:
    """`remove(element)`."""
    index = index_of(meter, items, element)
    if index >= 0:
        del items[index]
    return index >= 0


def remove_all(meter: Meter, items: Items, others: Items | Bag) -> bool:
    """`removeAll(elements)`."""
    return _keep(items, [item for item in items if index_of(meter, others, item) < 0])


def retain_all(meter: Meter, items: Items, others: Items | Bag) -> bool:
    """`retainAll(elements)`."""
    return _keep(items, [item for item in items if index_of(meter, others, item) >= 0])


def _keep(items: Items, kept: Items) -> bool:
    changed = len(kept) != len(items)
    items[:] = kept
    return changed


def replace_at(_meter: Meter, items: Items, index: int, element: object) -> object:
    """`set(index, element)`."""
    old = get(_meter, items, index)
    items[index] = element
    return old


def clear(_meter: Meter, items: Items) -> str:
    """`clear()`."""
    items.clear()
    return VOID


def equals(meter: Meter, items: object, other: object) -> bool:
    """`equals(other)`."""
    return same(items, other, meter)


_SHARED: dict[str, tuple[Method, ...]] = {
    "size": (Method("", lambda _meter, items: len(plain(items))),),
    "isEmpty": (Method("", lambda _meter, items: not plain(items)),),
    "contains": (Method("o", lambda meter, items, wanted: index_of(meter, items, wanted) >= 0),),
    "containsAll": (Method("c", contains_all),),
    "toArray": (Method("", lambda meter, items: meter.listed(list(plain(items)))),),
    "toString": (Method("", lambda meter, items: meter.text(items)),),
}
METHODS: dict[str, tuple[Method, ...]] = _SHARED | {
    "get": (Method("i", get),),
    "indexOf": (Method("o", index_of),),
    "lastIndexOf": (Method("o", last_index_of),),
    "subList": (Method("ii", sub_list),),
    "equals": (Method("o", equals),),
    "hashCode": (Method("", java_hash),),
    "add": (Method("o", add), Method("io", insert)),
    "addAll": (Method("c", add_all),),
    "remove": (Method("i", remove_at), Method("o", remove)),
    "removeAll": (Method("c", remove_all),),
    "retainAll": (Method("c", retain_all),),
    "set": (Method("io", replace_at),),
    "clear": (Method("", clear),),
}
BAG_METHODS = _SHARED
MUTATORS = frozenset({"add", "addAll", "remove", "removeAll", "retainAll", "set", "clear"})


def _unchanging(_meter: Meter, _items: Items, *_arguments: object) -> object:
    return fail("a range cannot be changed", "Fill a list with it first")


def _position(_meter: Meter, items: Items, wanted: object) -> int:
    number = numeric(wanted)
    if number is None:
        fail("only a number can be looked for in a range")
    return items.index(int(number)) if int(number) in items else -1


SPAN_METHODS: dict[str, tuple[Method, ...]] = METHODS | {
    "indexOf": (Method("o", _position),),
    "lastIndexOf": (Method("o", _position),),
    **{name: tuple(Method(form.signature, _unchanging) for form in METHODS[name]) for name in MUTATORS},
}


def _last(_meter: Meter, state: LoopState) -> bool:
    return state.index + 1 == state.total


def _topmost(_meter: Meter, state: LoopState) -> object:
    top: object = state
    while isinstance(top, LoopState) and top.parent is not None:
        top = top.parent
    return top


def _depth(state: object) -> int:
    depth = 0
    while isinstance(state, LoopState):
        depth += 1
        state = state.parent
    return depth


LOOP_METHODS: dict[str, tuple[Method, ...]] = {
    "size": (Method("", lambda _meter, state: len(state.held)),),
    "getInfo": (Method("", lambda _meter, state: {"depth": _depth(state)}),),
    "getIndex": (Method("", lambda _meter, state: state.index),),
    "getCount": (Method("", lambda _meter, state: state.index + 1),),
    "getFirst": (Method("", lambda _meter, state: state.index == 0),),
    "isFirst": (Method("", lambda _meter, state: state.index == 0),),
    "isLast": (Method("", _last),),
    "getHasNext": (Method("", lambda meter, state: not _last(meter, state)),),
    "hasNext": (Method("", lambda meter, state: not _last(meter, state)),),
    "getParent": (Method("", lambda _meter, state: state.parent),),
    "getTopmost": (Method("", _topmost),),
}
