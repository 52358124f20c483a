"""The tools of the language work as the vendor and VelocityTools document them, and are never printed themselves."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.model.typed.moment import Moment
from promo_campaigns.velocity import TemplateError, TemplateRenderError, TemplateSyntaxError, compile_template
from promo_campaigns.velocity.tools import cldr
from promo_campaigns.velocity.tools.names import METHODS, NAMES

if TYPE_CHECKING:
    from promo_campaigns.velocity.template import Mode

KYIV = {
    "language": "uk",
    "time_zone": "Europe/Kyiv",
    "points": 1200,
    "price": Decimal("12.50"),
    "expires": Moment(datetime(2030, 12, 31, 23, 59, tzinfo=timezone.utc), "uk", has_time=False),
    "code": "S P&1#x",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$mathTool.add($points, 5)", "1205"),
        ("$mathTool.sub('7', 2)", "5"),
        ("#set($t = $mathTool.add(1, 2))$t", "3"),
        ("$math.div(7, 2) $math.div(6, 2) $math.idiv(7, 2)", "3.5 3 3"),
        ("$math.mul($price, 2) $math.roundTo(1, 3.14159) $math.round(2.5) $math.ceil(2.1)", "25.00 3.1 3 3"),
        ("$math.max(1, 3, 2) $math.total([1, 2, 3]) $math.average([1, 2])", "3 6 1.5"),
        ("$!math.div(1, 0)", ""),
        ("$number.format('#,##0.00', $points)", "1\u00a0200,00"),
        ("$number.format('#,##0.00', $points, 'en')", "1,200.00"),
        ("$number.currency($price, 'UAH') $number.percent(0.15)", "12,50\u00a0₴ 15%"),
        ("$number.plural(22) $number.plural(5) $number.plural(1)", "few many one"),
        ("#foreach($n in [1, 3, 7])$n $number.plural($n, {'one': 'код', 'few': 'коди', 'many': 'кодів'}) #end",
         "1 код 3 коди 7 кодів "),
        ("$expires.format('d MMMM yyyy')", "31 грудня 2030"),
        ("$expires.format('d MMMM yyyy', 'en-GB') $expires.format('long', 'de')", "31 December 2030 31. Dezember 2030"),
        ("$expires $expires.substring(0, 4) $expires.year $expires.plusDays(1)", "2030-12-31 2030 2030 2031-01-01"),
        ("$date.format('dd.MM.yyyy', $expires) $date.format('d MMM', '2030-01-02')", "31.12.2030 2 січ."),
        ("#if($date.toDate('2030-01-01').before($expires))yes#end#if($expires > $date.date)later#end", "yeslater"),
        ("$esc.url($code) $esc.html('<a>') $esc.javascript($code)", "S%20P%261%23x &lt;a&gt; S P\\u00261#x"),
        ("$esc.d$esc.h$esc.q$esc.dollar$esc.hash", '$#"$#'),
        ("$esc.javascript('</script>')", "\\u003C\\/script\\u003E"),
    ],
)  # fmt: skip
def test_the_tools_do_what_their_documentation_says(template: str, expected: str) -> None:
    assert compile_template(template).render(KYIV).replace("\u202f", "\u00a0") == expected


def test_date_tells_the_present_moment_in_the_contact_s_zone() -> None:
    told = compile_template("$date.get('yyyy-MM-dd HH:mm')").render({"time_zone": "Pacific/Kiritimati"})
    now = datetime.now(timezone(timedelta(hours=14)))
    assert told in {f"{now - timedelta(minutes=1):%Y-%m-%d %H:%M}", f"{now:%Y-%m-%d %H:%M}"}


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("$esc", "is a tool"),
        ("$esc.urll($code)", "Did you mean url"),
        ("$mathTool.plus(1, 2)", "has no 'plus'"),
        ("#if($x)$dateTool.formt('d', $x)#end", "Did you mean format"),
    ],
)
def test_what_a_tool_does_not_do_is_found_before_any_contact(template: str, problem: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=problem):
        compile_template(template)


@pytest.mark.parametrize(
    "template",
    [
        "$date", "$number", "$math", "$math.plus(1, 2)", "$number.format('0.0', $nothing)", "$math.add($nothing, 1)",
        "$math.div(1, 0)", "$number.format('abc', 1)", "$number.format('currency', 1)", "$number.currency(1, 'XXY')",
        "$date.format('QQQQQQQ', $expires)", "$expires.format('')", "$date.format('d', 'soon')", "$esc.html()",
        "$number.plural(5, {'one': 'code'})", "$date.foo",
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["text", "message", "html", "json", "strict"])
def test_a_tool_or_what_it_cannot_do_is_never_printed(template: str, mode: Mode) -> None:
    with pytest.raises(TemplateRenderError):
        compile_template(f'"{template}"', mode=mode).render(KYIV)


@pytest.mark.parametrize("name", ["date", "number", "math"])
def test_a_value_of_the_contact_comes_before_a_tool_of_its_name(name: str) -> None:
    template = compile_template(f"#if(${name})yes#{{else}}no#end $!{name}")
    assert template.render({name: "mine"}) == "yes mine"
    assert template.render({}) == "no "


@given(
    name=st.sampled_from([*NAMES]), value=st.none() | st.text(max_size=20) | st.integers() | st.floats() | st.decimals()
)
def test_no_value_makes_a_tool_do_more_than_answer_or_refuse(name: str, value: object) -> None:
    for method, forms in METHODS[NAMES[name]].items():
        for form in forms:
            arguments = ", ".join(["$x"] * len(form.signature.rstrip("*")))
            template = compile_template(f"$!{name}.{method}({arguments})")
            with suppress(TemplateError):
                template.render({"x": value})


@given(st.text(max_size=60), st.text(max_size=12))
def test_no_pattern_or_language_breaks_a_render(pattern: str, language: str) -> None:
    template = compile_template("$!expires.format($p, $l)$!number.format($p, 1234.5, $l)")
    with suppress(TemplateError):
        template.render({"expires": KYIV["expires"], "p": pattern, "l": language})


@pytest.mark.parametrize(("language", "known"), [("uk-UA", "uk_UA"), ("uk-XX", "uk"), ("xx", "en"), ("", "en")])
def test_a_language_falls_back_to_the_nearest_that_is_known(language: str, known: str) -> None:
    assert str(cldr.locale_of(language)) == known


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$points + 5: #set($x = $points + 5)$x", "1200 + 5: 1205"),
        (
            "#set($x = $price + 0.1)$x #set($y = $price * 3)$y #set($z = $price / 3)$z #set($r = 13 % $price)$r",
            "12.60 37.50 4.17 0.50",
        ),
        ("#if($price == 12.5 && $price > 12 && 13 >= $price)yes#end", "yes"),
        ("#set($x = 'a' + $price)$x $price.setScale(0) $price.intValue()", "a12.50 13 12"),
        ("#set($n = -$price)$n#set($big = 12345678.9)", "-12.50"),
    ],
)
def test_an_exact_number_is_calculated_with_exactly(template: str, expected: str) -> None:
    assert compile_template(template).render(KYIV) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9), st.integers())
def test_exact_numbers_add_up_as_decimals_do(price: Decimal, count: int) -> None:
    shown = compile_template("#set($x = $p + $n)$x").render({"p": price, "n": count % 10**6})
    assert Decimal(shown) == price + count % 10**6


def test_velocity_count_counts_the_turns_of_a_loop() -> None:
    template = "#foreach($i in ['a', 'b'])$velocityCount:$i#if($velocityHasNext), #end#end"
    assert compile_template(template).render({}) == "1:a, 2:b"
