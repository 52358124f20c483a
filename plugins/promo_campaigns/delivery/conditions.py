"""Conditions that definitions state in Velocity, compiled once per task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOLDS = "1"


class Condition:
    """What stands between the brackets of an ``#if``.

    :param text: the condition, such as ``$answer.get('status') == 'OK'``
    :raises TemplateSyntaxError: it is none
    """

    def __init__(self, text: str) -> None:
        self._template = compile_template(f"#if({text}){_HOLDS}#end", mode="strict")

    def reads(self, name: str) -> bool:
        """Whether the condition depends on a name."""
        return self._template.reads(name)

    def holds(self, context: Mapping[str, object]) -> bool:
        """Whether it holds.

        :raises TemplateError: these values do not decide it
        """
        return self._template.render(context) == _HOLDS
