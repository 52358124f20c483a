"""The budget of one render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from promo_campaigns.velocity.fault import exceeded

if TYPE_CHECKING:
    from promo_campaigns.velocity.limits import Limits

CHARACTERS_A_STEP = 64


class Texts(Protocol):
    """Turns values into text, as far as a meter needs it."""

    def text(self, value: object, meter: Meter) -> str:
        """Return the text of a value."""


class Meter:
    """Counts the steps and open macro calls of one render.

    :param limits: what the template may ask for
    :param printer: turns values into text
    """

    __slots__ = ("_printer", "depth", "limits", "steps")

    def __init__(self, limits: Limits, printer: Texts) -> None:
        self.limits = limits
        self._printer = printer
        self.steps = limits.steps
        self.depth = 0

    def spend(self, steps: int) -> None:
        """Take steps from the budget."""
        self.steps -= steps
        if self.steps < 0:
            exceeded("steps of a render", self.limits.steps)

    def read(self, characters: int) -> None:
        """Take the work of walking over so many characters or elements."""
        self.spend(1 + characters // CHARACTERS_A_STEP)

    def enter(self, weight: int) -> None:
        """Open a macro call that costs so many steps."""
        self.spend(weight)
        self.depth += 1
        if self.depth > self.limits.macro_depth:
            exceeded("macro calls inside each other", self.limits.macro_depth)

    def fits(self, text: str) -> str:
        """Return a text that was built, once its length is known to be allowed and is paid for."""
        size = len(text)
        if size > self.limits.string:
            exceeded("characters of a built text", self.limits.string)
        self.read(size)
        return text

    def room(self, characters: int) -> None:
        """Refuse to build a text or list that would be too long, before it is built."""
        if characters > self.limits.string:
            exceeded("characters of a built text", self.limits.string)
        self.read(characters)

    def held(self, items: int) -> None:
        """Refuse a list or map with too many elements, and pay for the others."""
        if items > self.limits.items:
            exceeded("elements of a list or map", self.limits.items)
        self.spend(1 + items // 8)

    def listed(self, items: list[object]) -> list[object]:
        """Return a list that was made, once its length is known to be allowed and is paid for."""
        self.held(len(items))
        return items

    def text(self, value: object) -> str:
        """Return the text of a value, paid for."""
        return self.fits(self._printer.text(value, self))


class SingleMeter(Meter):
    """Limits each operation on its own and remembers nothing, so that one serves all renders.

    Enough for a template without loops, macros and calculation, which does few operations, each of them once.
    """

    __slots__ = ()

    def spend(self, steps: int) -> None:
        """Refuse an operation that alone would exceed the budget."""
        if steps > self.limits.steps:
            exceeded("steps of a render", self.limits.steps)
