"""What a template reads and which data sources it binds, found without rendering it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.velocity.parser.tree import Assign, Call, Define, Index, Literal, Loop, Macro, Property, Reference
from promo_campaigns.velocity.parser.walk import children, every
from promo_campaigns.velocity.place import locate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.velocity.parser.tree import Block, Node, Step

DATA = "data"


@dataclass(frozen=True, slots=True)
class BoundSource:
    """A name bound by `#set($variable = $!data.get('name'))`.

    :param name: the name given to `get`
    :param answer_read: whether the variable is read anywhere after it is bound
    :param line: 1-based line of the `#set`
    """

    name: str
    answer_read: bool
    line: int


def references(tree: Block) -> dict[str, frozenset[str]]:
    """Return the root names a template reads and does not set first, each with the literal names read on it.

    `$data.get('code')`, `$data.code` and `$data['code']` all read `code` on `data`; `$name` reads `name` and nothing
    on it.
    """
    bound: set[str] = set()
    found: dict[str, set[str]] = {}
    for node in tree.nodes:
        own = _own(node) | bound
        for reference in _reads(node):
            if reference.root not in own:
                found.setdefault(reference.root, set()).update(_first_name(reference))
        if isinstance(node, Assign) and not node.target.steps:
            bound.add(node.target.root)
        elif isinstance(node, Define):
            bound.add(node.name)
    return {root: frozenset(names) for root, names in found.items()}


def _own(node: Node) -> set[str]:
    own: set[str] = set()
    for inner in every(node):
        if isinstance(inner, Loop):
            own |= {inner.variable, "foreach", "velocityCount"}
        elif isinstance(inner, Macro):
            own |= {parameter.name for parameter in inner.parameters} | {"bodyContent"}
    return own


def _reads(node: Node) -> Iterator[Reference]:
    for inner in every(node):
        if isinstance(inner, Reference):
            yield inner
        elif isinstance(inner, Assign) and inner.target.steps:
            yield inner.target


def _first_name(reference: Reference) -> set[str]:
    name = literal_name(reference.steps[0]) if reference.steps else None
    return set() if name is None else {name}


def literal_name(step: Step) -> str | None:
    """Return the name a step reads from a map, if it is written out."""
    if isinstance(step, Property):
        return step.name
    if isinstance(step, Index):
        return _text(step.key)
    return _text(step.arguments[0]) if step.name == "get" and len(step.arguments) == 1 else None


def reads(tree: Block, name: str) -> bool:
    """Tell whether a template may read a name, by itself or on `$data`."""
    return any(read.root == name or (read.root == DATA and _may_name(read, name)) for read in _reads(tree))


def _may_name(reference: Reference, name: str) -> bool:
    return not reference.steps or literal_name(reference.steps[0]) in {None, name}


def names_read(tree: Block) -> frozenset[str]:
    """Return the literal names that are read on `$data` for more than to bind them by a `#set`."""
    binding = [node.value for node in every(tree) if isinstance(node, Assign) and not node.target.steps]
    bound = [value for value in binding if _source_name(value) is not None]
    found: set[str] = set()
    for read in _reads(tree):
        if read.root == DATA and not any(read is value for value in bound):
            found |= _first_name(read)
    return frozenset(found)


def _text(node: Node) -> str | None:
    return node.value if isinstance(node, Literal) and isinstance(node.value, str) else None


def data_sources(text: str, tree: Block) -> tuple[BoundSource, ...]:
    """Return the data sources a template binds, in the order they are bound."""
    found = []
    for node, scope in _assignments(tree, None):
        name = _source_name(node.value)
        if name is not None and not node.target.steps:
            read = _read_after(tree, node, scope)
            found.append(BoundSource(name, read, locate(text, node.at).line))
    return tuple(found)


def _assignments(node: Node, loop: Node | None) -> Iterator[tuple[Assign, Node | None]]:
    if isinstance(node, Assign):
        yield node, loop
    for child in children(node):
        yield from _assignments(child, loop or (node if isinstance(node, Loop | Macro | Define) else None))


def _source_name(value: Node) -> str | None:
    if not isinstance(value, Reference) or value.root != DATA or len(value.steps) != 1:
        return None
    step = value.steps[0]
    return literal_name(step) if isinstance(step, Call) else None


def _read_after(tree: Block, node: Assign, repeated: Node | None) -> bool:
    """Tell whether the variable of a `#set` is read later in the text, or in something that may run later."""
    name = node.target.root
    bodies = [repeated, *(inner for inner in every(tree) if isinstance(inner, Macro | Define))]
    late = [read for body in bodies if body is not None for read in _reads(body)]
    late += [read for read in _reads(tree) if read.at > node.at and read is not node.value]
    return any(read.root == name for read in late)
