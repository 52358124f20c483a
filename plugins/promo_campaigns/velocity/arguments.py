"""How the arguments of a method are matched to what it takes.

A signature is one letter per parameter: `s` text, `i` whole number of 32 bits, `b` boolean, `n` number, `c` list,
set or values, `m` map, `o` anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from promo_campaigns.velocity.arithmetic import is_number
from promo_campaigns.velocity.values import Bag

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.meter import Meter

INT_BITS = 31


class Method(NamedTuple):
    """One form of a method: its signature and the function `(meter, receiver, *arguments)` that does it."""

    signature: str
    run: Callable[..., object]


def is_int(value: object) -> bool:
    """Tell whether a value is a whole number that fits Java's int."""
    return type(value) is int and -(1 << INT_BITS) <= value < 1 << INT_BITS


def _any(_value: object) -> bool:
    return True


CHECKS: dict[str, Callable[[object], bool]] = {
    "s": lambda value: type(value) is str,
    "i": is_int,
    "b": lambda value: type(value) is bool,
    "n": is_number,
    "c": lambda value: type(value) is list or type(value) is Bag,
    "m": lambda value: type(value) is dict,
    "o": _any,
}


def matches(method: Method, arguments: tuple[object, ...]) -> bool:
    """Tell whether a method takes these arguments."""
    return len(method.signature) == len(arguments) and all(
        CHECKS[letter](value) for letter, value in zip(method.signature, arguments, strict=True)
    )


def run(methods: tuple[Method, ...], meter: Meter, receiver: object, arguments: tuple[object, ...]) -> object:
    """Call the first form that takes the arguments; none gives nothing, as the reference engine does."""
    for method in methods:
        if matches(method, arguments):
            return method.run(meter, receiver, *arguments)
    return None
