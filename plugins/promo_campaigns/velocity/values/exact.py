"""Exact decimal numbers, as a field of type decimal holds them: `12.50` stays `12.50`, and `0.1 + 0.2` is `0.3`."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from promo_campaigns.velocity.fault import fail

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_PLACES = 30


def is_exact(left: object, right: object) -> bool:
    """Tell whether one of two operands is an exact number."""
    return type(left) is Decimal or type(right) is Decimal


def exact_pair(left: object, right: object) -> tuple[Any, Any] | None:
    """Return two operands as numbers that can be calculated with and compared; nothing if one is none.

    With an infinite double both are doubles.
    """
    first, second = _exact(left), _exact(right)
    if first is None or second is None:
        return None
    if type(first) is float or type(second) is float:
        return float(first), float(second)
    return first, second


def _exact(value: object) -> Decimal | float | None:
    if type(value) is Decimal:
        return value
    if type(value) is int:
        return Decimal(value)
    if type(value) is float:
        return Decimal(repr(value)) if math.isfinite(value) else value
    return None


def calculated(pair: tuple[Any, Any] | None, calculate: Callable[[Any, Any], object]) -> object:
    """Return the result of a calculation with a pair, or nothing where there is none."""
    if pair is None:
        return None
    try:
        return calculate(*pair)
    except ArithmeticError:
        return fail("a number is too large, or too exact, to calculate with")


def exact_quotient(left: Decimal, right: Decimal) -> object:
    """Divide, with the places of the operand that has more of them; nothing comes of a division by zero."""
    if not right:
        return None
    places = max(places_of(left), places_of(right))
    return (left / right).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def exact_rest(left: Decimal, right: Decimal) -> object:
    """Return what a division leaves, with the sign of the dividend."""
    return left % right if right else None


def places_of(value: Decimal) -> int:
    """Return how many digits stand behind the point."""
    exponent = value.as_tuple().exponent
    return min(MOST_PLACES, max(0, -exponent)) if isinstance(exponent, int) else 0


def plain(value: Decimal) -> str:
    """Return the digits of an exact number, without an exponent."""
    return format(value, "f")


def rounded(value: Decimal, places: int) -> Decimal:
    """Return a number with so many places, a half rounded away from zero."""
    if not 0 <= places <= MOST_PLACES:
        fail(f"a number has 0 to {MOST_PLACES} places")
    try:
        return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except ArithmeticError:
        fail("a number is too large to be rounded that exactly")
