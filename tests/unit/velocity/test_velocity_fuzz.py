"""Whatever a template says and whatever values it meets: a text or one of the three errors, never an attribute read."""

import json
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from promo_campaigns.velocity import (
    LimitExceededError,
    Limits,
    TemplateRenderError,
    TemplateSyntaxError,
    compile_template,
)
from unit.velocity.velocity_grammar import CONTEXT, bodies, templates

ERRORS = (TemplateSyntaxError, TemplateRenderError, LimitExceededError)
SMALL = Limits(template=400, nodes=200, steps=2_000, items=100, string=200, digits=30, output=500)
PIECES = [
    "$",
    "$!",
    "${",
    "}",
    "#",
    "##",
    "#*",
    "*#",
    "#[[",
    "]]#",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "{",
    "'",
    '"',
    ".",
    "..",
    ",",
    "|",
    "-",
    "+",
    "*",
    "/",
    "%",
    "==",
    "&&",
    "!",
    "1",
    "1.5",
    "true",
    "null",
    "in",
    "=",
    "é",
]
PIECES += [
    "#if",
    "#end",
    "#else",
    "#elseif",
    "#set",
    "#foreach",
    "#macro",
    "#define",
    "#break",
    "#stop",
    "#@m",
    "#m",
    "$trap",
    "$x",
    "$list",
    "$data",
    ".get",
    ".foo",
]
PIECES += [" ", "\n", "\r\n", "\t", "\U0001f600", "\x00", "\ud800", "__class__", "9" * 40, "$s.class"]


class TouchedError(BaseException):
    """An attribute of a value was read."""


class Trap:
    """A value that nobody may look into."""

    def __getattribute__(self, name: str) -> object:
        raise TouchedError(name)


class TextTrap(str):
    """A text of a type that is not quite `str`."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> object:
        raise TouchedError(name)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.builds(Trap), st.builds(TextTrap)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
    max_leaves=8,
)
MODES = st.sampled_from(["text", "json", "html"])
DIALECTS = st.sampled_from(["2.4", "1.7"])


def run(
    text: str, mode: Literal["text", "json", "html"], dialect: Literal["2.4", "1.7"], context: dict[str, object]
) -> None:
    try:
        found = compile_template(text, mode=mode, dialect=dialect, limits=SMALL).render(context)
    except ERRORS:
        return
    found.encode()
    if mode == "json":
        json.loads(found)
    assert len(found) <= SMALL.output + 6 * SMALL.output * (mode == "json")


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), MODES, DIALECTS, VALUES)
def test_any_text_is_a_template_or_an_error(
    text: str, mode: Literal["text", "json", "html"], dialect: Literal["2.4", "1.7"], value: object
) -> None:
    run(text, mode, dialect, {**CONTEXT, "x": value, "trap": Trap()})


@settings(max_examples=250)
@given(templates(), MODES, DIALECTS, VALUES, st.sampled_from(list(CONTEXT)))
def test_any_template_of_the_grammar_takes_any_values(
    text: str, mode: Literal["text", "json", "html"], dialect: Literal["2.4", "1.7"], value: object, name: str
) -> None:
    run(text, mode, dialect, {**CONTEXT, name: value, "x": value})


@settings(max_examples=100)
@given(templates(), st.data())
def test_a_template_cut_anywhere_is_a_template_or_an_error(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    run(text[:cut], "text", "2.4", CONTEXT)
    run(text[cut:], "text", "1.7", CONTEXT)


@settings(max_examples=400)
@given(bodies(), DIALECTS, VALUES)
def test_a_body_is_json_whatever_its_directives_and_values_are_or_an_error(
    text: str, dialect: Literal["2.4", "1.7"], value: object
) -> None:
    run(text, "json", dialect, {**CONTEXT, "x": value, "d": "\"'"})
