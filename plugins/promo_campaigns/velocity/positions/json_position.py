"""Where in a JSON body each reference stands: inside a string or outside.

The static text is read through a JSON lexer, across branches: both arms of an `#if` must end in the same state. What is
rendered to a value first (a `"..."` literal, a `#define` block, the content of a block macro) is text: it is escaped as
a whole where it is printed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.model.errors import TemplateSyntaxError
from promo_campaigns.velocity.codegen.macro_code import macros_of
from promo_campaigns.velocity.parser.tree import (
    Break,
    Choice,
    Define,
    Interpolated,
    Loop,
    Macro,
    MacroCall,
    Reference,
    Stop,
    Text,
)
from promo_campaigns.velocity.parser.walk import children, printed_references
from promo_campaigns.velocity.place import error_at
from promo_campaigns.velocity.positions.json_skeleton import PLACEHOLDER, Skeleton
from promo_campaigns.velocity.positions.position import Position

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Block, Node

QUOTE_OR_ESCAPE = re.compile(r'["\\]')
HEX = re.compile(r"[0-9a-fA-F]{4}")
OUTSIDE, INSIDE, WITHIN_TEXT = Position.JSON_VALUE, Position.JSON_STRING, Position.STRICT_TEXT


class JsonPositions:
    """Finds the position of every printed reference of a template.

    :param text: the template, for error messages
    :raises TemplateSyntaxError: a position depends on the values, or the text is no JSON
    """

    def __init__(self, text: str, tree: Block) -> None:
        self._text = text
        self._macros = macros_of(tree)
        self._called: dict[Macro, tuple[Position, Position]] = {}
        self._branching = 0
        self.found: dict[Node, Position] = {}
        self.skeleton = Skeleton()
        if self._block(tree, OUTSIDE) is INSIDE:
            self._fail(len(text), "the JSON ends inside a string", 'Close the string with "')
        self.skeleton.check(text)
        for node in printed_references(tree):
            self.found.setdefault(node, WITHIN_TEXT)

    def _fail(self, at: int, problem: str, hint: str = "") -> NoReturn:
        raise error_at(TemplateSyntaxError, self._text, at, problem, hint)

    def _block(self, block: Block, state: Position) -> Position:
        """Return the state after a block that starts in a state."""
        for node in block.nodes:
            state = self._node(node, state)
        return state

    def _node(self, node: Node, state: Position) -> Position:
        if isinstance(node, Text):
            return state if state is WITHIN_TEXT else self._static(node, state)
        for child in self._values(node):
            self._value(child)
        if isinstance(node, Reference):
            self._reference(node, state)
        elif isinstance(node, Define):
            self._block(node.body, WITHIN_TEXT)
        elif isinstance(node, Choice | Loop | MacroCall | Stop | Break):
            return self._branch(node, state)
        return state

    def _reference(self, node: Reference, state: Position) -> None:
        self.found[node] = state
        if state is OUTSIDE:
            self.skeleton.add(node, node.source if node.backslashes else PLACEHOLDER)
            self.skeleton.proven &= not self._branching

    def _branch(self, node: Node, state: Position) -> Position:
        self._branching += 1
        if isinstance(node, Choice):
            state = self._choice(node, state)
        elif isinstance(node, Loop):
            for body in (node.body, node.otherwise):
                self._same(body, state)
        elif isinstance(node, MacroCall):
            state = self._macro_call(node, state)
        elif state is not WITHIN_TEXT:
            self.skeleton.proven = False
        self._branching -= 1
        return state

    def _values(self, node: Node) -> list[Node]:
        """Return the expressions of a node, not its blocks."""
        if isinstance(node, Define | Macro):
            return []
        blocks: list[Node | None] = []
        if isinstance(node, Choice):
            blocks = [body for _, body in node.branches] + [node.otherwise]
        elif isinstance(node, Loop):
            blocks = [node.body, node.otherwise]
        elif isinstance(node, MacroCall):
            blocks = [node.content]
        return [child for child in children(node) if child not in blocks]

    def _value(self, node: Node) -> None:
        """Look into an expression: the text of a `"..."` literal is a value."""
        if isinstance(node, Interpolated):
            self._block(node.body, WITHIN_TEXT)
            return
        for child in children(node):
            self._value(child)

    def _same(self, block: Block | None, state: Position) -> None:
        if block is not None and self._block(block, state) is not state:
            self._fail(block.at, "this block opens or closes a JSON string and leaves the other end outside")

    def _choice(self, node: Choice, state: Position) -> Position:
        ends = {self._block(body, state) for _, body in node.branches}
        ends.add(self._block(node.otherwise, state) if node.otherwise is not None else state)
        if len(ends) > 1:
            self._fail(node.at, "the branches of this #if end differently: inside and outside a JSON string")
        return ends.pop()

    def _macro_call(self, node: MacroCall, state: Position) -> Position:
        macro = self._macros.get(node.name)
        if node.content is not None:
            self._block(node.content, state if macro is None else WITHIN_TEXT)
        if macro is None:
            self.skeleton.proven &= state is WITHIN_TEXT
            return state
        if macro not in self._called:
            self._called[macro] = state, state
            self._called[macro] = state, self._block(macro.body, state)
        start, end = self._called[macro]
        if start is not state:
            self._fail(node.at, "this macro is called both inside and outside JSON strings", "Write two macros")
        return end

    def _static(self, node: Text, state: Position) -> Position:
        self.skeleton.add(node, node.value)
        if self._branching and (state is OUTSIDE and node.value.strip()):
            self.skeleton.proven = False
        position = 0
        while match := QUOTE_OR_ESCAPE.search(node.value, position):
            position = match.end()
            if match.group() == '"':
                state = OUTSIDE if state is INSIDE else INSIDE
                self.skeleton.proven &= not self._branching
            elif state is INSIDE and node.value.startswith("u", position):
                position += 5
                if not HEX.fullmatch(node.value[position - 4 : position]):
                    self._fail(
                        node.at + match.start(), "a JSON escape \\u needs four hexadecimal digits right after it"
                    )
            elif state is INSIDE:
                position += 1
                if position > len(node.value):
                    self._fail(node.at + match.start(), "a JSON escape is cut in two", "Write the escape as text")
        return state
