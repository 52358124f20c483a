"""`hashCode()` of the Java types."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import exceeded, fail
from promo_campaigns.velocity.values.values import DEPTH, Entry, is_list, unwrapped

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter

MASK = (1 << 32) - 1
SIGN = 1 << 31
TRUE, FALSE = 1231, 1237


def signed(value: int) -> int:
    """Return the low 32 bits of a number as Java's int."""
    return ((value + SIGN) & MASK) - SIGN


def java_hash(meter: Meter, value: object, depth: int = 0) -> int:
    """Return what `hashCode()` gives."""
    if depth > DEPTH:
        exceeded("lists and maps inside each other", DEPTH)
    if value is None or type(value) is bool:
        return {None: 0, True: TRUE, False: FALSE}[value]
    if type(value) is str:
        meter.read(16 * len(value))
        return signed(_folded(value))
    if type(value) is int:
        return signed(value ^ (value >> 32)) if not -SIGN <= value < SIGN else value
    if type(value) is float:
        bits = int.from_bytes(struct.pack(">d", value), "big")
        return signed(bits ^ (bits >> 32))
    return _of_container(meter, value, depth)


def _folded(text: str) -> int:
    found = 0
    data = text.encode("utf-16-be", "surrogatepass")
    for position in range(0, len(data), 2):
        found = (31 * found + (data[position] << 8) + data[position + 1]) & MASK
    return found


def _of_container(meter: Meter, value: object, depth: int) -> int:
    meter.spend(8)
    if is_list(value):
        found = 1
        for item in value:
            found = (31 * found + java_hash(meter, item, depth + 1)) & MASK
        return signed(found)
    if type(value) is dict:
        return signed(sum(java_hash(meter, Entry(unwrapped(k), v), depth + 1) for k, v in value.items()))
    if type(value) is Entry:
        return signed(java_hash(meter, value.key, depth + 1) ^ java_hash(meter, value.value, depth + 1))
    return fail("this value has no hashCode() here")
