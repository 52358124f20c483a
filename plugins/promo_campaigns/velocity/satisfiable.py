"""Whether a condition can hold at all, found by trying every value that one name can have.

Whatever the condition reads of other names may turn out either way, each part for itself. So what is found is what no
value allows, such as ``$status == 200 && $status == 409``, or ``$status == 'ok'`` where a status is a number.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import TemplateError
from promo_campaigns.velocity.dialect import DIALECTS
from promo_campaigns.velocity.limits import Limits
from promo_campaigns.velocity.parser.template_parser import parse
from promo_campaigns.velocity.parser.tree import Binary, Choice, Literal, Reference, Unary
from promo_campaigns.velocity.template import compile_template

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promo_campaigns.velocity.parser.tree import Node

_EITHER = frozenset({True, False})
_JOINED = {"and": all, "or": any}


def can_hold(condition: str, name: str, values: Iterable[object]) -> bool:
    """Tell whether a condition holds for some value of a name.

    :param condition: what stands between the brackets of an ``#if``
    :raises TemplateSyntaxError: it is no condition
    """
    (choice, *_) = parse(f"#if({condition})1#end", DIALECTS["2.4"], Limits()).nodes
    if not isinstance(choice, Choice):
        return True
    return any(True in _Outcomes(name, value).of(choice.branches[0][0]) for value in values)


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """How the parts of a condition may turn out for one value of a name."""

    name: str
    value: object

    def of(self, node: Node) -> frozenset[bool]:
        """Return how a part may turn out."""
        if isinstance(node, Unary) and node.operator == "not":
            return frozenset(not one for one in self.of(node.operand))
        if isinstance(node, Binary) and node.operator in _JOINED:
            joined, left = _JOINED[node.operator], self.of(node.left)
            return frozenset(joined((one, other)) for one in left for other in self.of(node.right))
        text = self._written(node)
        if text is None:
            return _EITHER
        try:
            return frozenset(
                {bool(compile_template(f"#if({text})1#end", mode="strict").render({self.name: self.value}))}
            )
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
