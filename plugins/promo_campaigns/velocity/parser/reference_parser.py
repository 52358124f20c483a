"""References: `$name`, `$!{data.get('x')[0].y|'other'}`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from promo_campaigns.velocity.parser.scanner import Scanner
from promo_campaigns.velocity.parser.tree import Call, Index, Property, Reference

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Node, Step


STEP_WEIGHT = 2
"""A step of a path makes more code than any other part, so that long paths are what is dearest to compile."""


class ReferenceParser(Scanner, ABC):
    """Reads a reference at the current position."""

    @abstractmethod
    def expression(self) -> Node:
        """Read an expression."""

    @abstractmethod
    def argument(self) -> Node:
        """Read one argument of a call, or an element of a list."""

    def reference(self, backslashes: int = 0, dollars: int = 0) -> Reference | None:
        """Read a reference, or leave the position alone and return nothing if there is none.

        Only what follows a whole name can be wrong; a `$` without a name is text.
        """
        start = self.pos
        self.pos += 1
        quiet = self.take("!")
        braces = self.take("{")
        root = self.identifier()
        if not root:
            self.pos = start
            return None
        at = self.offset(start, 2)
        self.enter()
        steps = self._steps(strict=braces)
        alternative = self._closing(start) if braces else None
        self.leave()
        source = self.text[start : self.pos]
        return Reference(at, source, root, steps, quiet, backslashes, dollars, alternative)

    def _closing(self, start: int) -> Node | None:
        alternative = None
        if self.dialect.alternatives and self.take("|"):
            self.space()
            alternative = self.expression()
            self.space()
        if not self.take("}"):
            self.fail("'}' expected at the end of the reference", at=start, hint="Write ${name} or $name")
        return alternative

    def _steps(self, *, strict: bool) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            at = self.pos
            if self.peek() == "[":
                steps.append(self._index())
                continue
            if not self.take("."):
                return tuple(steps)
            name = self._property_name()
            if not name:
                self.pos = at
                if strict:
                    self.fail("a name is expected after '.'", at=at + 1)
                return tuple(steps)
            offset = self.offset(at, weight=STEP_WEIGHT)
            steps.append(Call(offset, name, self.arguments()) if self._opens_call() else Property(offset, name))

    def _property_name(self) -> str:
        first = self.peek()
        return "" if first == "_" and first not in self.dialect.property_start else self.identifier()

    def _opens_call(self) -> bool:
        """Tell whether arguments come next; a bracket that ends the text opens nothing."""
        return self.peek() == "(" and self.pos + 1 < len(self.text)

    def _index(self) -> Index:
        at = self.offset()
        self.pos += 1
        self.space()
        key = self.argument()
        self.space()
        self.expect("]", "at the end of the index", hint="To print a bracket after a reference, write ${name}[")
        return Index(at, key)

    def arguments(self) -> tuple[Node, ...]:
        """Read `(a, b)`."""
        start = self.pos
        self.pos += 1
        self.enter()
        found: list[Node] = []
        if self.take(")"):
            self.leave()
            return ()
        self.space()
        while not (found and self.take(")")):
            if found:
                self.expect(",", "between arguments")
                self.space()
            if not self.peek():
                self.fail("the '(' is never closed", at=start)
            found.append(self.argument())
            self.space()
        self.leave()
        return tuple(found)
