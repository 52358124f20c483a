"""Methods of numbers and booleans, as `Integer`, `Long`, `Double` and `Boolean` have them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.values.arguments import INT_TEXT, Method
from promo_campaigns.velocity.values.arithmetic import INT_MOST, LONG_MOST, truncated
from promo_campaigns.velocity.values.exact import exact_pair, plain, rounded
from promo_campaigns.velocity.values.hashes import java_hash, signed

if TYPE_CHECKING:
    from decimal import Decimal

    from promo_campaigns.velocity.values.meter import Meter

DOUBLE_TEXT = re.compile(r"[+-]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:[eE][+-]?\d{1,4})?[dDfF]?", re.ASCII)


def parse_int(_meter: Meter, _number: object, text: str) -> int:
    """`parseInt(text)` and `valueOf(text)`."""
    if not INT_TEXT.fullmatch(text) or abs(int(text)) > INT_MOST:
        fail("a text is no whole number")
    return int(text)


def parse_double(_meter: Meter, _number: object, text: str) -> float:
    """`parseDouble(text)` and `valueOf(text)`."""
    if not DOUBLE_TEXT.fullmatch(text.strip()):
        fail("a text is no number")
    return float(text.strip().rstrip("dDfF"))


def _float_value(_meter: Meter, value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _compare(_meter: Meter, _number: object, left: float, right: float) -> int:
    return (left > right) - (left < right)


def _same_kind(_meter: Meter, number: object, other: object) -> bool:
    return type(number) is type(other) and number == other


def _compare_to(meter: Meter, number: float, other: object) -> int:
    if type(number) is not type(other):
        fail("two values of different types cannot be compared")
    return _compare(meter, number, number, other)


def _compare_exact(_meter: Meter, value: Decimal, other: object) -> int:
    pair = exact_pair(value, other)
    if pair is None:
        fail("two values of different types cannot be compared")
    return int(pair[0] > pair[1]) - int(pair[0] < pair[1])


_SHARED: dict[str, tuple[Method, ...]] = {
    "intValue": (Method("", lambda _meter, value: truncated(value, INT_MOST)),),
    "longValue": (Method("", lambda _meter, value: truncated(value, LONG_MOST)),),
    "doubleValue": (Method("", _float_value),),
    "floatValue": (Method("", _float_value),),
    "hashCode": (Method("", java_hash),),
    "equals": (Method("o", _same_kind),),
    "compareTo": (Method("o", _compare_to),),
    "compare": (Method("nn", _compare),),
    "max": (Method("nn", lambda _meter, _number, left, right: max(left, right)),),
    "min": (Method("nn", lambda _meter, _number, left, right: min(left, right)),),
    "sum": (Method("nn", lambda _meter, _number, left, right: left + right),),
    "toString": (Method("", lambda meter, value: meter.text(value)), Method("n", lambda meter, _n, v: meter.text(v))),
}
WHOLE_METHODS: dict[str, tuple[Method, ...]] = _SHARED | {
    "parseInt": (Method("s", parse_int),),
    "valueOf": (Method("s", parse_int), Method("i", lambda _meter, _number, value: value)),
    "signum": (Method("i", lambda _meter, _number, value: (value > 0) - (value < 0)),),
    "toHexString": (Method("i", lambda _meter, _number, value: format(value % (1 << 32), "x")),),
    "toBinaryString": (Method("i", lambda _meter, _number, value: format(value % (1 << 32), "b")),),
    "toOctalString": (Method("i", lambda _meter, _number, value: format(value % (1 << 32), "o")),),
    "reverse": (Method("i", lambda _meter, _number, value: signed(int(format(value % (1 << 32), "032b")[::-1], 2))),),
}
DOUBLE_METHODS: dict[str, tuple[Method, ...]] = _SHARED | {
    "isNaN": (Method("", lambda _meter, value: math.isnan(value)),),
    "isInfinite": (Method("", lambda _meter, value: math.isinf(value)),),
    "parseDouble": (Method("s", parse_double),),
    "valueOf": (Method("s", parse_double), Method("n", lambda _meter, _number, value: float(value))),
}
BOOLEAN_METHODS: dict[str, tuple[Method, ...]] = {
    "booleanValue": (Method("", lambda _meter, value: value),),
    "toString": (Method("", lambda meter, value: meter.text(value)),),
    "equals": (Method("o", _same_kind),),
    "hashCode": (Method("", java_hash),),
    "compareTo": (Method("b", lambda _meter, value, other: value - other),),
    "parseBoolean": (Method("s", lambda _meter, _value, text: text.lower() == "true"),),
    "valueOf": (Method("s", lambda _meter, _value, text: text.lower() == "true"),),
    "logicalAnd": (Method("bb", lambda _meter, _value, left, right: left and right),),
    "logicalOr": (Method("bb", lambda _meter, _value, left, right: left or right),),
    "logicalXor": (Method("bb", lambda _meter, _value, left, right: left != right),),
}
EXACT_METHODS: dict[str, tuple[Method, ...]] = {
    "intValue": (Method("", lambda _meter, value: int(value)),),
    "longValue": (Method("", lambda _meter, value: int(value)),),
    "doubleValue": (Method("", lambda _meter, value: float(value)),),
    "floatValue": (Method("", lambda _meter, value: float(value)),),
    "setScale": (Method("i", lambda _meter, value, places: rounded(value, places)),),
    "abs": (Method("", lambda _meter, value: abs(value)),),
    "negate": (Method("", lambda _meter, value: -value),),
    "equals": (Method("o", lambda _meter, value, other: type(other) is type(value) and value == other),),
    "compareTo": (Method("o", _compare_exact),),
    "toString": (Method("", lambda _meter, value: plain(value)),),
    "toPlainString": (Method("", lambda _meter, value: plain(value)),),
}
