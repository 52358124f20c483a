"""Finds the references of a text or of HTML that stand inside of a link.

The static text is read through, across branches; where the arms of an `#if` end in different parts of a link, the later
part counts. A macro, a `#define` block and a `"..."` literal are texts of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.parser.tree import (
    Block,
    Choice,
    Define,
    Interpolated,
    Loop,
    Macro,
    MacroCall,
    Reference,
    Text,
)
from promo_campaigns.velocity.parser.walk import children
from promo_campaigns.velocity.positions.html_lexer import Place
from promo_campaigns.velocity.positions.link_part import Part, follow
from promo_campaigns.velocity.positions.position import Position

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Node

_ORDER = (Part.NONE, Part.WHOLE, Part.HOST, Part.PATH, Part.QUERY)
_POSITIONS = {Part.PATH: Position.LINK_PATH, Part.QUERY: Position.LINK_QUERY}


class LinkPositions:
    """The positions of the printed references that stand in the path or in the query of a link.

    :param html: the text is HTML, in which attributes hold links too
    """

    def __init__(self, tree: Block, *, html: bool) -> None:
        self.found: dict[Node, Position] = {}
        self._html = html
        self._block(tree, Place(), html=html)

    def _block(self, block: Block | None, place: Place, *, html: bool) -> Place:
        for node in block.nodes if block else ():
            place = self._node(node, place, html=html)
        return place

    def _node(self, node: Node, place: Place, *, html: bool) -> Place:
        if isinstance(node, Text):
            return place.after(node.value) if html else place._replace(part=follow(node.value, place.part))
        for child in children(node):
            self._value(child)
        if isinstance(node, Reference):
            if place.link in _POSITIONS:
                self.found[node] = _POSITIONS[place.link]
            return place.after_value()
        if isinstance(node, Choice):
            ends = [self._block(body, place, html=html) for _, body in node.branches]
            ends.append(self._block(node.otherwise, place, html=html))
            return max(ends, key=_depth)
        if isinstance(node, Loop):
            ends = [self._block(body, place, html=html) for body in (node.body, node.otherwise)]
            return max(ends, key=_depth)
        self._own(node)
        return place

    def _own(self, node: Node) -> None:
        if isinstance(node, Macro | Define):
            self._block(node.body, Place(), html=self._html)
        elif isinstance(node, MacroCall):
            self._block(node.content, Place(), html=self._html)

    def _value(self, node: Node) -> None:
        """Look into an expression: a `"..."` literal is a text of its own."""
        if isinstance(node, Interpolated):
            self._block(node.body, Place(), html=False)
        elif not isinstance(node, Block):
            for child in children(node):
                self._value(child)


def _depth(place: Place) -> tuple[bool, int]:
    return bool(place.tag), _ORDER.index(place.link)
