"""Regular expressions match as Java's do, in time linear in the text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.velocity import Limits, TemplateRenderError, compile_template
from promo_campaigns.velocity.patterns.pattern import Pattern
from promo_campaigns.velocity.values.meter import Meter
from promo_campaigns.velocity.values.values import Printer

ATOMS = st.sampled_from(["a", "b", "c", "[ab]", "[^a]", ".", "\\d", "\\w", "^", "$", "\\b"])
REPEATED = ["a", "[bc]", "(ab)", "(a|bc)"]
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda choices: f"({'|'.join(choices)})"),
        st.tuples(st.sampled_from(REPEATED), st.sampled_from(["*", "+", "?", "*?", "{2}", "{1,2}"])).map("".join),
    ),
    max_leaves=5,
)


def meter(steps: int) -> Meter:
    limits = Limits(steps=steps)
    return Meter(limits, Printer(limits))


@given(PATTERNS, st.text("abc1 \n", max_size=12))
def test_finds_what_backtracking_finds(pattern: str, text: str) -> None:
    expected = re.compile(pattern, re.ASCII).search(text)
    found = Pattern(pattern).find(text, 0, meter(1_000_000))
    assert (found and found[:2]) == (expected and expected.span())


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a|aa)*c", "a*a*a*a*b", "(a*)*$b"])
def test_the_work_grows_with_the_text_and_no_faster(pattern: str) -> None:
    costs = []
    for size in (200, 400, 800):
        counter = meter(10_000_000)
        Pattern(pattern).find("a" * size, 0, counter)
        costs.append(10_000_000 - counter.steps)
    assert costs[2] < 2.2 * costs[1] < 5 * costs[0]


@pytest.mark.parametrize(
    "pattern", ["(?=a)", "(?<!a)b", "(a)\\1", "(?i)a", "a++", "(", ")", "[a", "*", "a{2,1}", "\\p{L}", "[a&&b]"]
)
def test_a_pattern_that_is_wrong_or_needs_backtracking_ends_the_render(pattern: str) -> None:
    with pytest.raises(TemplateRenderError, match="regular expression"):
        compile_template("$s.matches($p)").render({"s": "abc", "p": pattern})
