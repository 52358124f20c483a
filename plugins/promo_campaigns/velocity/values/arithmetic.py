"""Arithmetic as Velocity does it: whole numbers never overflow, wrong operands give nothing or end the render."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_DOWN, Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

from promo_campaigns.velocity.fault import exceeded, fail
from promo_campaigns.velocity.values.exact import calculated, exact_pair, exact_quotient, exact_rest, is_exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.values.meter import Meter
    from promo_campaigns.velocity.values.values import Printer

BITS_A_DIGIT = 3.33
NUMERIC = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a number; a boolean is none."""
    return type(value) is int or type(value) is float


def numeric(value: object) -> float | Decimal | None:
    """Return a number, or the number that a text spells, or nothing."""
    if is_number(value) or type(value) is Decimal:
        return value
    if type(value) is not str or not NUMERIC.fullmatch(value):
        return None
    return int(value) if value.lstrip("+-").isdecimal() else float(value)


class Arithmetic:
    """The operators `+ - * / %` and the sign, within the limits of a template.

    :param converts: as 2.x: text that spells a number is a number
    """

    __slots__ = ("_bits", "_converts", "_digits", "_printer")

    def __init__(self, printer: Printer, digits: int, *, converts: bool) -> None:
        self._printer = printer
        self._digits = digits
        self._bits = int(digits * BITS_A_DIGIT)
        self._converts = converts

    def add(self, left: object, right: object, meter: Meter, *sources: str | None) -> object:
        """Add two numbers, or join texts if either side is text.

        :param sources: what stands for a missing side when texts are joined: its source; without one it is an error
        """
        if is_number(left) and is_number(right):
            return self._bounded(left + right)
        if is_exact(left, right) and str not in (type(left), type(right)):
            return self._exact(left, right, lambda first, second: first + second)
        if type(left) is str or type(right) is str:
            first = self._side(left, sources[0], meter)
            second = self._side(right, sources[1], meter)
            meter.room(len(first) + len(second))
            return first + second
        return None

    def _side(self, value: object, source: str | None, meter: Meter) -> str:
        if value is not None:
            return self._printer.text(value, meter)
        if source is None:
            fail("a value to join is missing", "Write $!name for nothing, or test it with #if")
        return source

    def expect_numbers(self, left: object, right: object, *written: bool) -> None:
        """End the render if an operand that is written out is no number, where the reference engine does.

        :param written: for each side, whether it is written out: neither a reference nor text
        """
        if written[0] if numeric(left) is None else written[1] and numeric(right) is None:
            fail("only numbers can be calculated with")

    def _exact(self, left: object, right: object, calculate: Callable[[Any, Any], object]) -> object:
        """Calculate with two numbers of which one is exact; text that spells one counts where it does beside others."""
        if self._converts:
            left, right = numeric(left), numeric(right)
        found = calculated(exact_pair(left, right), calculate)
        if type(found) is Decimal and abs(found.adjusted()) > self._digits:
            exceeded("digits of a number", self._digits)
        return found

    def _numbers(self, left: object, right: object, calculate: Callable[[Any, Any], float | None]) -> object:
        """Calculate with two numbers; text that spells one counts as a double beside a number."""
        if is_number(left) and is_number(right):
            return calculate(left, right)
        if is_exact(left, right):
            return self._exact(left, right, calculate)
        if not self._converts:
            return None
        first, second = numeric(left), numeric(right)
        if first is None or second is None:
            return None
        if type(left) is type(right):
            return calculate(first, second)
        return calculate(_double(first), _double(second))

    def subtract(self, left: object, right: object) -> object:
        """Subtract two numbers."""
        return self._numbers(left, right, lambda first, second: self._bounded(first - second))

    def multiply(self, left: object, right: object) -> object:
        """Multiply two numbers."""
        return self._numbers(left, right, lambda first, second: self._bounded(first * second))

    def divide(self, left: object, right: object) -> object:
        """Divide two numbers, whole ones towards zero; nothing comes of a division by zero."""
        if self._converts and type(left) is str and NUMERIC.fullmatch(left) and is_number(right) and right:
            return _decimal_quotient(left, right)
        return (
            self._exact(left, right, exact_quotient) if is_exact(left, right) else self._numbers(left, right, _quotient)
        )

    def remainder(self, left: object, right: object) -> object:
        """Return what a division leaves, with the sign of the dividend."""
        if self._converts and str in (type(left), type(right)) and None not in (numeric(left), numeric(right)):
            fail("a text has no remainder")
        return self._exact(left, right, exact_rest) if is_exact(left, right) else self._numbers(left, right, _rest)

    def negate(self, operand: object) -> object:
        """Change the sign of a number."""
        number = numeric(operand)
        return None if number is None else -number

    def _bounded(self, value: float) -> float:
        if type(value) is int and value.bit_length() > self._bits:
            exceeded("digits of a number", self._digits)
        return value


def _quotient(left: float, right: float) -> float | None:
    if right == 0:
        return None
    if type(left) is int and type(right) is int:
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return _double(left) / _double(right)


def _decimal_quotient(left: str, right: float) -> float:
    """Divide a text that spells a number: the reference engine keeps the places that the text has."""
    dividend = Decimal(left)
    if not math.isfinite(right) or abs(dividend.adjusted()) > DECIMAL_REACH:
        return float(left) / right
    quotient = dividend / Decimal(repr(right))
    if quotient.adjusted() > DECIMAL_REACH:
        return float(quotient)
    rounded = quotient.quantize(Decimal(1).scaleb(min(0, int(dividend.as_tuple().exponent))), ROUND_HALF_DOWN)
    return int(rounded) if rounded.as_tuple().exponent == 0 else float(rounded)


DECIMAL_REACH = 15
"""Decimal places on either side of the point within which a quotient of texts is exact."""


def _rest(left: float, right: float) -> float | None:
    if right == 0:
        return None
    if type(left) is int and type(right) is int:
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    dividend, divisor = _double(left), _double(right)
    return math.nan if math.isinf(dividend) else math.fmod(dividend, divisor)


def _double(value: float | Decimal) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
