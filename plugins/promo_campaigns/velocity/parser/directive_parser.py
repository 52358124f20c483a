"""Directives: `#set`, `#if`, `#foreach`, `#macro` and their kin."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from promo_campaigns.velocity.parser.argument_parser import BARE_WORD, BLANKS, OPERATORS, ArgumentParser
from promo_campaigns.velocity.parser.tree import (
    Assign,
    Break,
    Choice,
    Define,
    Loop,
    Macro,
    MacroCall,
    Parameter,
    Reference,
    Stop,
    Text,
    Word,
)

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Block, Node

WORD = re.compile(r"#(?:([A-Za-z_][A-Za-z0-9_]*)|@([A-Za-z0-9_]*)|\{(?:([A-Za-z_][A-Za-z0-9_]*)|@([A-Za-z0-9_]*))\})")
GLUED_END = re.compile(r"#end[A-Za-z0-9_]{1,20}")
LINE = re.compile(r"[^\r\n]*")
LINE_END = re.compile(r"[ \t]*(?:\r\n|\n|\r)")
REFUSED = {
    "include": "#include reads files",
    "parse": "#parse reads files",
    "evaluate": "#evaluate runs values as templates",
}


MEANINGLESS = re.compile(r"(?:(?:\$!?)+|#)\Z")
MOST_DOLLARS = 16


class Opening(NamedTuple):
    """Where a directive starts, and how its line goes on.

    :param cut: where the text before it ends: its own start, or the start of its line if it takes its indentation
    :param fresh: whether it is the first thing of its line, so that it takes the line end after it
    :param leads: whether nothing but a `$` or `#` that means nothing stands before it in its line
    """

    start: int
    cut: int
    fresh: bool
    leads: bool


class Found(NamedTuple):
    """A directive and where the text before it ends."""

    node: Node
    cut: int


class Closed(NamedTuple):
    """A block, the directive that ended it (`end`, `else`, `elseif`; empty at the end of the text) and its offset.

    :param leads: whether that directive leads its line
    """

    body: Block
    by: str
    at: int
    leads: bool = False


class DirectiveParser(ArgumentParser):
    """Reads one directive at a `#`."""

    fresh_from = -1

    @abstractmethod
    def block(self) -> Closed:
        """Read nodes up to the directive that ends the block, and that directive."""

    def word(self) -> tuple[str, int, bool]:
        """Return the name after a `#` here (or nothing), where it ends, and whether an `@` stands before it."""
        match = WORD.match(self.text, self.pos)
        if not match:
            return "", self.pos, False
        block_call = match.group(2) if match.group(4) is None else match.group(4)
        if block_call is not None:
            return block_call, match.end(), True
        return match.group(1) or match.group(3), match.end(), False

    def directive(self, shown: int) -> Found | None:
        """Read a directive, or leave the position alone and return nothing if the `#` is text.

        :param shown: where the text before it starts
        """
        start = self.pos
        name, end, block_call = self.word()
        if not name and not block_call:
            return None
        if name in REFUSED and not block_call:
            self.fail(f"{REFUSED[name]} and is not allowed", hint="Write the content into this template")
        opening = self.opening(start)
        self.pos = end
        if block_call:
            found = self._block_call(name, opening)
        elif name == "set":
            found = self._set(opening, shown) or self._macro_call(name, opening)
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
            return Opening(start, start, fresh=True, leads=True)
        glued = self._before_marks(start)
        line = glued
        while line and self.text[line - 1] in " \t":
            line -= 1
        lost = self._before_marks(line) if line < glued else line
        line = lost if self._starts_line(lost) else line
        leads = self._starts_line(line)
        fresh = leads and glued == start
        return Opening(start, line if fresh else start, fresh, leads)

    def _starts_line(self, position: int) -> bool:
        return position in (0, self.fresh_from) or self.text[position - 1] in "\r\n"

    def _before_marks(self, position: int) -> int:
        """Return where the `$` or `#` signs right before a position start: what comes after them takes them up."""
        match = MEANINGLESS.search(self.text, max(0, position - MOST_DOLLARS), position)
        return match.start() if match else position

    def end_line(self, opening: Opening | None = None) -> None:
        """Step over blanks and a line end, if they come next; after a directive, only if it is first on its line."""
        match = LINE_END.match(self.text, self.pos)
        if match and (opening is None or opening.fresh):
            self.pos = match.end()

    def _set(self, opening: Opening, shown: int) -> Found | None:
        at = self.offset(opening.start)
        blanks = BLANKS.match(self.text, self.pos)
        if not blanks or not self.text.startswith("(", blanks.end()):
            return None
        self.open_bracket("#set")
        target = self.reference() if self.peek() == "$" else None
        if target is None:
            self.fail("#set needs a $variable to set", hint="#set($name = value)")
        self.space()
        self.expect("=", "after the variable of #set")
        self.space()
        self.sets = self.dialect.literals_hold
        value = self.expression()
        self.sets = False
        self.close_bracket("#set")
        self.end_line(opening)
        # 1.7 takes the blanks before a #set if nothing but blanks stands between it and what came before.
        alone = not self.dialect.whole_lines and not self.text[shown : opening.start].strip(" \t")
        return Found(Assign(at, target, value), shown if alone else opening.cut)

    def _if(self, opening: Opening) -> Found:
        at = self.offset(opening.start)
        self.enter()
        branches: list[tuple[Node, Block]] = []
        condition = self._condition("#if")
        closed = self._arm(leads=opening.leads)
        branches.append((condition, closed.body))
        while closed.by == "elseif":
            condition = self._condition("#elseif")
            closed = self._arm(leads=closed.leads)
            branches.append((condition, closed.body))
        otherwise = None
        if closed.by == "else":
            closed = self._arm(leads=closed.leads)
            otherwise = closed.body
        self._must_end(closed, opening, "#if")
        self.leave()
        return Found(Choice(at, tuple(branches), otherwise), opening.cut)

    def _arm(self, *, leads: bool) -> Closed:
        """Read a branch; a directive that starts it is first on its line if the one that opens the branch is."""
        if leads:
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
        self.open_bracket(what)
        found = self.expression()
        self.close_bracket(what)
        return found

    def _foreach(self, opening: Opening) -> Found:
        at = self.offset(opening.start, 4)
        self.enter()
        self.tally.loops += 1
        if self.tally.loops > self.limits.loops:
            self.refuse(f"more than {self.limits.loops} #foreach inside each other", at=opening.start)
        variable, source = self._loop_head(opening.start)
        self.end_line()
        closed = self.block()
        body, otherwise = closed.body, None
        self.tally.loops -= 1
        if closed.by == "else" and self.dialect.alternatives:
            closed = self._arm(leads=closed.leads)
            otherwise = closed.body
        self._must_end(closed, opening, "#foreach")
        self.leave()
        return Found(Loop(at, variable, source, body, otherwise), opening.cut)

    def _loop_head(self, start: int) -> tuple[str, Node]:
        """Read the variable and source of a loop; any word may stand for the `in`, as in the reference engine."""
        arguments = self.arguments_of("#foreach")
        variable, word, source = (*arguments, None, None, None)[:3]
        if not isinstance(variable, Reference):
            self.fail("#foreach needs a $variable", at=start)
        if not isinstance(word, Word):
            self.fail("'in' expected in #foreach", at=start, hint="#foreach($item in $items)")
        if source is None or isinstance(source, Word):
            self.fail("#foreach needs something to walk over", at=start, hint="#foreach($item in $items)")
        return variable.root, source

    def _name_of(self, reference: Reference) -> str:
        """Return the name that a `#define` or `#macro` gives a variable; `$!x` and `${x}` give one nobody can read."""
        mark = reference.source[1:2]
        return mark if mark in ("!", "{") else reference.root

    def _body(self, opening: Opening, what: str) -> Block:
        self.enter()
        self.end_line()
        closed = self.block()
        self._must_end(closed, opening, what)
        self.leave()
        return closed.body

    def _macro(self, opening: Opening) -> Found:
        at = self.offset(opening.start)
        self.open_bracket("#macro")
        word = BARE_WORD.match(self.text, self.pos)
        if not word or word.group() in OPERATORS:
            self.fail("#macro needs a name", hint="#macro(name $parameter)")
        self.pos = word.end()
        parameters: list[Parameter] = []
        while not self.closes():
            self.separator()
            if not self._comment():
                parameters.append(self._parameter(parameters))
        body = self._body(opening, "#macro")
        self.tally.defined.add(word.group())
        return Found(Macro(at, word.group(), tuple(parameters), body), opening.cut)

    def _comment(self) -> bool:
        if not (self.dialect.whole_lines and self.text.startswith("##", self.pos)):
            return False
        rest = LINE.match(self.text, self.pos)
        self.pos = rest.end() if rest else self.pos
        return True

    def _parameter(self, before: list[Parameter]) -> Parameter:
        at = self.offset()
        reference = self.reference() if self.peek() == "$" else None
        if reference is None:
            self.fail("a parameter of #macro is a $variable")
        after = self.pos
        self.space()
        plain = not reference.steps and reference.source[1:2] != "{"
        if not (plain and self.dialect.alternatives and self.take("=")):
            self.pos = after
            if before and before[-1].default is not None:
                self.fail("after a parameter with a default each has one", at=after)
            return Parameter(at, self._name_of(reference), None)
        self.space()
        return Parameter(at, self._name_of(reference), self.element())

    def _macro_call(self, name: str, opening: Opening) -> Found | None:
        known = name in self.tally.macros
        bracket = self.bracket_follows()
        if not (known or bracket):
            return None
        at = self.offset(opening.start)
        arguments = self.directive_arguments() if bracket else ()
        source = self.text[opening.start : self.pos]
        if not known:
            return Found(Text(at, source), opening.start)
        if bracket or self.dialect.whole_lines:
            self.end_line(opening)
        return Found(MacroCall(at, name, arguments, source), opening.cut)

    def _block_call(self, name: str, opening: Opening) -> Found | None:
        bracket = self.bracket_follows()
        if not (bracket or self.dialect.whole_lines):
            return None
        at = self.offset(opening.start)
        arguments = self.directive_arguments() if bracket else ()
        known = name in self.tally.macros
        body = self._body(opening, f"#@{name}")
        source = self.text[opening.start : self.pos]
        return Found(MacroCall(at, name, arguments, source, body), opening.cut if known else opening.start)

    def _define(self, opening: Opening) -> Found:
        at = self.offset(opening.start)
        arguments = self.arguments_of("#define")
        variable = arguments[0] if len(arguments) == 1 else None
        if not isinstance(variable, Reference):
            self.fail("#define needs one $variable", at=opening.start)
        name = self._name_of(variable)
        return Found(Define(at, name, self._body(opening, "#define")), opening.cut)

    def _break(self, opening: Opening) -> Found:
        arguments = self.at_most_one("#break")
        if arguments and isinstance(arguments[0], Word):
            self.fail("#break leaves a loop, not a word", at=opening.start, hint="#break($foreach.parent)")
        self.end_line(opening)
        return Found(Break(self.offset(opening.start), arguments[0] if arguments else None), opening.cut)

    def _stop(self, opening: Opening) -> Found:
        self.at_most_one("#stop")  # says why, to a log
        self.end_line(opening)
        return Found(Stop(self.offset(opening.start)), opening.cut)
