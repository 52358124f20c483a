"""A rendered body is JSON with the structure its template has, whatever the values are."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.velocity import TemplateRenderError, TemplateSyntaxError, compile_template

SPECIAL = ['"', "\\", "\ud800", "\udc00\ud800", "\u2028", "\x00", "</script>", "$x", "#end"]
ANY_TEXT = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(SPECIAL)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)
BODY = compile_template(
    "#set($both = \"$!a-$!{data.get('b')}\")\n"
    '{"first": "$!a", "second": ["x $!data.b y", $value], "set": "$both", "$!a key": {"deep": $!missing}}',
    mode="json",
)


def through_json(value: object) -> object:
    return json.loads(json.dumps(value))


@given(ANY_TEXT, ANY_TEXT, JSON_VALUES)
def test_every_value_keeps_the_structure_and_comes_out_as_it_went_in(a: str, b: str, value: object) -> None:
    if value is None:
        value = False
    text = BODY.render({"a": a, "data": {"b": b}, "value": value})
    text.encode()
    found = json.loads(text)
    joined = {
        key: json.loads(json.dumps(part))
        for key, part in {"both": f"{a}-{b}", "key": f"{a} key", "mid": f"x {b} y"}.items()
    }
    assert found["first"] == json.loads(json.dumps(a))
    assert found["second"] == [joined["mid"], json.loads(json.dumps(value))]
    assert found["set"] == joined["both"]
    assert list(found) == ["first", "second", "set", joined["key"]]


def outcome(text: str, **context: object) -> str:
    return compile_template(text, mode="json").render(context)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"a": $!x}', '{"a": null}'),
        ('{"a": "$!x"}', '{"a": ""}'),
        ('{"a": ${x|5}}', '{"a": 5}'),
        ('{"a": "${x|\'none\'}"}', '{"a": "none"}'),
        ('#if($x){"a": 1}#{else}{"b": 2}#end', '{"b": 2}'),
        ("[#foreach($i in [1..3])$i#if($foreach.hasNext), #end#end]", "[1, 2, 3]"),
        ('[#foreach($i in ["a", "b"]){"n": "$i"}#if($foreach.hasNext),#end#end]', '[{"n": "a"},{"n": "b"}]'),
        ('#macro(pair $k $v)"$k": "$v"#end{#pair("a" "b\'c")}', '{"a": "b\'c"}'),
        ('#define($d)a"b#end{"a": "$d", "b": $d}', '{"a": "a\\"b", "b": "a\\"b"}'),
        ('{"a": "\\$price", "b": "\\\\$!x"}', '{"a": "$price", "b": "\\\\"}'),
        ('{"a": "x#if(true)y#{else}z#end"}', '{"a": "xy"}'),
        ('{"a": "#[[$x]]#"}', '{"a": "$x"}'),
        ('{"\\$ref": "#/a"}', '{"$ref": "#/a"}'),
    ],
)  # fmt: skip
def test_a_body_of_every_form_comes_out_as_json(template: str, expected: str) -> None:
    found = outcome(template)
    json.loads(found)
    assert found == expected


@pytest.mark.parametrize(
    "template",
    [
        '{"a": "$x"}',
        '{"a": $x}',
        '{"a": "$x.y"}',
        """{"a": "$x.get('code')"}""",
        '#set($u = "http://$x"){"a": "$u"}',
        """#set($u = 'a' + $x){"a": "$u"}""",
        '#macro(m $p){"a": "$p"}#end#m($x)',
        '#define($d)$x#end{"a": "$d"}',
    ],
)
def test_a_missing_plain_reference_fails_that_contact_and_never_posts_template_text(template: str) -> None:
    with pytest.raises(TemplateRenderError, match="missing"):
        outcome(template)


@pytest.mark.parametrize(
    "template",
    [
        '{"a": $x',
        '{"a": 1 $x}',
        "{$x: 1}",
        '{"a": $x$x}',
        '{"a": "\\u00$x"}',
        '{"a": "\\$!x\\q"}',
        '{"a": "b}',
        '{"a": \\$x}',
        '{"a": #if($x)"b#{else}1#end}',
        '{"a": "$x\n"}',
        "[NaN, $x]",
        '{"a": "x\\',
        '#macro(m)$x#end{"a": "#m()", "b": #m()}',
        '#foreach($i in $x)"#end',
    ],
)
def test_a_template_that_can_be_no_json_is_refused_when_it_is_compiled(template: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        compile_template(template, mode="json")


@pytest.mark.parametrize(
    "template",
    ["[#foreach($i in [1..3])$i,#end]", '#*#macro(m)*#{"a": "#m("x")"}', '{#if($x)"a": 1,#end "b": 2,}#stop', "#stop"],
)
def test_a_result_whose_structure_depends_on_values_is_checked(template: str) -> None:
    with pytest.raises(TemplateRenderError, match="no JSON"):
        outcome(template)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_does_not_have_fails_the_contact(value: float) -> None:
    with pytest.raises(TemplateRenderError):
        outcome('{"a": $x}', x=value)


def test_an_error_names_the_place_where_the_body_is_no_json() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template('{"a": 1,\n "b" 2}', mode="json")
    assert (caught.value.line, caught.value.column) == (2, 6)
