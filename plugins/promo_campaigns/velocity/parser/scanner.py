"""Reading a template character by character: the part every parser stands on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.model.errors import LimitExceededError, TemplateSyntaxError
from promo_campaigns.velocity.fault import LIMIT_HINT
from promo_campaigns.velocity.place import error_at

if TYPE_CHECKING:
    from promo_campaigns.velocity.dialect import Dialect
    from promo_campaigns.velocity.limits import Limits

DOLLAR = r"\$!?(?![A-Za-z_{!$\\])"
SPACE = re.compile(rf"(?:[ \t\r\n]|{DOLLAR})*")
WIDE_SPACE = re.compile(rf"(?:[ \t\r\n]|{DOLLAR}|#(?![A-Za-z0-9_@{{#*\[]))*")


class Tally:
    """What the parsers of one template and of its strings share: nodes made, constructs open, names of its macros.

    :ivar defined: the names of the macros that are complete so far
    """

    __slots__ = ("defined", "loops", "macros", "nodes", "open")

    def __init__(self, macros: frozenset[str] = frozenset()) -> None:
        self.macros = macros
        self.defined: set[str] = set()
        self.nodes = 0
        self.open = 0
        self.loops = 0


class Scanner:
    """A position in a text.

    :param text: what is read
    :param whole: the template it is part of, for error messages
    :param base: offset of the text in the template
    """

    def __init__(  # noqa: PLR0913  (all of it is the state of one reading)
        self, text: str, dialect: Dialect, limits: Limits, *, whole: str, base: int = 0, tally: Tally | None = None
    ) -> None:
        self.text = text
        self.dialect = dialect
        self.limits = limits
        self.whole = whole
        self.base = base
        self.tally = tally or Tally()
        self.pos = 0

    def fail(self, problem: str, *, at: int | None = None, hint: str = "") -> NoReturn:
        """Raise `TemplateSyntaxError` for a position of this text, by default the current one."""
        offset = self.base + (self.pos if at is None else at)
        raise error_at(TemplateSyntaxError, self.whole, offset, problem, hint)

    def refuse(self, problem: str, *, at: int | None = None) -> NoReturn:
        """Raise `LimitExceededError` for a position of this text."""
        raise error_at(
            LimitExceededError, self.whole, self.base + (self.pos if at is None else at), problem, LIMIT_HINT
        )

    def offset(self, position: int | None = None, weight: int = 1) -> int:
        """Return the template offset of a position, by default the current one, and count a node there.

        :param weight: how many nodes it counts as, by the work it makes to compile
        """
        self.tally.nodes += weight
        if self.tally.nodes > self.limits.nodes:
            self.refuse(f"the template has more than {self.limits.nodes} parts")
        return self.base + (self.pos if position is None else position)

    def enter(self) -> None:
        """Note that one more construct is open."""
        self.tally.open += 1
        if self.tally.open > self.limits.nesting:
            self.refuse(f"nested more than {self.limits.nesting} deep")

    def leave(self) -> None:
        """Note that a construct is closed."""
        self.tally.open -= 1

    def peek(self, ahead: int = 0) -> str:
        """Return the character at the position, or an empty string at the end."""
        index = self.pos + ahead
        return self.text[index] if index < len(self.text) else ""

    def take(self, token: str) -> bool:
        """Step over a token if it comes next."""
        if self.text.startswith(token, self.pos):
            self.pos += len(token)
            return True
        return False

    def expect(self, token: str, what: str, *, hint: str = "") -> None:
        """Step over a token that must come next."""
        if not self.take(token):
            self.fail(f"{token!r} expected {what}", hint=hint)

    def space(self) -> None:
        """Step over white space, line ends included, and over the `$` and `#` in it that start nothing."""
        match = (WIDE_SPACE if self.dialect.whole_lines else SPACE).match(self.text, self.pos)
        if match:
            self.pos = match.end()

    def identifier(self) -> str:
        """Step over a name and return it, or return an empty string."""
        match = self.dialect.identifier.match(self.text, self.pos)
        if not match:
            return ""
        self.pos = match.end()
        return match.group()
