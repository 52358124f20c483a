"""Arithmetic as Velocity does it: whole numbers never overflow, wrong operands give nothing or end the render."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

from promo_campaigns.velocity.fault import exceeded, fail
from promo_campaigns.velocity.values.big_decimal import big_quotient, big_result, is_big
from promo_campaigns.velocity.values.exact import calculated, exact_pair, exact_quotient, exact_rest, is_exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.values.meter import Meter
    from promo_campaigns.velocity.values.values import Printer

BITS_A_DIGIT = 3.33
NUMERIC = re.compile(r"[+-]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:[eE][+-]?\d{1,3})?", re.ASCII)

INT_BITS = 31
INT_MOST = (1 << INT_BITS) - 1
LONG_MOST = (1 << 63) - 1


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a number; a boolean is none."""
    return type(value) is int or type(value) is float


def numeric(value: object) -> float | Decimal | None:
    """Return a number, or the number that a text spells, or nothing."""
    if is_number(value) or type(value) is Decimal:
        return value
    return Decimal(value) if type(value) is str and NUMERIC.fullmatch(value) else None


def truncated(value: float | Decimal, most: int) -> int:
    """Return a number as Java's int or long, whose largest value is `most`: whole ones wrap, others stop there."""
    if type(value) is float:
        return 0 if math.isnan(value) else int(max(-most - 1, min(most, value)))
    return ((int(value) + most + 1) & (2 * most + 1)) - most - 1


def expect_values(left: object, right: object, *untold: bool) -> None:
    """End the render if an operand of an order has no value and the reference engine fails to say which.

    :param untold: for each side, whether the engine has no name for it
    """
    if untold[0] if left is None else untold[1] and right is None:
        fail("only what has a value can be compared")


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
            return self._numbers(left, right, lambda first, second: self._bounded(first + second))
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
        return self._sized(calculated(exact_pair(left, right), calculate))

    def _numbers(self, left: object, right: object, calculate: Callable[[Any, Any], object]) -> object:
        """Calculate with two numbers; text that spells one counts with all of its places."""
        if is_number(left) and is_number(right) and not (self._converts and is_big(left, right)):
            return calculate(left, right)
        if is_exact(left, right):
            return self._exact(left, right, calculate)
        if not self._converts:
            return None
        first, second = numeric(left), numeric(right)
        if first is None or second is None:
            return None
        return self._sized(big_result(first, second, calculate))

    def _sized(self, value: object) -> object:
        if type(value) is Decimal and value and abs(value.adjusted()) > self._digits:
            exceeded("digits of a number", self._digits)
        return value

    def subtract(self, left: object, right: object) -> object:
        """Subtract two numbers."""
        return self._numbers(left, right, lambda first, second: self._bounded(first - second))

    def multiply(self, left: object, right: object) -> object:
        """Multiply two numbers."""
        return self._numbers(left, right, lambda first, second: self._bounded(first * second))

    def divide(self, left: object, right: object) -> object:
        """Divide two numbers, whole ones towards zero; nothing comes of a division by zero."""
        if is_exact(left, right):
            return self._exact(left, right, exact_quotient)
        return self._numbers(left, right, _quotient)

    def remainder(self, left: object, right: object) -> object:
        """Return what a division leaves, with the sign of the dividend."""
        first, second = (numeric(left), numeric(right)) if self._converts else (None, None)
        if str in (type(left), type(right)) and first is not None and second:
            fail("a text has no remainder")
        return self._exact(left, right, exact_rest) if is_exact(left, right) else self._numbers(left, right, _rest)

    def negate(self, operand: object) -> object:
        """Change the sign of a number."""
        number = numeric(operand)
        return None if number is None else number.copy_negate() if type(number) is Decimal else -number

    def _bounded(self, value: float) -> float:
        if type(value) is int and value.bit_length() > self._bits:
            exceeded("digits of a number", self._digits)
        return value


def _quotient(left: float | Decimal, right: float | Decimal) -> float | Decimal | None:
    if right == 0:
        return None
    if type(left) is Decimal and type(right) is Decimal:
        return big_quotient(left, right)
    if type(left) is int and type(right) is int:
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return _double(left) / _double(right)


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
