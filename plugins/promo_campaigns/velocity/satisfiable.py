"""Whether a condition can hold at all, found by trying every value that one name can have.

Whatever the condition reads of other names may turn out either way, each part for itself, except that one value is not
two texts at once. So what is found is what no value allows, such as ``$status == 200 && $status == 409``, ``$status ==
'ok'`` where a status is a number, or ``$answer.state == 'DONE' && $answer.state == 'FINISHED'``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, product
from math import prod
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import TemplateError
from promo_campaigns.velocity.dialect import DIALECTS
from promo_campaigns.velocity.limits import Limits
from promo_campaigns.velocity.parser.template_parser import parse
from promo_campaigns.velocity.parser.tree import Binary, Choice, Literal, Reference, Unary
from promo_campaigns.velocity.template import compile_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from promo_campaigns.velocity.parser.tree import Node
    from promo_campaigns.velocity.template import Template

_EITHER = frozenset({True, False})
_JOINED = {"and": all, "or": any}
_EQUALS = frozenset({"==", "!="})
_MOST_WORLDS = 64
"""A condition that compares more is not looked at so closely."""


def can_hold(condition: str, name: str, values: Iterable[object]) -> bool:
    """Tell whether a condition holds for some value of a name.

    :param condition: what stands between the brackets of an ``#if``
    :raises TemplateSyntaxError: it is no condition
    """
    (choice, *_) = parse(f"#if({condition})1#end", DIALECTS["2.4"], Limits()).nodes
    if not isinstance(choice, Choice):
        return True
    node = choice.branches[0][0]
    worlds = _worlds(node, name)
    return any(True in _Outcomes(name, value, world).of(node) for value in values for world in worlds)


def _worlds(node: Node, name: str) -> list[Mapping[str, str | None]]:
    """Return what the references of other names may be: each one of the texts it is compared with, or none of them."""
    texts: dict[str, set[str | None]] = {}
    for what, text in _comparisons(node, name):
        texts.setdefault(what, {None}).add(text)
    if prod(map(len, texts.values())) > _MOST_WORLDS:
        return [{}]
    return [dict(zip(texts, one, strict=True)) for one in product(*texts.values())]


def _comparisons(node: Node, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Unary):
        yield from _comparisons(node.operand, name)
    elif isinstance(node, Binary) and node.operator in _JOINED:
        yield from chain(_comparisons(node.left, name), _comparisons(node.right, name))
    elif isinstance(node, Binary) and (compared := _compared(node, name)):
        yield compared


def _compared(node: Binary, name: str) -> tuple[str, str] | None:
    """Return the reference and the text that a part compares for equality; None for any other part.

    A text that is a number is none: a number equals it, too, however it is written.
    """
    for reference, literal in ((node.left, node.right), (node.right, node.left)):
        if node.operator not in _EQUALS or not isinstance(reference, Reference) or not isinstance(literal, Literal):
            continue
        is_text = isinstance(literal.value, str) and not any(one.isdecimal() for one in literal.value)
        if is_text and reference.alternative is None and (reference.root != name or reference.steps):
            return reference.source.replace("!", "").strip("${}"), str(literal.value)
    return None


@lru_cache(maxsize=64)
def _part(text: str) -> Template:
    return compile_template(f"#if({text})1#end", mode="strict")


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """How the parts of a condition may turn out for one value of a name, in a world of texts that others have."""

    name: str
    value: object
    world: Mapping[str, str | None]

    def of(self, node: Node) -> frozenset[bool]:
        """Return how a part may turn out."""
        if isinstance(node, Unary) and node.operator == "not":
            return frozenset(not one for one in self.of(node.operand))
        if isinstance(node, Binary) and node.operator in _JOINED:
            joined, left = _JOINED[node.operator], self.of(node.left)
            return frozenset(joined((one, other)) for one in left for other in self.of(node.right))
        compared = _compared(node, self.name) if isinstance(node, Binary) else None
        if compared and isinstance(node, Binary) and compared[0] in self.world:
            return frozenset({(self.world[compared[0]] == compared[1]) is (node.operator == "==")})
        text = self._written(node)
        if text is None:
            return _EITHER
        try:
            return frozenset({bool(_part(text).render({self.name: self.value}))})
        except TemplateError:
            return frozenset({False})

    def _written(self, node: Node) -> str | None:
        """Return a part that reads nothing but the name, as it may be written; None for any other."""
        if isinstance(node, Reference):
            is_name = node.root == self.name and not node.steps and node.alternative is None
            return f"${self.name}" if is_name else None
        if isinstance(node, Literal):
            text = isinstance(node.value, str) and "'" not in node.value
            return f"'{node.value}'" if text else json.dumps(node.value)
        if isinstance(node, Unary):
            inner = self._written(node.operand)
            return None if inner is None else f"({'!' if node.operator == 'not' else node.operator}{inner})"
        if isinstance(node, Binary):
            left, right = self._written(node.left), self._written(node.right)
            return None if left is None or right is None else f"({left} {node.operator} {right})"
        return None
