"""Truth, equality and order of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.model.typed.moment import Moment
from promo_campaigns.velocity.fault import exceeded
from promo_campaigns.velocity.values.arithmetic import is_number, numeric
from promo_campaigns.velocity.values.exact import exact_pair, is_exact
from promo_campaigns.velocity.values.values import DEPTH, is_list

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter
    from promo_campaigns.velocity.values.values import Printer

LONG = 256


def holds(value: object) -> bool:
    """Tell whether 1.7 takes a value for true: all but nothing and false."""
    return value is not None and value is not False


class Comparison:
    """The operators `== != < <= > >=`.

    :param converts: beside a number, text that spells one counts as that number
    """

    __slots__ = ("_converts", "_printer")

    def __init__(self, printer: Printer, *, converts: bool) -> None:
        self._printer = printer
        self._converts = converts

    def equal(self, left: object, right: object, meter: Meter) -> bool:
        """Compare numbers by value, the same types as themselves, and other types by their text."""
        if left is None or right is None:
            return left is right
        if is_number(left) and is_number(right):
            return left == right
        if type(left) is type(right):
            if type(left) is str and len(left) > LONG:
                meter.read(len(left))
            return same(left, right, meter)
        first, second = self._numbers(left, right)
        if first is not None and second is not None:
            return bool(first == second)
        return self._printer.text(left, meter) == self._printer.text(right, meter)

    def _numbers(self, left: object, right: object) -> tuple[Any, Any]:
        """Return two values as what can be compared, or nothing for what cannot; times are compared as numbers are."""
        if is_exact(left, right):
            pair = exact_pair(*((numeric(left), numeric(right)) if self._converts else (left, right)))
            return pair or (None, None)
        if type(left) is Moment and type(right) is Moment:
            return left.at, right.at
        if not (is_number(left) or is_number(right)):
            return None, None
        if self._converts:
            return exact_pair(numeric(left), numeric(right)) or (None, None)
        return (left if is_number(left) else None), (right if is_number(right) else None)

    def less(self, left: object, right: object) -> bool:
        """Tell whether a number is less than another; anything else is not."""
        first, second = self._numbers(left, right)
        return first is not None and second is not None and first < second

    def at_most(self, left: object, right: object) -> bool:
        """Tell whether a number is at most another; anything else is not."""
        first, second = self._numbers(left, right)
        return first is not None and second is not None and first <= second


def same(left: object, right: object, meter: Meter, depth: int = 0) -> bool:
    """Compare as Java's `equals`: 1, 1.0, '1' and true are four different values."""
    if left is right:
        return True
    if type(left) is not type(right) and not (is_list(left) and is_list(right)):
        return False
    if depth > DEPTH:
        exceeded("lists and maps inside each other", DEPTH)
    if is_list(left) and is_list(right):
        meter.spend(1 + len(left))
        return len(left) == len(right) and all(same(a, b, meter, depth + 1) for a, b in zip(left, right, strict=True))
    if type(left) is dict and type(right) is dict:
        meter.spend(1 + len(left))
        return len(left) == len(right) and all(
            k in right and same(v, right[k], meter, depth + 1) for k, v in left.items()
        )
    return left == right
