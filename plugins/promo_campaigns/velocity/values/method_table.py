"""The only methods a template can call, by exact type and name. Anything else gives nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.model.typed.moment import Moment
from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.tools import moment_methods
from promo_campaigns.velocity.tools import names as tools
from promo_campaigns.velocity.values import list_methods, map_methods, number_methods, pattern_methods, text_methods
from promo_campaigns.velocity.values.arguments import converted, convertible, is_int, matches, whole
from promo_campaigns.velocity.values.containers import sized
from promo_campaigns.velocity.values.values import Bag, Encoded, Entry, LoopState, Span, is_list

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.arguments import Method
    from promo_campaigns.velocity.values.meter import Meter

MUTATORS = list_methods.MUTATORS | map_methods.MUTATORS
TABLE: dict[type, dict[str, tuple[Method, ...]]] = {
    str: text_methods.METHODS | pattern_methods.METHODS,
    list: list_methods.METHODS,
    Span: list_methods.SPAN_METHODS,
    Bag: list_methods.BAG_METHODS,
    dict: map_methods.METHODS,
    Entry: map_methods.ENTRY_METHODS,
    int: number_methods.WHOLE_METHODS,
    float: number_methods.DOUBLE_METHODS,
    bool: number_methods.BOOLEAN_METHODS,
    Decimal: number_methods.EXACT_METHODS,
    LoopState: list_methods.LOOP_METHODS,
    Moment: moment_methods.METHODS,
    Encoded: moment_methods.TEXT_METHODS,
    **tools.METHODS,
}
METHOD_NAMES = frozenset(name for methods in TABLE.values() for name in methods)
NO_METHODS: dict[str, tuple[Method, ...]] = {}


class Caller:
    """Calls methods and reads properties and elements, as one dialect does.

    :param converts: arguments are converted to what a method takes
    :param bare: `$x.size` may mean `$x.size()`
    """

    __slots__ = ("_bare", "_converts")

    def __init__(self, *, converts: bool, bare: bool) -> None:
        self._converts = converts
        self._bare = bare

    def call(self, receiver: object, name: str, arguments: tuple[object, ...], meter: Meter) -> object:
        """Call a method; an unknown type, name or signature gives nothing."""
        methods = TABLE.get(type(receiver), NO_METHODS).get(name, ())
        for method in methods:
            if matches(method, arguments):
                return _run(method, meter, receiver, arguments)
        if self._converts:
            found = [method for method in methods if convertible(method, arguments)]
            if len(found) == 1:
                return _run(found[0], meter, receiver, tuple(converted(found[0], arguments, meter)))
        if type(receiver) in tools.METHODS:
            _refuse(receiver, name)
        return None

    def prop(self, receiver: object, name: str, meter: Meter) -> object:
        """Read a property: a key of a map, else what `getName()`, `isName()` or, in 2.x, `name()` gives."""
        if type(receiver) is dict and (name in receiver or not self._bare):
            return receiver.get(name)
        methods = TABLE.get(type(receiver), NO_METHODS)
        upper = name[:1].upper() + name[1:]
        names = [name] * self._bare + ([] if type(receiver) is dict else [f"get{upper}", f"is{upper}"])
        for candidate in names:
            for method in methods.get(candidate, ()):
                if not method.signature:
                    return method.run(meter, receiver)
        if type(receiver) in tools.METHODS:
            _refuse(receiver, name)
        return receiver.read(name) if type(receiver) is LoopState else None

    def item(self, receiver: object, key: object, meter: Meter) -> object:
        """Read an element of a list, counted from its end below zero, or of a map."""
        if is_int(key) and key < 0 and receiver is not None:
            key += sized(receiver)
        if is_list(receiver):
            if self._converts and type(key) in (str, bool, float):
                key = whole(key)
            if type(key) is int:
                return list_methods.get(meter, receiver, key)
        if type(receiver) is dict:
            return map_methods.get(meter, receiver, key)
        return None


def _refuse(tool: object, asked: str) -> NoReturn:
    """End the render: of a tool that is asked for what it does not do, nothing is ever printed."""
    methods = tools.METHODS[type(tool)]
    if asked in methods:
        fail(f"{asked}() of a tool does not take these values")
    fail(f"a tool has no {asked!r}", tools.hint_of(methods, asked))


def _run(method: Method, meter: Meter, receiver: object, arguments: tuple[object, ...]) -> object:
    letters = method.signature.ljust(len(arguments), "o")
    if any(value is None and letter in "sq" for letter, value in zip(letters, arguments, strict=False)):
        fail("an argument has no value", "Test it with #if first")
    return method.run(meter, receiver, *arguments)
