"""Truth, equality and order of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.arithmetic import is_number

if TYPE_CHECKING:
    from promo_campaigns.velocity.values import Printer

CONTAINERS = (list, dict)


def holds(value: object) -> bool:
    """Tell whether 1.7 takes a value for true: all but nothing and false."""
    return value is not None and value is not False


class Comparison:
    """The operators `== != < <= > >=`."""

    __slots__ = ("_printer",)

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def equal(self, left: object, right: object) -> bool:
        """Compare numbers by value, the same types as themselves, and other types by their text."""
        if left is None or right is None:
            return left is right
        if is_number(left) and is_number(right):
            return left == right
        if type(left) is type(right):
            return same(left, right)
        return self._printer.text(left) == self._printer.text(right)

    def less(self, left: object, right: object) -> bool:
        """Tell whether a number is less than another; anything else is not."""
        return is_number(left) and is_number(right) and left < right

    def at_most(self, left: object, right: object) -> bool:
        """Tell whether a number is at most another; anything else is not."""
        return is_number(left) and is_number(right) and left <= right


def same(left: object, right: object, depth: int = 0) -> bool:
    """Compare as Java's `equals`: 1, 1.0, '1' and true are four different values."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if depth > len(CONTAINERS) * 16:
        return False
    if type(left) is list and type(right) is list:
        return len(left) == len(right) and all(same(a, b, depth + 1) for a, b in zip(left, right, strict=True))
    if type(left) is dict and type(right) is dict:
        return len(left) == len(right) and all(k in right and same(v, right[k], depth + 1) for k, v in left.items())
    return left == right
