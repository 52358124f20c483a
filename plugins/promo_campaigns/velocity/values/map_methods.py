"""Methods of maps, as `java.util.LinkedHashMap` has them, and of their entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.values.arguments import VOID, Method
from promo_campaigns.velocity.values.comparison import same
from promo_campaigns.velocity.values.containers import as_key
from promo_campaigns.velocity.values.hashes import java_hash
from promo_campaigns.velocity.values.values import Bag, Entry, unwrapped

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter

Pairs = dict[object, object]


def get(meter: Meter, pairs: Pairs, key: object, default: object = None) -> object:
    """`get(key)` and `getOrDefault(key, default)`."""
    return pairs.get(as_key(key, meter), default)


def has(meter: Meter, pairs: Pairs, key: object) -> bool:
    """`containsKey(key)`."""
    return as_key(key, meter) in pairs


def has_value(meter: Meter, pairs: Pairs, wanted: object) -> bool:
    """`containsValue(value)`."""
    meter.spend(1 + len(pairs))
    return any(same(value, wanted, meter) for value in pairs.values())


def put(meter: Meter, pairs: Pairs, key: object, value: object) -> object:
    """`put(key, value)`."""
    meter.held(len(pairs) + 1)
    key = as_key(key, meter)
    old = pairs.get(key)
    pairs[key] = value
    return old


def put_if_absent(meter: Meter, pairs: Pairs, key: object, value: object) -> object:
    """`putIfAbsent(key, value)`."""
    old = get(meter, pairs, key)
    return put(meter, pairs, key, value) if old is None else old


def put_all(meter: Meter, pairs: Pairs, more: Pairs) -> str:
    """`putAll(map)`."""
    meter.held(len(pairs) + len(more))
    pairs.update(more)
    return VOID


def remove(meter: Meter, pairs: Pairs, key: object) -> object:
    """`remove(key)`."""
    return pairs.pop(as_key(key, meter), None)


def clear(_meter: Meter, pairs: Pairs) -> str:
    """`clear()`."""
    pairs.clear()
    return VOID


def equals(meter: Meter, pairs: object, other: object) -> bool:
    """`equals(other)`."""
    return same(pairs, other, meter)


METHODS: dict[str, tuple[Method, ...]] = {
    "get": (Method("o", get),),
    "getOrDefault": (Method("oo", get),),
    "containsKey": (Method("o", has),),
    "containsValue": (Method("o", has_value),),
    "size": (Method("", lambda _meter, pairs: len(pairs)),),
    "isEmpty": (Method("", lambda _meter, pairs: not pairs),),
    "keySet": (Method("", lambda meter, pairs: Bag(meter.listed([unwrapped(key) for key in pairs]))),),
    "values": (Method("", lambda meter, pairs: Bag(meter.listed(list(pairs.values())))),),
    "entrySet": (
        Method("", lambda meter, pairs: Bag(meter.listed([Entry(unwrapped(k), v) for k, v in pairs.items()]))),
    ),
    "toString": (Method("", lambda meter, pairs: meter.text(pairs)),),
    "hashCode": (Method("", java_hash),),
    "equals": (Method("o", equals),),
    "put": (Method("oo", put),),
    "putIfAbsent": (Method("oo", put_if_absent),),
    "putAll": (Method("m", put_all),),
    "remove": (Method("o", remove),),
    "clear": (Method("", clear),),
}
MUTATORS = frozenset({"put", "putIfAbsent", "putAll", "remove", "clear"})
ENTRY_METHODS: dict[str, tuple[Method, ...]] = {
    "getKey": (Method("", lambda _meter, entry: entry.key),),
    "getValue": (Method("", lambda _meter, entry: entry.value),),
    "toString": (Method("", lambda meter, entry: meter.text(entry)),),
    "hashCode": (Method("", java_hash),),
}
