"""Arithmetic as Velocity does it: whole numbers never overflow, wrong operands give nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard

from promo_campaigns.velocity.fault import exceeded

if TYPE_CHECKING:
    from promo_campaigns.velocity.meter import Meter
    from promo_campaigns.velocity.values import Printer

BITS_A_DIGIT = 3.33


class Arithmetic:
    """The operators `+ - * / %` and the sign, within the limits of a template."""

    __slots__ = ("_bits", "_digits", "_printer")

    def __init__(self, printer: Printer, digits: int) -> None:
        self._printer = printer
        self._digits = digits
        self._bits = int(digits * BITS_A_DIGIT)

    def add(self, left: object, right: object, meter: Meter) -> object:
        """Add two numbers, or join texts if either side is text."""
        if is_number(left) and is_number(right):
            return self._bounded(left + right)
        if left is None or right is None:
            return None
        if type(left) is str or type(right) is str:
            first, second = self._printer.text(left), self._printer.text(right)
            meter.room(len(first) + len(second))
            return first + second
        return None

    def subtract(self, left: object, right: object) -> object:
        """Subtract two numbers."""
        return self._bounded(left - right) if is_number(left) and is_number(right) else None

    def multiply(self, left: object, right: object) -> object:
        """Multiply two numbers."""
        return self._bounded(left * right) if is_number(left) and is_number(right) else None

    def divide(self, left: object, right: object) -> object:
        """Divide two numbers, whole ones towards zero; nothing comes of a division by zero."""
        if not (is_number(left) and is_number(right)) or right == 0:
            return None
        if type(left) is int and type(right) is int:
            quotient = abs(left) // abs(right)
            return quotient if (left < 0) == (right < 0) else -quotient
        return _double(left) / _double(right)

    def remainder(self, left: object, right: object) -> object:
        """Return what a division leaves, with the sign of the dividend."""
        if not (is_number(left) and is_number(right)) or right == 0:
            return None
        if type(left) is int and type(right) is int:
            rest = abs(left) % abs(right)
            return -rest if left < 0 else rest
        dividend, divisor = _double(left), _double(right)
        return math.nan if math.isinf(dividend) else math.fmod(dividend, divisor)

    def negate(self, operand: object) -> object:
        """Change the sign of a number."""
        return -operand if is_number(operand) else None

    def _bounded(self, value: float) -> float:
        if type(value) is int and value.bit_length() > self._bits:
            exceeded("digits of a number", self._digits)
        return value


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a number; a boolean is none."""
    return type(value) is int or type(value) is float


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
