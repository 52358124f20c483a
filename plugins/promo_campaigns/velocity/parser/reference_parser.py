"""References: `$name`, `$!{data.get('x')[0].y|'other'}`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

from promo_campaigns.velocity.parser.scanner import Scanner
from promo_campaigns.velocity.parser.tree import Call, Index, Property, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.velocity.parser.tree import Node, Step


INDEX, CALL, OTHER = "an index", "the arguments of a method", "a value after '|'"
STEP_WEIGHT = 2
"""A step of a path makes more code than any other part, so that long paths are what is dearest to compile."""


class ReferenceParser(Scanner, ABC):
    """Reads a reference at the current position.

    :ivar inside: which part of a reference is being read, if any: not all kinds of expressions can stand in each
    :ivar sets: whether the value of a `#set` is being read, where an index may have a fraction
    """

    inside = ""
    sets = False

    @contextmanager
    def _reading(self, part: str) -> Iterator[None]:
        outer, self.inside = self.inside, part
        yield
        self.inside = outer

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
        braces = self.take("{")
        self.pos += 1
        quiet = self.take("!") and not braces
        # In ${$x} and, right after a reference, in {$x} the engine takes the $ for a part of the name: nothing has it.
        nameless = "$" if braces else ""
        if not braces:
            braces = self.take("{")
            nameless = "$" if braces and self.take("$") else ""
        root = self.identifier()
        if not root:
            self.pos = start
            return None
        if root in ("true", "false") and not self.dialect.literals_hold:
            self.fail("a variable cannot have this name", at=start)
        at = self.offset(start, 2)
        self.enter()
        steps = self._steps(strict=braces)
        alternative = self._closing(start, named=not nameless) if braces else None
        self.leave()
        source = self.text[start : self.pos]
        return Reference(at, source, nameless + root, steps, quiet, backslashes, dollars, alternative)

    def _closing(self, start: int, *, named: bool) -> Node | None:
        alternative = None
        if named and self.dialect.alternatives and self.take("|"):
            self.space()
            with self._reading(OTHER):
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
                if len(steps) > 1 and self._opens_call() and isinstance(_before_indexes(steps), Property):
                    self.fail("a '(' cannot follow here", hint="To print a bracket after a reference, write ${name}(")
                return tuple(steps)
            name = self._property_name()
            if not name:
                self.pos = at
                if strict:
                    self.fail("a name is expected after '.'", at=at + 1)
                return tuple(steps)
            if name in ("true", "false"):
                self.fail("a property cannot have this name", at=at, hint=f"Write .get('{name}')")
            offset = self.offset(at, weight=STEP_WEIGHT)
            steps.append(Call(offset, name, self.arguments()) if self._opens_call() else Property(offset, name))

    def _property_name(self) -> str:
        first = self.peek()
        return "" if first == "_" and first not in self.dialect.property_start else self.identifier()

    def _opens_call(self) -> bool:
        """Tell whether arguments come next; a bracket that ends the text opens nothing, nor does one before a #set."""
        after = self.pos + 1
        return self.peek() == "(" and after < len(self.text) and not self.text.startswith(("#set", "#{set"), after)

    def _index(self) -> Index:
        at = self.offset()
        self.pos += 1
        self.space()
        with self._reading(INDEX):
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
            with self._reading(CALL):
                found.append(self.argument())
            self.space()
        self.leave()
        return tuple(found)


def _before_indexes(steps: list[Step]) -> Step | None:
    """Return the step that the indexes at the end of a path belong to, if there are any."""
    if not isinstance(steps[-1], Index):
        return None
    return next((step for step in reversed(steps) if not isinstance(step, Index)), None)
