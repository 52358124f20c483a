"""Names that a template reads and that nothing can have, found without rendering it.

What can be read is described by a shape: a map of known names, a list of things alike, or anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from promo_campaigns.velocity.parser.inspection import literal_name
from promo_campaigns.velocity.parser.tree import (
    Assign,
    Call,
    Define,
    Index,
    Loop,
    Macro,
    Property,
    Reference,
)
from promo_campaigns.velocity.parser.walk import children, every

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from promo_campaigns.velocity.parser.tree import Block, Node, Step

_BODY = "bodyContent"
_LOOP = "foreach"


@dataclass(frozen=True, slots=True)
class Anything:
    """A value about which nothing is known: whatever is read on it may be there."""


@dataclass(frozen=True, slots=True)
class Names:
    """A map of which every name is known.

    :param members: the names, each with the shape of its value
    """

    members: Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Several:
    """A list.

    :param item: the shape of each element
    """

    item: Shape


Shape: TypeAlias = Anything | Names | Several
ANYTHING = Anything()
LOOP = Names(dict.fromkeys(("index", "count", "first", "last", "hasNext", "parent", "topmost"), ANYTHING))
"""What `$foreach` has within a loop."""


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that nothing can have.

    :param name: as it is written
    :param known: the names that can be read in its place
    :param at: character offset of the reference that reads it
    :param source: that reference
    :param is_method: it is a method that is called, not something that is read
    """

    name: str
    known: Collection[str]
    at: int
    source: str
    is_method: bool = False


@dataclass(slots=True)
class _Scope:
    """What can be read at one place of a template, and what was found on the way to it."""

    shapes: dict[str, Shape]
    methods: frozenset[str]
    velocity_count: bool
    set_anywhere: frozenset[str]
    found: list[UnknownName] = field(default_factory=list)


def unknown_names(
    tree: Block, known: Mapping[str, Shape], methods: frozenset[str], *, velocity_count: bool
) -> list[UnknownName]:
    """Return the names that a template reads, that are not known and that it does not set itself.

    :param known: what can be read, by its root name
    :param methods: the names of all methods
    :param velocity_count: whether the language has `$velocityCount`
    """
    scope = _Scope(dict(known), methods, velocity_count, _names_set([tree]))
    _visit(tree, scope)
    return sorted(scope.found, key=lambda unknown: unknown.at)


def _visit(node: Node, scope: _Scope) -> None:
    visitor = _VISITORS.get(type(node))
    if visitor:
        visitor(node, scope)
        return
    for child in children(node):
        _visit(child, scope)


def _visit_reference(node: Reference, scope: _Scope) -> None:
    _shape_of(node, scope)


def _visit_assign(node: Assign, scope: _Scope) -> None:
    shape = _shape_of(node.value, scope)
    target = node.target
    if target.steps:
        _require(target, scope)
        for child in children(target):
            _visit(child, scope)
        shape = ANYTHING  # what is put into a map makes another map of it
    scope.shapes[target.root] = shape if scope.shapes.get(target.root, shape) == shape else ANYTHING


def _visit_loop(node: Loop, scope: _Scope) -> None:
    source = _shape_of(node.source, scope)
    item = source.item if isinstance(source, Several) else ANYTHING
    own: dict[str, Shape] = {node.variable: item, _LOOP: LOOP}
    if scope.velocity_count:
        own |= {"velocityCount": ANYTHING, "velocityHasNext": ANYTHING}
    _visit_inside([node.body], own, scope)
    if node.otherwise:
        _visit(node.otherwise, scope)


def _visit_macro(node: Macro, scope: _Scope) -> None:
    own: dict[str, Shape] = {parameter.name: ANYTHING for parameter in node.parameters}
    _visit_inside(list(children(node)), _set_later(scope) | own | {_BODY: ANYTHING}, scope)


def _visit_define(node: Define, scope: _Scope) -> None:
    _visit_inside([node.body], _set_later(scope), scope)
    scope.shapes[node.name] = ANYTHING


def _set_later(scope: _Scope) -> dict[str, Shape]:
    """Return what may be set between a body's place and where it is called."""
    return {name: ANYTHING for name in scope.set_anywhere if name not in scope.shapes}


def _names_set(bodies: Iterable[Node]) -> frozenset[str]:
    return frozenset(inner.target.root for body in bodies for inner in every(body) if isinstance(inner, Assign))


def _visit_inside(bodies: list[Node], own: dict[str, Shape], scope: _Scope) -> None:
    """Visit what may run later, or several times: what it sets may be set before it begins."""
    outside, set_inside = scope.shapes, _names_set(bodies)
    scope.shapes = outside | dict.fromkeys(set_inside, ANYTHING) | own
    for body in bodies:
        _visit(body, scope)
    scope.shapes = outside | dict.fromkeys(set_inside - own.keys(), ANYTHING)


_VISITORS: dict[type[Node], Callable[..., None]] = {
    Reference: _visit_reference,
    Assign: _visit_assign,
    Loop: _visit_loop,
    Macro: _visit_macro,
    Define: _visit_define,
}


def _shape_of(node: Node, scope: _Scope) -> Shape:
    """Visit an expression and return the shape of its value."""
    if not isinstance(node, Reference):
        _visit(node, scope)
        return ANYTHING
    for child in children(node):
        _visit(child, scope)
    shape = _require(node, scope)
    for step in node.steps:
        shape = _step(node, step, shape, scope)
    return shape if node.alternative is None else ANYTHING


def _require(node: Reference, scope: _Scope) -> Shape:
    shape = scope.shapes.get(node.root)
    if shape is None:
        scope.found.append(UnknownName(node.root, scope.shapes, node.at, node.source))
        return ANYTHING
    return shape


def _step(node: Reference, step: Step, shape: Shape, scope: _Scope) -> Shape:
    """Return the shape of what a step leads to."""
    if isinstance(step, Call) and step.name not in scope.methods:
        scope.found.append(UnknownName(step.name, scope.methods, node.at, node.source, is_method=True))
        return ANYTHING
    if isinstance(shape, Several):
        return shape.item if isinstance(step, Index) or (isinstance(step, Call) and step.name == "get") else ANYTHING
    name = _name_of(step)
    if isinstance(shape, Anything) or name is None:
        return ANYTHING
    if name in shape.members:
        return shape.members[name] if literal_name(step) == name else ANYTHING
    if isinstance(step, Property) and name in scope.methods:
        return ANYTHING
    scope.found.append(UnknownName(name, shape.members, node.at, node.source))
    return ANYTHING


def _name_of(step: Step) -> str | None:
    """Return the name that a step looks for in a map, if it is written out."""
    if isinstance(step, Call) and step.name in {"containsKey", "getOrDefault"} and step.arguments:
        return literal_name(Index(step.at, step.arguments[0]))
    return literal_name(step)
