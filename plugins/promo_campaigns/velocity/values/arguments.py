"""How the arguments of a method are matched to what it takes.

A signature is one letter per parameter; a `*` after the last one takes any number of further values.
`s` text, `q` text that nothing is converted to (Java's CharSequence), `i` whole number of 32 bits, `b` boolean,
`n` number, `c` list, set or values, `m` map, `o` anything.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.values.arithmetic import INT_BITS, is_number
from promo_campaigns.velocity.values.values import Bag, double_text, is_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.values.meter import Meter

INT_TEXT = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)
REST = "*"
VOID = ""
"""What a method without a result gives: something that prints as nothing."""


class Method(NamedTuple):
    """One form of a method: its signature and the function `(meter, receiver, *arguments)` that does it."""

    signature: str
    run: Callable[..., object]


def is_int(value: object) -> TypeGuard[int]:
    """Tell whether a value is a whole number that fits Java's int."""
    return type(value) is int and -(1 << INT_BITS) <= value < 1 << INT_BITS


def whole(value: object) -> int:
    """Convert text, a boolean or a number to Java's int, as 2.x does for an argument."""
    if type(value) is str and not INT_TEXT.fullmatch(value):
        fail("an argument is no whole number")
    try:
        number = int(value)  # type: ignore[call-overload]  # convertible() let only text, booleans and numbers through
    except (ValueError, OverflowError):
        fail("an argument is no whole number")
    if not is_int(number):
        fail("an argument is too large a number")
    return int(number)


def as_text(value: object) -> str:
    """Convert a number or boolean to text, as 2.x does for an argument."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is Decimal:
        return format(value, "f")
    return double_text(value) if type(value) is float else str(value)


CHECKS: dict[str, Callable[[object], bool]] = {
    "s": lambda value: value is None or type(value) is str,
    "q": lambda value: value is None or type(value) is str,
    "i": is_int,
    "b": lambda value: type(value) is bool,
    "n": is_number,
    "c": lambda value: is_list(value) or type(value) is Bag,
    "m": lambda value: type(value) is dict,
    "o": lambda _value: True,
}


def _pairs(method: Method, arguments: tuple[object, ...]) -> list[tuple[str, object]] | None:
    letters = method.signature.rstrip(REST)
    if letters != method.signature:
        letters = letters.ljust(len(arguments), "o")
    return list(zip(letters, arguments, strict=True)) if len(letters) == len(arguments) else None


def matches(method: Method, arguments: tuple[object, ...]) -> bool:
    """Tell whether a method takes these arguments as they are."""
    pairs = _pairs(method, arguments)
    return pairs is not None and all(CHECKS[letter](value) for letter, value in pairs)


def convertible(method: Method, arguments: tuple[object, ...]) -> bool:
    """Tell whether a method takes these arguments after 2.x's conversions."""
    pairs = _pairs(method, arguments)
    return pairs is not None and all(
        CHECKS[letter](value) or letter == "s" or (letter == "i" and _spells(value)) for letter, value in pairs
    )


def _spells(value: object) -> bool:
    return type(value) in (str, bool, Decimal) or is_number(value)


def converted(method: Method, arguments: tuple[object, ...], meter: Meter) -> list[object]:
    """Convert arguments that `convertible` accepted."""
    return [
        value if CHECKS[letter](value) else whole(value) if letter == "i" else meter.text(value)
        for letter, value in _pairs(method, arguments) or []
    ]
