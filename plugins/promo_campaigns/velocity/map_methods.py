"""Methods of maps, as `java.util.LinkedHashMap` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.arguments import Method
from promo_campaigns.velocity.values import Bag, Entry

if TYPE_CHECKING:
    from promo_campaigns.velocity.meter import Meter

KEYS = (str, int, float, bool)


def get(_meter: Meter, pairs: dict[object, object], key: object, default: object = None) -> object:
    """`get(key)` and `getOrDefault(key, default)`."""
    return pairs.get(key, default) if type(key) in KEYS else default


def has(_meter: Meter, pairs: dict[object, object], key: object) -> bool:
    """`containsKey(key)`."""
    return type(key) in KEYS and key in pairs


METHODS: dict[str, tuple[Method, ...]] = {
    "get": (Method("o", get),),
    "getOrDefault": (Method("oo", get),),
    "containsKey": (Method("o", has),),
    "size": (Method("", lambda _meter, pairs: len(pairs)),),
    "isEmpty": (Method("", lambda _meter, pairs: not pairs),),
    "keySet": (Method("", lambda _meter, pairs: Bag(list(pairs))),),
    "values": (Method("", lambda _meter, pairs: Bag(list(pairs.values()))),),
    "entrySet": (Method("", lambda _meter, pairs: Bag([Entry(k, v) for k, v in pairs.items()])),),
}
MUTATORS: frozenset[str] = frozenset()
