"""Which tool stands behind which name, and what a template may ask of it."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import TemplateSyntaxError
from promo_campaigns.velocity.parser.tree import Assign, Call, Define, Loop, Macro, Property, Reference
from promo_campaigns.velocity.parser.walk import every
from promo_campaigns.velocity.place import error_at
from promo_campaigns.velocity.tools import barcode_tool, date_tool, escape_tool, math_tool, number_tool

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Block, Step
    from promo_campaigns.velocity.values.arguments import Method

METHODS: dict[type, dict[str, tuple[Method, ...]]] = {
    escape_tool.EscapeTool: escape_tool.METHODS,
    math_tool.MathTool: math_tool.METHODS,
    number_tool.NumberTool: number_tool.METHODS,
    date_tool.DateTool: date_tool.METHODS,
    barcode_tool.BarcodeTool: barcode_tool.METHODS,
}
NAMES: dict[str, type] = {
    "esc": escape_tool.EscapeTool,
    "mathTool": math_tool.MathTool,
    "math": math_tool.MathTool,
    "numberTool": number_tool.NumberTool,
    "number": number_tool.NumberTool,
    "dateTool": date_tool.DateTool,
    "date": date_tool.DateTool,
    "barcodeTool": barcode_tool.BarcodeTool,
    "barcode": barcode_tool.BarcodeTool,
}
CERTAIN = frozenset({"esc", "mathTool", "numberTool", "dateTool", "barcodeTool"})
"""Names that nobody gives a field or a parameter of an event: what they are asked for is checked before any contact."""


def tool_of(name: str, context: dict[str, object]) -> object:
    """Return the tool of a name, which speaks the language that the context has under ``language``."""
    language, zone = context.get("language"), context.get("time_zone")
    return _made(NAMES[name], language if type(language) is str else "", zone if type(zone) is str else "")


@lru_cache(maxsize=4096)
def _made(kind: type, language: str, zone: str) -> object:
    if kind is number_tool.NumberTool:
        return number_tool.NumberTool(language)
    return date_tool.DateTool(language, zone) if kind is date_tool.DateTool else kind()


def no_tool(value: object) -> object:
    """Return a value, or nothing for a tool: where a value is printed or tested, a tool stands for a missing one."""
    return None if type(value) in METHODS else value


def check_tools(text: str, tree: Block) -> None:
    """Refuse what a template asks of a tool that the tool does not do.

    :raises TemplateSyntaxError: naming the place
    """
    own = {inner.target.root for inner in every(tree) if isinstance(inner, Assign)}
    own |= {inner.variable for inner in every(tree) if isinstance(inner, Loop)}
    own |= {inner.name for inner in every(tree) if isinstance(inner, Define)}
    own |= {one.name for inner in every(tree) if isinstance(inner, Macro) for one in inner.parameters}
    for node in every(tree):
        if not isinstance(node, Reference) or node.root not in CERTAIN - own:
            continue
        methods = METHODS[NAMES[node.root]]
        if node.steps and _is_known(node.steps[0], methods):
            continue
        asked = getattr(node.steps[0], "name", "") if node.steps else ""
        problem = f"${node.root} has no {asked!r}" if asked else f"${node.root} is a tool, and no text"
        raise error_at(TemplateSyntaxError, text, node.at, problem, hint_of(methods, asked))


def hint_of(methods: dict[str, tuple[Method, ...]], asked: str) -> str:
    """Return what to write in place of a method that a tool does not have."""
    near = get_close_matches(asked, methods, n=1)
    shown = {f"{name[3].lower()}{name[4:]}" if name.startswith("get") and name != "get" else name for name in methods}
    return f"Did you mean {near[0]}?" if near else f"It has {', '.join(sorted(shown))}"


def _is_known(step: Step, methods: dict[str, tuple[Method, ...]]) -> bool:
    if isinstance(step, Call):
        return step.name in methods
    if not isinstance(step, Property):
        return False
    named = {step.name, f"get{step.name[:1].upper()}{step.name[1:]}"}
    return any(not form.signature for name in named for form in methods.get(name, ()))
