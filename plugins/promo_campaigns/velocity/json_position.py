"""Where in a JSON body each reference stands: inside a string or outside.

The static text is read through a JSON lexer, across branches: both arms of an `#if` must end in the same state.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promo_campaigns.core.errors import TemplateSyntaxError
from promo_campaigns.velocity.place import error_at
from promo_campaigns.velocity.position import Position
from promo_campaigns.velocity.tree import Choice, Loop, Reference, Text
from promo_campaigns.velocity.walk import printed_references

if TYPE_CHECKING:
    from promo_campaigns.velocity.tree import Block, Node

QUOTE_OR_ESCAPE = re.compile(r'["\\]')


class JsonPositions:
    """Finds the position of every printed reference of a template.

    :param text: the template, for error messages
    :raises TemplateSyntaxError: a position depends on the values, or the text is no JSON
    """

    def __init__(self, text: str, tree: Block) -> None:
        self._text = text
        self.found: dict[Node, Position] = {}
        inside = self._block(tree, inside=False)
        if inside:
            self._fail(len(text), "the JSON ends inside a string", 'Close the string with "')
        for node in printed_references(tree):
            self.found.setdefault(node, Position.STRICT_TEXT)

    def _fail(self, at: int, problem: str, hint: str) -> None:
        raise error_at(TemplateSyntaxError, self._text, at, problem, hint)

    def _block(self, block: Block, *, inside: bool) -> bool:
        for node in block.nodes:
            inside = self._node(node, inside=inside)
        return inside

    def _node(self, node: Node, *, inside: bool) -> bool:
        if isinstance(node, Text):
            return self._static(node, inside=inside)
        if isinstance(node, Reference):
            self.found[node] = Position.JSON_STRING if inside else Position.JSON_VALUE
        elif isinstance(node, Choice):
            return self._choice(node, inside=inside)
        elif isinstance(node, Loop):
            self._same(node.body, inside=inside)
            if node.otherwise is not None:
                self._same(node.otherwise, inside=inside)
        return inside

    def _same(self, block: Block, *, inside: bool) -> None:
        if self._block(block, inside=inside) != inside:
            self._fail(block.at, "this block opens or closes a JSON string that it does not close or open", "")

    def _choice(self, node: Choice, *, inside: bool) -> bool:
        ends = {self._block(body, inside=inside) for _, body in node.branches}
        ends.add(self._block(node.otherwise, inside=inside) if node.otherwise is not None else inside)
        if len(ends) > 1:
            self._fail(node.at, "the branches of this #if end differently: inside and outside a JSON string", "")
        return ends.pop()

    def _static(self, node: Text, *, inside: bool) -> bool:
        position = 0
        while match := QUOTE_OR_ESCAPE.search(node.value, position):
            position = match.end()
            if match.group() == '"':
                inside = not inside
            elif inside:
                position += 1
                if position > len(node.value):
                    self._fail(node.at + match.start(), "a JSON escape is cut in two", "Write the escape as text")
        return inside
