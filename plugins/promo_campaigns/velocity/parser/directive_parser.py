"""Directives: `#set`, `#if`, `#foreach`, `#macro` and their kin."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from promo_campaigns.velocity.parser.expression_parser import ExpressionParser
from promo_campaigns.velocity.parser.tree import (
    Assign,
    Break,
    Choice,
    Define,
    Loop,
    Macro,
    MacroCall,
    Parameter,
    Stop,
    Text,
    Word,
)

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Block, Node

WORD = re.compile(r"#(@?)(?:\{(@?)([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
BARE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
GLUED_END = re.compile(r"#end[A-Za-z0-9_]{1,20}")
BLANKS = re.compile(r"[ \t]*")
LINE = re.compile(r"[^\r\n]*")
LINE_END = re.compile(r"[ \t]*(?:\r\n|\n|\r)")
REFUSED = {
    "include": "#include reads files",
    "parse": "#parse reads files",
    "evaluate": "#evaluate runs values as templates",
}


class Opening(NamedTuple):
    """Where a directive starts, and how its line goes on.

    :param cut: where the text before it ends: its own start, or the start of its line if it takes its indentation
    :param fresh: whether it is the first thing of its line, so that it takes the line end after it
    """

    start: int
    cut: int
    fresh: bool


class Found(NamedTuple):
    """A directive and where the text before it ends."""

    node: Node
    cut: int


class Closed(NamedTuple):
    """A block, the directive that ended it (`end`, `else`, `elseif`; empty at the end of the text) and its offset."""

    body: Block
    by: str
    at: int


class DirectiveParser(ExpressionParser):
    """Reads one directive at a `#`."""

    fresh_from = else_from = -1

    @abstractmethod
    def block(self) -> Closed:
        """Read nodes up to the directive that ends the block, and that directive."""

    def word(self) -> tuple[str, int, bool]:
        """Return the name after a `#` here (or nothing), where it ends, and whether an `@` stands before it."""
        match = WORD.match(self.text, self.pos)
        if not match:
            return "", self.pos, False
        name = match.group(3) or match.group(4)
        return name, match.end(), bool(match.group(1) or match.group(2))

    def directive(self, shown: int) -> Found | None:
        """Read a directive, or leave the position alone and return nothing if the `#` is text.

        :param shown: where the text before it starts
        """
        start = self.pos
        name, end, block_call = self.word()
        if not name:
            return None
        if name in REFUSED and not block_call:
            self.fail(f"{REFUSED[name]} and is not allowed", hint="Write the content into this template")
        opening = self.opening(start)
        self.pos = end
        if block_call:
            found = self._block_call(name, opening)
        elif name == "set":
            found = self._set(opening, shown)
        else:
            found = self._named(name, opening)
        if found is None:
            self.pos = start
        return found

    def _named(self, name: str, opening: Opening) -> Found | None:
        readers = {
            "if": self._if,
            "foreach": self._foreach,
            "macro": self._macro,
            "define": self._define,
            "break": self._break,
            "stop": self._stop,
        }
        reader = readers.get(name)
        return reader(opening) if reader else self._macro_call(name, opening)

    def opening(self, start: int) -> Opening:
        """Return how the line of a directive goes on: 2.x takes the indentation of one that is first on its line."""
        if not self.dialect.whole_lines:
            return Opening(start, start, fresh=True)
        line = start
        while line and self.text[line - 1] in " \t":
            line -= 1
        fresh = line in (0, self.fresh_from) or self.text[line - 1] in "\r\n"
        return Opening(start, line if fresh else start, fresh)

    def end_line(self, opening: Opening | None = None) -> None:
        """Step over blanks and a line end, if they come next; after a directive, only if it is first on its line."""
        match = LINE_END.match(self.text, self.pos)
        if match and (opening is None or opening.fresh):
            self.pos = match.end()

    def _open_bracket(self, what: str) -> None:
        self.space()
        self.expect("(", f"after {what}", hint=f"Write {what}( ... ), or \\{what} to print the word")
        self.space()

    def _close_bracket(self, what: str) -> None:
        self.space()
        self.expect(")", f"at the end of {what}", hint="An operator has a space on either side, and each ( has its )")

    def _set(self, opening: Opening, shown: int) -> Found | None:
        at = self.offset(opening.start)
        blanks = BLANKS.match(self.text, self.pos)
        if not blanks or not self.text.startswith("(", blanks.end()):
            return None
        self._open_bracket("#set")
        target = self.reference() if self.peek() == "$" else None
        if target is None:
            self.fail("#set needs a $variable to set", hint="#set($name = value)")
        self.space()
        self.expect("=", "after the variable of #set")
        self.space()
        value = self.expression()
        self._close_bracket("#set")
        self.end_line(opening)
        # 1.7 takes the blanks before a #set if nothing but blanks stands between it and what came before.
        alone = not self.dialect.whole_lines and not self.text[shown : opening.start].strip(" \t")
        return Found(Assign(at, target, value), shown if alone else opening.cut)

    def _if(self, opening: Opening) -> Found:
        at = self.offset(opening.start)
        self.enter()
        branches: list[tuple[Node, Block]] = []
        condition = self._condition("#if")
        closed = self._arm(opening)
        branches.append((condition, closed.body))
        while closed.by == "elseif":
            condition = self._condition("#elseif")
            closed = self._arm(opening)
            branches.append((condition, closed.body))
        otherwise = None
        if closed.by == "else":
            self.else_from = self.pos  # blanks between #else and #end are printed, those between #if and #end are not
            closed = self._arm(opening)
            otherwise = closed.body
        self._must_end(closed, opening, "#if")
        self.leave()
        return Found(Choice(at, tuple(branches), otherwise), opening.cut)

    def _arm(self, opening: Opening) -> Closed:
        """Read a branch; a directive that starts it is first on its line if its `#if` was."""
        if opening.fresh and self.dialect.whole_lines:
            self.fresh_from = self.pos
        self.end_line()
        return self.block()

    def _must_end(self, closed: Closed, opening: Opening, what: str) -> None:
        if not closed.by:
            glued = GLUED_END.search(self.text, opening.start)
            hint = (
                f"{glued.group()!r} is another word: write #{{end}} before a letter" if glued else "Close it with #end"
            )
            self.fail(f"the {what} is never closed", at=opening.start, hint=hint)
        if closed.by != "end":
            self.fail(f"#{closed.by} has no place here", at=closed.at)
        self.end_line(opening)

    def _condition(self, what: str) -> Node:
        self._open_bracket(what)
        found = self.expression()
        self._close_bracket(what)
        return found

    def _foreach(self, opening: Opening) -> Found:
        at = self.offset(opening.start, 4)
        self.enter()
        self.tally.loops += 1
        if self.tally.loops > self.limits.loops:
            self.refuse(f"more than {self.limits.loops} #foreach inside each other", at=opening.start)
        self._open_bracket("#foreach")
        variable = self._variable("#foreach")
        self.space()
        at_word = self.pos
        if self.identifier() != "in":
            self.fail("'in' expected in #foreach", at=at_word, hint="#foreach($item in $items)")
        self.space()
        source = self.expression()
        self._close_bracket("#foreach")
        self.end_line()
        closed = self.block()
        body, otherwise = closed.body, None
        self.tally.loops -= 1
        if closed.by == "else" and self.dialect.alternatives:
            self.end_line()
            closed = self.block()
            otherwise = closed.body
        self._must_end(closed, opening, "#foreach")
        self.leave()
        return Found(Loop(at, variable, source, body, otherwise), opening.cut)

    def _variable(self, what: str) -> str:
        reference = self.reference() if self.peek() == "$" else None
        if reference is None:
            self.fail(f"{what} needs a $variable")
        return reference.root

    def _body(self, opening: Opening, what: str) -> Block:
        self.enter()
        self.end_line()
        closed = self.block()
        self._must_end(closed, opening, what)
        self.leave()
        return closed.body

    def _macro(self, opening: Opening) -> Found:
        at = self.offset(opening.start)
        self._open_bracket("#macro")
        word = BARE_WORD.match(self.text, self.pos)
        if not word:
            self.fail("#macro needs a name", hint="#macro(name $parameter)")
        self.pos = word.end()
        parameters: list[Parameter] = []
        self._comma(comments=True)
        while self.peek() == "$":
            parameters.append(self._parameter())
            self._comma(comments=True)
        self._close_bracket("#macro")
        return Found(Macro(at, word.group(), tuple(parameters), self._body(opening, "#macro")), opening.cut)

    def _comma(self, *, comments: bool = False) -> None:
        self.space()
        if self.take(","):
            self.space()
        while comments and self.dialect.whole_lines and self.text.startswith("##", self.pos):
            rest = LINE.match(self.text, self.pos)
            self.pos = rest.end() if rest else self.pos
            self.space()

    def _parameter(self) -> Parameter:
        at = self.offset()
        name = self._variable("#macro")
        before = self.pos
        self.space()
        if not (self.dialect.alternatives and self.take("=")):
            self.pos = before
            return Parameter(at, name, None)
        self.space()
        return Parameter(at, name, self.primary())

    def _macro_call(self, name: str, opening: Opening) -> Found | None:
        known = name in self.tally.macros
        blanks = BLANKS.match(self.text, self.pos)
        bracket = blanks is not None and self.text.startswith("(", blanks.end())
        if not (known or bracket):
            return None
        at = self.offset(opening.start)
        arguments = self._macro_arguments() if bracket else ()
        source = self.text[opening.start : self.pos]
        if not known:
            return Found(Text(at, source), opening.start)
        if bracket or self.dialect.whole_lines:
            self.end_line(opening)
        return Found(MacroCall(at, name, arguments, source), opening.cut)

    def _block_call(self, name: str, opening: Opening) -> Found | None:
        blanks = BLANKS.match(self.text, self.pos)
        bracket = blanks is not None and self.text.startswith("(", blanks.end())
        if not (bracket or self.dialect.whole_lines):
            return None
        at = self.offset(opening.start)
        arguments = self._macro_arguments() if bracket else ()
        known = name in self.tally.macros
        head = self.text[opening.start : self.pos]
        body = self._body(opening, f"#@{name}")
        return Found(MacroCall(at, name, arguments, head, body), opening.cut if known else opening.start)

    def _macro_arguments(self) -> tuple[Node, ...]:
        self.space()
        start = self.pos
        self.pos += 1
        self.enter()
        found: list[Node] = []
        self._comma()
        while not self.take(")"):
            if not self.peek():
                self.fail("the '(' is never closed", at=start)
            found.append(self._macro_argument())
            self._comma()
        self.leave()
        return tuple(found)

    def _macro_argument(self) -> Node:
        word = BARE_WORD.match(self.text, self.pos)
        if not word or word.group() in ("true", "false"):
            return self.primary()
        at = self.offset()
        self.pos = word.end()
        return Word(at)

    def _define(self, opening: Opening) -> Found:
        at = self.offset(opening.start)
        self._open_bracket("#define")
        variable = self._variable("#define")
        self._close_bracket("#define")
        return Found(Define(at, variable, self._body(opening, "#define")), opening.cut)

    def _break(self, opening: Opening) -> Found:
        arguments = self._macro_arguments() if self.peek() == "(" else ()
        self.end_line(opening)
        return Found(Break(self.offset(opening.start), arguments[0] if arguments else None), opening.cut)

    def _stop(self, opening: Opening) -> Found:
        if self.peek() == "(":
            self._macro_arguments()  # mean nothing
        self.end_line(opening)
        return Found(Stop(self.offset(opening.start)), opening.cut)
