"""Visiting every node of a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.parser.tree import (
    Assign,
    Binary,
    Block,
    Call,
    Choice,
    Define,
    Index,
    Interpolated,
    ListLiteral,
    Literal,
    Loop,
    Macro,
    MacroCall,
    MapLiteral,
    RangeLiteral,
    Reference,
    Text,
    Unary,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from promo_campaigns.velocity.parser.tree import Node


PLAIN = (Block, Text, Literal, Reference, Assign, Choice)


def _some(*nodes: Node | None) -> list[Node]:
    return [node for node in nodes if node is not None]


def _of_reference(node: Reference) -> Iterable[Node]:
    for step in node.steps:
        if isinstance(step, Call):
            yield from step.arguments
        elif isinstance(step, Index):
            yield step.key
    yield from _some(node.alternative)


def _of_choice(node: Choice) -> Iterable[Node]:
    for condition, body in node.branches:
        yield condition
        yield body
    yield from _some(node.otherwise)


CHILDREN: dict[type[Node], Callable[..., Iterable[Node]]] = {
    Block: lambda node: node.nodes,
    Reference: _of_reference,
    Choice: _of_choice,
    Interpolated: lambda node: (node.body,),
    ListLiteral: lambda node: node.items,
    RangeLiteral: lambda node: (node.first, node.last),
    MapLiteral: lambda node: (part for pair in node.pairs for part in pair),
    Unary: lambda node: (node.operand,),
    Binary: lambda node: (node.left, node.right),
    Assign: lambda node: (node.value, *_of_reference(node.target)),
    Loop: lambda node: _some(node.source, node.body, node.otherwise),
    Macro: lambda node: (*(p.default for p in node.parameters if p.default is not None), node.body),
    MacroCall: lambda node: (*node.arguments, *_some(node.content)),
    Define: lambda node: (node.body,),
}


def children(node: Node) -> Iterable[Node]:
    """Return the nodes right below a node, in the order they are written; the target of a `#set` is not among them."""
    below = CHILDREN.get(type(node))
    return below(node) if below else ()


def every(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order they are written."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(list(children(current))))


def printed_references(tree: Node) -> Iterator[Reference]:
    """Yield the references that are printed, in text or in a `"..."` literal."""
    for block in every(tree):
        if isinstance(block, Block):
            yield from (node for node in block.nodes if isinstance(node, Reference))


def printed_in_place(tree: Node) -> Iterator[Reference]:
    """Yield the references whose value goes straight into the result: those printed outside of `"..."` literals."""
    waiting = [tree]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Block):
            yield from (node for node in current.nodes if isinstance(node, Reference))
        waiting.extend(child for child in children(current) if not isinstance(child, Interpolated | Reference))


def is_plain(tree: Node) -> bool:
    """Tell whether a template only prints, sets and tests references that read maps: its work is that of its length."""
    return all(
        isinstance(node, PLAIN) and (not isinstance(node, Reference) or _reads_maps(node)) for node in every(tree)
    )


def _reads_maps(node: Reference) -> bool:
    return all(not isinstance(step, Call) or step.name == "get" for step in node.steps)
