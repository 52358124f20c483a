"""Directives: `#set`, `#if`, `#foreach`, `#macro` and their kin."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from promo_campaigns.velocity.expression_parser import ExpressionParser
from promo_campaigns.velocity.tree import (
    Assign,
    Break,
    Choice,
    Define,
    Loop,
    Macro,
    MacroCall,
    Parameter,
    Stop,
)

if TYPE_CHECKING:
    from promo_campaigns.velocity.tree import Block, Node

WORD = re.compile(r"#(@?)(?:\{([A-Za-z_][A-Za-z0-9_\-]*)\}|([A-Za-z_][A-Za-z0-9_\-]*))")
BLANKS = re.compile(r"[ \t]*")
LINE_END = re.compile(r"[ \t]*(?:\r\n|\n|\r)")
REFUSED = {
    "include": "#include reads files",
    "parse": "#parse reads files",
    "evaluate": "#evaluate runs values as templates",
}


class Found(NamedTuple):
    """A directive and where the text before it ends: its own start, or the start of its line if it is alone there."""

    node: Node
    cut: int


class Closed(NamedTuple):
    """A block, the directive that ended it (`end`, `else`, `elseif`; empty at the end of the text) and its offset."""

    body: Block
    by: str
    at: int


class DirectiveParser(ExpressionParser):
    """Reads one directive at a `#`."""

    @abstractmethod
    def block(self) -> Closed:
        """Read nodes up to the directive that ends the block, and that directive."""

    def word(self) -> tuple[str, int, bool]:
        """Return the name after a `#` here (or nothing), where it ends, and whether an `@` stands before it."""
        match = WORD.match(self.text, self.pos)
        if not match:
            return "", self.pos, False
        name = match.group(2) or match.group(3)
        return name, match.end(), bool(match.group(1))

    def directive(self) -> Found | None:
        """Read a directive, or leave the position alone and return nothing if the `#` is text."""
        start = self.pos
        name, end, block_call = self.word()
        if not name:
            return None
        if name in REFUSED and not block_call:
            self.fail(f"{REFUSED[name]} and is not allowed", hint="Write the content into this template")
        self.pos = end
        found = self._macro_call(name, start, block=True) if block_call else self._named(name, start)
        if found is None:
            self.pos = start
        return found

    def _named(self, name: str, start: int) -> Found | None:
        readers = {
            "set": self._set,
            "if": self._if,
            "foreach": self._foreach,
            "macro": self._macro,
            "define": self._define,
            "break": self._break,
            "stop": self._stop,
        }
        reader = readers.get(name)
        return reader(start) if reader else self._macro_call(name, start, block=False)

    def line_cut(self, start: int) -> int:
        """Step over the line end that belongs to a directive and return where the text before it ends.

        2.x: a directive alone on its line takes the whole line with it. 1.7: it takes the line end after it.
        """
        match = LINE_END.match(self.text, self.pos)
        if not self.dialect.whole_lines:
            self.pos = match.end() if match else self.pos
            return start
        blanks = BLANKS.match(self.text, self.pos)
        at_end = blanks is not None and blanks.end() == len(self.text)
        line = start
        while line and self.text[line - 1] in " \t":
            line -= 1
        if (line and self.text[line - 1] not in "\r\n") or not (match or at_end):
            return start
        self.pos = match.end() if match else len(self.text)
        return line

    def _open_bracket(self, what: str) -> None:
        self.space()
        self.expect("(", f"after {what}")
        self.space()

    def _close_bracket(self, what: str) -> None:
        self.space()
        self.expect(")", f"at the end of {what}")

    def _set(self, start: int) -> Found | None:
        at = self.offset(start)
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
        return Found(Assign(at, target, value), self.line_cut(start))

    def _if(self, start: int) -> Found:
        at = self.offset(start)
        self.enter()
        condition = self._condition("#if")
        cut = self.line_cut(start)
        branches: list[tuple[Node, Block]] = []
        closed = self.block()
        branches.append((condition, closed.body))
        while closed.by == "elseif":
            condition = self._condition("#elseif")
            self.line_cut(closed.at)
            closed = self.block()
            branches.append((condition, closed.body))
        otherwise = None
        if closed.by == "else":
            closed = self.block()
            otherwise = closed.body
        self._must_end(closed, start, "#if")
        self.leave()
        return Found(Choice(at, tuple(branches), otherwise), cut)

    def _must_end(self, closed: Closed, start: int, what: str) -> None:
        if not closed.by:
            self.fail(f"the {what} is never closed", at=start, hint="Close it with #end")
        if closed.by != "end":
            self.fail(f"#{closed.by} has no place here", at=closed.at)

    def _condition(self, what: str) -> Node:
        self._open_bracket(what)
        found = self.expression()
        self._close_bracket(what)
        return found

    def _foreach(self, start: int) -> Found:
        at = self.offset(start)
        self.enter()
        self.tally.loops += 1
        if self.tally.loops > self.limits.loops:
            self.refuse(f"more than {self.limits.loops} #foreach inside each other", at=start)
        self._open_bracket("#foreach")
        variable = self.reference() if self.peek() == "$" else None
        if variable is None or variable.steps:
            self.fail("#foreach needs a $variable", hint="#foreach($item in $items)")
        self.space()
        if self.identifier() != "in":
            self.fail("'in' expected in #foreach", hint="#foreach($item in $items)")
        self.space()
        source = self.expression()
        self._close_bracket("#foreach")
        cut = self.line_cut(start)
        closed = self.block()
        body, otherwise = closed.body, None
        self.tally.loops -= 1
        if closed.by == "else" and self.dialect.alternatives:
            closed = self.block()
            otherwise = closed.body
        self._must_end(closed, start, "#foreach")
        self.leave()
        return Found(Loop(at, variable.root, source, body, otherwise), cut)

    def _body(self, start: int, what: str) -> tuple[Block, int]:
        self.enter()
        cut = self.line_cut(start)
        closed = self.block()
        self._must_end(closed, start, what)
        self.leave()
        return closed.body, cut

    def _macro(self, start: int) -> Found:
        at = self.offset(start)
        self._open_bracket("#macro")
        name = self.identifier()
        if not name:
            self.fail("#macro needs a name", hint="#macro(name $parameter)")
        parameters: list[Parameter] = []
        self.space()
        while self.peek() == "$":
            parameters.append(self._parameter())
            self.space()
            self.take(",")
            self.space()
        self._close_bracket("#macro")
        body, cut = self._body(start, "#macro")
        return Found(Macro(at, name, tuple(parameters), body), cut)

    def _parameter(self) -> Parameter:
        reference = self.reference()
        if reference is None or reference.steps:
            self.fail("a $parameter is expected")
        before = self.pos
        self.space()
        if not (self.dialect.alternatives and self.take("=")):
            self.pos = before
            return Parameter(reference.at, reference.root, None)
        self.space()
        return Parameter(reference.at, reference.root, self.argument())

    def _macro_call(self, name: str, start: int, *, block: bool) -> Found | None:
        blanks = BLANKS.match(self.text, self.pos)
        if not blanks or not self.text.startswith("(", blanks.end()):
            return None
        at = self.offset(start)
        self.pos = blanks.end()
        arguments = self._macro_arguments()
        source = self.text[start : self.pos]
        if not block:
            return Found(MacroCall(at, name, arguments, source), start)
        body, cut = self._body(start, f"#@{name}")
        return Found(MacroCall(at, name, arguments, self.text[start : self.pos], body), cut)

    def _macro_arguments(self) -> tuple[Node, ...]:
        start = self.pos
        self.pos += 1
        self.enter()
        found: list[Node] = []
        self.space()
        while not self.take(")"):
            if not self.peek():
                self.fail("the '(' is never closed", at=start)
            found.append(self.argument())
            self.space()
            self.take(",")
            self.space()
        self.leave()
        return tuple(found)

    def _define(self, start: int) -> Found:
        at = self.offset(start)
        self._open_bracket("#define")
        variable = self.reference() if self.peek() == "$" else None
        if variable is None or variable.steps:
            self.fail("#define needs a $variable", hint="#define($block) ... #end")
        self._close_bracket("#define")
        body, cut = self._body(start, "#define")
        return Found(Define(at, variable.root, body), cut)

    def _break(self, start: int) -> Found:
        return Found(Break(self.offset(start)), self.line_cut(start))

    def _stop(self, start: int) -> Found:
        return Found(Stop(self.offset(start)), self.line_cut(start))
