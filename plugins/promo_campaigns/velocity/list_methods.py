"""Methods of lists, as `java.util.ArrayList` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.arguments import Method
from promo_campaigns.velocity.comparison import same
from promo_campaigns.velocity.fault import fail

if TYPE_CHECKING:
    from promo_campaigns.velocity.meter import Meter


def get(_meter: Meter, items: list[object], index: int) -> object:
    """`get(index)`."""
    if not 0 <= index < len(items):
        fail("an index is outside the list", "Check the size() first")
    return items[index]


def contains(meter: Meter, items: list[object], wanted: object) -> bool:
    """`contains(element)`."""
    meter.held(len(items))
    return any(same(item, wanted) for item in items)


METHODS: dict[str, tuple[Method, ...]] = {
    "get": (Method("i", get),),
    "size": (Method("", lambda _meter, items: len(items)),),
    "isEmpty": (Method("", lambda _meter, items: not items),),
    "contains": (Method("o", contains),),
}
MUTATORS: frozenset[str] = frozenset()
