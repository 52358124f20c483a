"""The values a template meets that Python has no type for, and how any value is printed.

Texts follow `toString` of the Java types: `true`, `1.0E7`, `[a, b]`, `{k=v}`.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn, TypeGuard

from promo_campaigns.model.typed.moment import Moment
from promo_campaigns.velocity.fault import exceeded, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from promo_campaigns.velocity.limits import Limits
    from promo_campaigns.velocity.values.meter import Meter

PLAIN_FROM = 1e-3
PLAIN_BELOW = 1e7
DEPTH = 32


class Entry:
    """A pair of a map."""

    __slots__ = ("key", "value")

    def __init__(self, key: object, value: object) -> None:
        self.key = key
        self.value = value


class Key:
    """A key of a map that Python would take for another one, or for none: a fraction, a boolean, a list, a map.

    :param kind: the Python type of the value
    :param text: its text, which keys are told apart by
    """

    __slots__ = ("kind", "text", "value")

    def __init__(self, value: object, text: str) -> None:
        self.value = value
        self.kind = type(value)
        self.text = text

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return type(other) is Key and self.kind is other.kind and self.text == other.text


def unwrapped(key: object) -> object:
    """Return a key as a template sees it."""
    return key.value if type(key) is Key else key


class Bag:
    """The keys, values or entries of a map: can be walked and counted, not indexed."""

    __slots__ = ("items",)

    def __init__(self, items: list[object]) -> None:
        self.items = items


class Span(list[object]):
    """A range of 2.x: a list that a template can read, not change."""

    __slots__ = ()


def is_list(value: object) -> TypeGuard[list[object]]:
    """Tell whether a value is a list, a range included."""
    return type(value) is list or type(value) is Span


class Encoded:
    """Text that a template has encoded itself with a tool; where it stands like that already it is not encoded again.

    :ivar text: the text
    :ivar form: what it was encoded for: `html`, `xml` or `url`
    """

    __slots__ = ("form", "text")

    def __init__(self, text: str, form: str) -> None:
        self.text = text
        self.form = form


class LoopState:
    """`$foreach`: where a loop is.

    :ivar held: what the template has set on it
    """

    __slots__ = ("held", "index", "parent", "total")

    def __init__(self, total: int, parent: object) -> None:
        self.index = -1
        self.total = total
        self.parent = parent
        self.held: dict[object, object] = {}

    def read(self, name: str) -> object:
        """Return what the template has set on it, or on a loop around it."""
        state: object = self
        while isinstance(state, LoopState) and name not in state.held:
            state = state.parent
        return state.held[name] if isinstance(state, LoopState) else None

    def __bool__(self) -> bool:
        """Tell whether 2.x takes it for true: like a map, it is when something was set on it."""
        return bool(self.held)


class Rendered:
    """A `#define` block or the content of a block macro: rendered each time it is printed.

    :param body: renders it
    :param depth: how often it may stand inside itself; deeper it has no text
    """

    __slots__ = ("_body", "_depth")

    def __init__(self, body: Callable[[], str], depth: int) -> None:
        self._body = body
        self._depth = depth

    def render(self) -> str | None:
        """Return its text, or nothing where it stands inside itself too often."""
        if not self._depth:
            return None
        self._depth -= 1
        text = self._body()
        self._depth += 1
        return text


class Stopped(Exception):  # noqa: N818  (a signal, never an error)
    """A `#stop` inside a function: ends all that called it.

    :param text: what the functions it has left had printed
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def double_text(value: float) -> str:
    """Return the text of a double as Java's `Double.toString` gives it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or PLAIN_FROM <= abs(value) < PLAIN_BELOW:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    return f"{'-' * sign}{text[0]}.{text[1:] or '0'}E{int(exponent) + len(text) - 1}"


class Printer:
    """Turns values into text, within the limits of a template."""

    __slots__ = ("_digits", "_items", "_string")

    def __init__(self, limits: Limits) -> None:
        self._string = limits.string
        self._items = limits.items
        self._digits = limits.digits

    def show(self, value: object, missing: str, meter: Meter) -> str:
        """Return the text of a value, or `missing` where there is none."""
        if type(value) is Rendered:
            text = value.render()
            return missing if text is None else text
        return missing if value is None else self.text(value, meter)

    def text(self, value: object, meter: Meter) -> str:
        """Return the text of a value; of nothing it is `null`.

        :raises Fault: the value is of a type templates do not know, or its text is too long
        """
        kind = type(value)
        if kind is str:
            return value  # type: ignore[return-value]  # the exact type was just compared
        simple = self.scalar(value)
        if simple is not None:
            return simple
        if type(value) is Rendered:
            return value.render() or ""
        if type(value) is Moment or type(value) is Encoded:
            return value.text
        found: list[str] = []
        self._collect(value, found, 0, 0)
        meter.spend(len(found) // 2)
        return "".join(found)

    def scalar(self, value: object) -> str | None:
        """Return the text of nothing, a boolean or a number; nothing for any other value."""
        if value is None:
            return "null"
        if value is True or value is False:
            return "true" if value else "false"
        kind = type(value)
        if kind is int:
            return self.whole(value)  # type: ignore[arg-type]  # the exact type was just compared
        if kind is float:
            return double_text(value)  # type: ignore[arg-type]  # the exact type was just compared
        if kind is Decimal:
            return format(value, "f")
        return None

    def whole(self, value: int) -> str:
        """Return the digits of a whole number."""
        if value.bit_length() > self._digits * 3.33:
            exceeded("digits of a number", self._digits)
        return str(value)

    def _collect(self, value: object, found: list[str], size: int, depth: int) -> int:
        if depth > DEPTH:
            exceeded("lists and maps inside each other", DEPTH)
        if type(value) is LoopState:
            value = value.held
        if type(value) is dict:
            return self._joined(
                "{}", (Entry(unwrapped(key), held) for key, held in value.items()), found, size=size, depth=depth
            )
        if is_list(value):
            return self._joined("[]", value, found, size=size, depth=depth)
        if type(value) is Bag:
            return self._joined("[]", value.items, found, size=size, depth=depth)
        if type(value) is Entry:
            size = self._collect(value.key, found, size, depth + 1)
            found.append("=")
            return self._collect(value.value, found, size + 1, depth + 1)
        return self._leaf(value, found, size)

    def _leaf(self, value: object, found: list[str], size: int) -> int:
        text = value if type(value) is str else self.scalar(value)
        if type(value) is Moment or type(value) is Encoded:
            text = value.text
        if text is None:
            if type(value) is not Rendered:
                unknown(value)
            text = value.render() or ""
        size += len(text)
        if size > self._string:
            exceeded("characters of a printed list or map", self._string)
        found.append(text)
        return size

    def _joined(self, marks: str, items: Iterable[object], found: list[str], *, size: int, depth: int) -> int:
        found.append(marks[0])
        first = True
        for item in items:
            if not first:
                found.append(", ")
            first = False
            size += 2
            size = self._collect(item, found, size, depth + 1)
        found.append(marks[1])
        return size + 2


def unknown(value: object) -> NoReturn:
    """Raise the fault of a value whose type templates do not know; names the type, never the value."""
    fail(
        f"a value of type {type(value).__name__} cannot be used in a template",
        "Give str, int, float, Decimal, bool, None, Moment, dict or list",
    )
