"""Values print as Java prints them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.velocity import LimitExceededError, Limits, TemplateRenderError, compile_template
from promo_campaigns.velocity.values.hashes import signed
from promo_campaigns.velocity.values.text_methods import narrow, wide
from promo_campaigns.velocity.values.values import double_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.0, "1.0"), (1e7, "1.0E7"), (9999999.0, "9999999.0"), (1e-3, "0.001"), (9.5e-4, "9.5E-4"), (-0.0, "-0.0"),
     (1.25e300, "1.25E300"), (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (5e-324, "5.0E-324")],
)  # fmt: skip
def test_a_double_prints_as_in_java(value: float, expected: str) -> None:
    assert double_text(value) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_double_is_that_double(value: float) -> None:
    assert float(double_text(value)) == value


@given(st.text(st.characters(codec=None)))
def test_utf_16_halves_join_to_the_text_they_came_from(text: str) -> None:
    assert narrow(wide(text)) == narrow(text)
    assert len(wide(text)) == len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(st.integers())
def test_an_int_wraps_to_32_bits(value: int) -> None:
    assert -(1 << 31) <= signed(value) < 1 << 31
    assert (signed(value) - value) % (1 << 32) == 0


@given(
    st.recursive(
        st.integers() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_value_is_the_same_in_a_batch_and_alone_and_is_not_changed(value: object) -> None:
    template = compile_template("$!x #if($x == $x)same#end #foreach($i in $x)$!i#end")
    before = repr(value)
    alone = template.render({"x": value})
    assert template.render_many([{"x": value}, {"x": value}]) == [alone, alone]
    assert repr(value) == before


def test_a_value_of_an_unknown_type_fails_its_contact_and_is_not_shown() -> None:
    with pytest.raises(TemplateRenderError, match="type set") as caught:
        compile_template("$x").render({"x": {"secret"}})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("template", "limits"),
    [
        ("#foreach($i in [1..100])x#end", Limits(steps=50)),
        ("#foreach($i in [1..100])x#end", Limits(items=50)),
        ("#foreach($i in [1..100])x#end", Limits(output=50)),
        ("#macro(m $n)#if($n > 0)#set($k = $n - 1)#m($k)#end#end#m(9)", Limits(macro_depth=5)),
        ("#set($x = 'aaaaaaaaaa' + 'aaaaaaaaaa')", Limits(string=15)),
        ("#set($x = 99999 * 99999)", Limits(digits=8)),
        ("$a $b $c", Limits(nodes=4)),
        ("#if($a)#if($b)#if($c)#end#end#end", Limits(nesting=3)),
        ("#foreach($i in $a)#foreach($j in $i)#end#end", Limits(loops=1)),
        ("Hello World", Limits(template=10)),
    ],
)
def test_each_limit_is_kept(template: str, limits: Limits) -> None:
    compile_template(template).render({})
    with pytest.raises(LimitExceededError):
        compile_template(template, limits=limits).render({})


def test_halves_of_a_pair_that_meet_are_one_character_again_and_a_lone_one_is_an_error() -> None:
    template = compile_template("$s.substring(0, 1)$!rest")
    assert template.render({"s": "\U0001f600", "rest": "\ude00"}) == "\U0001f600"
    with pytest.raises(TemplateRenderError, match="half"):
        template.render({"s": "\U0001f600"})
