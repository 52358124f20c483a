"""The only methods a template can call, by exact type and name. Anything else gives nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity import list_methods, map_methods, text_methods
from promo_campaigns.velocity.arguments import run
from promo_campaigns.velocity.values import Entry, LoopState

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.arguments import Method
    from promo_campaigns.velocity.meter import Meter

MUTATORS = list_methods.MUTATORS | map_methods.MUTATORS
TABLE: dict[type, dict[str, tuple[Method, ...]]] = {
    str: text_methods.METHODS,
    list: list_methods.METHODS,
    dict: map_methods.METHODS,
}
LOOP_PROPERTIES: dict[str, Callable[[LoopState], object]] = {
    "index": lambda state: state.index,
    "count": lambda state: state.index + 1,
    "first": lambda state: state.index == 0,
    "last": lambda state: state.index + 1 == state.total,
    "hasNext": lambda state: state.index + 1 < state.total,
    "parent": lambda state: state.parent,
}
NO_METHODS: dict[str, tuple[Method, ...]] = {}


def call(receiver: object, name: str, arguments: tuple[object, ...], meter: Meter) -> object:
    """Call a method; an unknown type, name or signature gives nothing."""
    methods = TABLE.get(type(receiver), NO_METHODS).get(name)
    return run(methods, meter, receiver, arguments) if methods else None


def prop(receiver: object, name: str) -> object:
    """Read a property of something that is not a map."""
    if type(receiver) is LoopState:
        reader = LOOP_PROPERTIES.get(name)
        return reader(receiver) if reader else None
    if type(receiver) is Entry:
        return {"key": receiver.key, "value": receiver.value}.get(name)
    return None


def item(receiver: object, key: object) -> object:
    """Read an element of a list or map."""
    if type(receiver) is list and type(key) is int:
        size = len(receiver)
        return list_methods.get(None, receiver, key + size if key < 0 else key)  # type: ignore[arg-type]  # unmetered
    if type(receiver) is dict:
        return map_methods.get(None, receiver, key)  # type: ignore[arg-type]  # unmetered
    return None
