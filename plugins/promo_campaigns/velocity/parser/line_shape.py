"""Whether a template prints text on more than one line, found without rendering it.

What a part of a template prints is reduced to its shape: ``x`` for text on one line, ``n`` for line breaks. Spaces do
not count. Parts have several shapes, since a branch may be taken or not; a reference prints text without a line break,
or nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promo_campaigns.velocity.parser.tree import Block, Choice, Define, Loop, Macro, MacroCall, Reference, Text
from promo_campaigns.velocity.parser.walk import every

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promo_campaigns.velocity.parser.tree import Node

SEVERAL = "xnx"
_NOTHING = frozenset({""})
_VALUE = frozenset({"", "x"})
_BREAKS = re.compile(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_DEEPEST = 8
_Shapes = frozenset[str]


def prints_several_lines(tree: Block) -> bool:
    """Tell whether a template may print text, a line break and text again; breaks at both ends do not count."""
    bodies = {node.name: node.body for node in every(tree) if isinstance(node, Macro | Define)}
    return any(SEVERAL in shape for shape in _of_block(tree, bodies, 0))


def _of_block(block: Block, bodies: dict[str, Block], depth: int) -> _Shapes:
    shapes: _Shapes = _NOTHING
    for node in block.nodes:
        shapes = _joined(shapes, _of_node(node, bodies, depth))
    return shapes


def _of_node(node: Node, bodies: dict[str, Block], depth: int) -> _Shapes:
    if isinstance(node, Text):
        return frozenset({_shape(node.value)})
    if isinstance(node, Choice):
        printed = [_of_block(body, bodies, depth) for _, body in node.branches]
        printed.append(_of_block(node.otherwise, bodies, depth) if node.otherwise else _NOTHING)
        return frozenset().union(*printed)
    if isinstance(node, Loop):
        otherwise = _of_block(node.otherwise, bodies, depth) if node.otherwise else _NOTHING
        return _repeated(_of_block(node.body, bodies, depth)) | otherwise
    if isinstance(node, Reference | MacroCall):
        return _of_named(node, bodies, depth)
    return _NOTHING


def _of_named(node: Reference | MacroCall, bodies: dict[str, Block], depth: int) -> _Shapes:
    """Return the shapes of a value, or of the block that is printed by its name."""
    body = bodies.get(node.root if isinstance(node, Reference) else node.name)
    content = node.content if isinstance(node, MacroCall) else None
    shapes = _VALUE if body is None or depth >= _DEEPEST else _of_block(body, bodies, depth + 1)
    return shapes | _of_block(content, bodies, depth) if content else shapes


def _repeated(shapes: _Shapes) -> _Shapes:
    found: _Shapes = _NOTHING
    while not (grown := _joined(found, shapes)) <= found:
        found |= grown
    return found


def _joined(left: Iterable[str], right: Iterable[str]) -> _Shapes:
    return frozenset(_reduced(one + other) for one in left for other in right)


def _shape(text: str) -> str:
    marked = _BREAKS.sub("\n", text)
    return _reduced("".join("n" if one == "\n" else "" if one.isspace() else "x" for one in marked))


def _reduced(shape: str) -> str:
    """Return a shape without repetitions; one of several lines stays that, whatever else is printed."""
    short = re.sub(r"(.)\1+", r"\1", shape)
    return SEVERAL if SEVERAL in short else short
