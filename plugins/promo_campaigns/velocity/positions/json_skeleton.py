"""The part of a JSON body that does not depend on values, checked when the template is compiled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import TemplateSyntaxError
from promo_campaigns.model.typed.strict_json import refuse_constant
from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.place import error_at

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Node

PLACEHOLDER = "null"


class Skeleton:
    """A body with `null` for each value outside strings and nothing for each value inside.

    :ivar proven: whether every result has this structure; else each result has to be checked
    """

    def __init__(self) -> None:
        self._parts: list[tuple[int, str]] = []
        self.proven = True

    def add(self, node: Node, text: str) -> None:
        """Add what a node prints."""
        self._parts.append((node.at, text))

    def check(self, template: str) -> None:
        """Check that the structure is JSON.

        :raises TemplateSyntaxError: whatever the values, the result would be no JSON
        """
        if not self.proven:
            return
        text = "".join(part for _, part in self._parts)
        try:
            json.loads(text, parse_constant=refuse_constant)
        except json.JSONDecodeError as error:
            raise self._error(template, error.pos, error.msg) from None
        except (ValueError, RecursionError):
            raise self._error(template, 0, "Nested too deep, or a number that is none") from None

    def _error(self, template: str, position: int, problem: str) -> Exception:
        offset = len(template)
        for at, part in self._parts:
            if position < len(part):
                offset = at + position
                break
            position -= len(part)
        hint = "A value stands inside a string, or alone where JSON has a value"
        return error_at(TemplateSyntaxError, template, offset, f"the body is no JSON here: {problem}", hint)


def check_result(text: str) -> None:
    """Check a result whose structure depends on values.

    :raises Fault: it is no JSON
    """
    try:
        json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        fail("the rendered body is no JSON", "Check the commas that #if and #foreach leave or add")
