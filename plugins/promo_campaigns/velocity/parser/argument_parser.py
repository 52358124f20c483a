"""What stands in the brackets of a directive: arguments without operators, unlike those of a method."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promo_campaigns.velocity.parser.expression_parser import ExpressionParser
from promo_campaigns.velocity.parser.tree import Word

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Node

BARE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BLANKS = re.compile(r"[ \t]*")
WHITE = re.compile(r"[ \t\r\n]*")
OPERATORS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})


class ArgumentParser(ExpressionParser):
    """Reads the arguments of a directive."""

    def open_bracket(self, what: str) -> None:
        """Step over the bracket that opens the arguments of a directive."""
        self.space()
        self.expect("(", f"after {what}", hint=f"Write {what}( ... ), or \\{what} to print the word")
        self.space()

    def close_bracket(self, what: str) -> None:
        """Step over the bracket that closes them."""
        self.space()
        self.expect(")", f"at the end of {what}", hint="An operator has a space on either side, and each ( has its )")

    def arguments_of(self, what: str) -> tuple[Node, ...]:
        """Read the arguments of a directive that cannot be without."""
        self.space()
        if self.peek() != "(":
            self.open_bracket(what)
        return self.directive_arguments()

    def closes(self) -> bool:
        """Step over white space and, if it comes next, the bracket that ends a list of arguments."""
        self.space()
        return self.take(")")

    def separator(self) -> None:
        """Step over the comma that may stand before an argument."""
        if self.take(","):
            self.space()

    def bracket_follows(self) -> bool:
        """Tell whether arguments come next; in 2.x they may stand on another line than the name."""
        blanks = (WHITE if self.dialect.whole_lines else BLANKS).match(self.text, self.pos)
        return blanks is not None and self.text.startswith("(", blanks.end())

    def directive_arguments(self) -> tuple[Node, ...]:
        """Read `(a b, c)`: values without operators, and words, each with at most one comma before it."""
        self.space()
        start = self.pos
        self.pos += 1
        self.enter()
        found: list[Node] = []
        while not self.closes():
            self.separator()
            if not self.peek():
                self.fail("the '(' is never closed", at=start)
            found.append(self._directive_argument())
        self.leave()
        return tuple(found)

    def _directive_argument(self) -> Node:
        word = BARE_WORD.match(self.text, self.pos)
        if not word or word.group() in ("true", "false"):
            return self.element()
        if word.group() in OPERATORS:
            self.fail("an argument of a directive is no calculation", hint="Calculate it with #set first")
        at = self.offset()
        self.pos = word.end()
        return Word(at)

    def at_most_one(self, what: str) -> tuple[Node, ...]:
        """Read the argument of a directive that has one or none."""
        arguments = self.directive_arguments() if self.bracket_follows() else ()
        if len(arguments) > 1:
            self.fail(f"{what} takes one argument at most")
        return arguments
