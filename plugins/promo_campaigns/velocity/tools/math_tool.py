"""`$math` and `$mathTool`: calculation with numbers, and with texts that spell one."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import exceeded, fail
from promo_campaigns.velocity.values.arguments import Method
from promo_campaigns.velocity.values.arithmetic import is_number, numeric
from promo_campaigns.velocity.values.exact import places_of, rounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.values.meter import Meter

MOST_DIGITS = 100
_PLACES = 15


class MathTool:
    """The tool."""

    __slots__ = ()


def decimal_of(value: object) -> Decimal | None:
    """Return a number, or the one that a text spells, as an exact one; nothing of anything else."""
    if type(value) is str:
        value = numeric(value.strip())
    if type(value) is not Decimal and not is_number(value):
        return None
    number = value if type(value) is Decimal else Decimal(repr(value))
    if not number.is_finite():
        fail("an infinite number cannot be calculated with")
    return number


def _number(value: Decimal, given: tuple[object, ...]) -> object:
    """Return a result as the kind of number that went in: exact, else whole where it is, else a double."""
    if abs(value.adjusted()) > MOST_DIGITS and value:
        exceeded("digits of a number", MOST_DIGITS)
    if any(type(one) is Decimal for one in given):
        return value
    if any(type(one) is float for one in given) or value != value.to_integral_value():
        return float(value)
    return int(value)


def _folding(calculate: Callable[[Decimal, Decimal], Decimal | None]) -> tuple[Method, ...]:
    def run(_meter: Meter, _tool: MathTool, first: object, *rest: object) -> object:
        found = decimal_of(first)
        for one in rest:
            other = decimal_of(one)
            if found is None or other is None:
                return None
            try:
                found = calculate(found, other)
            except ArithmeticError:
                fail("a number is too large to calculate with")
        return None if found is None else _number(found, (first, *rest))

    return (Method("oo*", run),)


def _one(calculate: Callable[[Decimal], object]) -> tuple[Method, ...]:
    def run(_meter: Meter, _tool: MathTool, value: object) -> object:
        number = decimal_of(value)
        return None if number is None else calculate(number)

    return (Method("o", run),)


def _quotient(left: Decimal, right: Decimal) -> Decimal | None:
    if not right:
        return None
    exact = left / right
    places = max(places_of(left), places_of(right), 2)
    return exact if places_of(exact) <= _PLACES else rounded(exact, max(places, _PLACES))


def _power(left: Decimal, right: Decimal) -> Decimal | None:
    if abs(right) > MOST_DIGITS or (not left and right < 0) or (left < 0 and right != right.to_integral_value()):
        return None
    return left**right


def _round_to(_meter: Meter, _tool: MathTool, places: object, value: object) -> object:
    number, wanted = decimal_of(value), decimal_of(places)
    if number is None or wanted is None:
        return None
    found = rounded(number, int(wanted))
    return found if type(value) is Decimal else float(found)


def _of_all(meter: Meter, items: object, *, shared: bool) -> object:
    if type(items) is not list or not items:
        return None
    meter.spend(len(items))
    numbers = [decimal_of(item) for item in items]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return None
    total = sum(known, Decimal(0))
    found = _quotient(total, Decimal(len(known))) if shared else total
    return None if found is None else _number(found, tuple(items))


METHODS: dict[str, tuple[Method, ...]] = {
    "add": _folding(lambda left, right: left + right),
    "sub": _folding(lambda left, right: left - right),
    "mul": _folding(lambda left, right: left * right),
    "div": _folding(_quotient),
    "mod": _folding(lambda left, right: left % right if right else None),
    "idiv": _folding(lambda left, right: left // right if right else None),
    "pow": _folding(_power),
    "max": _folding(max),
    "min": _folding(min),
    "abs": (
        Method("o", lambda _m, _t, value: None if (n := decimal_of(value)) is None else _number(abs(n), (value,))),
    ),
    "ceil": _one(lambda number: int(number.to_integral_value(ROUND_CEILING))),
    "floor": _one(lambda number: int(number.to_integral_value(ROUND_FLOOR))),
    "round": _one(lambda number: int(rounded(number, 0))),
    "roundTo": (Method("oo", _round_to),),
    "toInteger": _one(int),
    "toDouble": _one(float),
    "toNumber": (
        Method("o", lambda _m, _t, value: None if (n := decimal_of(value)) is None else _number(n, (value,))),
    ),
    "getTotal": (Method("o", lambda meter, _t, items: _of_all(meter, items, shared=False)),),
    "getAverage": (Method("o", lambda meter, _t, items: _of_all(meter, items, shared=True)),),
}
METHODS["total"], METHODS["average"] = METHODS["getTotal"], METHODS["getAverage"]
