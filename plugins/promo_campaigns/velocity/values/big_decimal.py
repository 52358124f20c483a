"""Calculating with text that spells a number, as Java's `BigDecimal` does: every digit counts and no place is lost."""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation, localcontext
from typing import TYPE_CHECKING, Any

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.values.values import double_text

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_DIGIT = Context(prec=2_500, Emax=9_999, Emin=-9_999)
INT_BITS, LONG_BITS = 31, 63


def is_big(left: object, right: object) -> bool:
    """Tell whether a double meets a whole number that no `long` holds."""
    whole = left if type(right) is float else right if type(left) is float else None
    return type(whole) is int and bool(whole >> LONG_BITS not in (0, -1))


def big_decimal(number: float | Decimal) -> Decimal:
    """Return a number as a `BigDecimal`, with the places that the reference engine gives it: an `int` has one."""
    if isinstance(number, Decimal):
        return number
    if type(number) is int:
        return Decimal(f"{number}.0") if number >> INT_BITS in (0, -1) else Decimal(number)
    try:
        return Decimal(double_text(number))
    except InvalidOperation:  # pragma: no cover  (the text of every double is a number)
        fail("only a finite number can be calculated with")


def big_result(left: float | Decimal, right: float | Decimal, calculate: Callable[[Any, Any], object]) -> object:
    """Return the result of a calculation with every digit."""
    first, second = big_decimal(left), big_decimal(right)
    if not (first.is_finite() and second.is_finite()):
        fail("only a finite number can be calculated with")
    with localcontext(EVERY_DIGIT):
        return calculate(first, second)


def big_quotient(left: Decimal, right: Decimal) -> Decimal:
    """Divide; the quotient has the places of the dividend, and a half is rounded down."""
    dividend, divisor = (abs(int(one.scaleb(-exponent_of(one)))) for one in (left, right))
    shift = exponent_of(right)
    if shift < 0:
        dividend *= 10**-shift
    else:
        divisor *= 10**shift
    quotient, rest = divmod(dividend, divisor)
    quotient += 2 * rest > divisor
    sign = -1 if (left < 0) != (right < 0) else 1
    return Decimal(sign * quotient).scaleb(exponent_of(left))


def exponent_of(number: Decimal) -> int:
    """Return the power of ten that the last digit of a finite number counts."""
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
