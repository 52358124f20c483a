"""In an e-mail values are text, and directives may stand in comments."""

from html.parser import HTMLParser
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.velocity import compile_template

MAIL = compile_template(
    "<!-- #if($vip) --><a title=\"$name\" href='$url'>$name</a><!-- #end --><p>$name</p>", mode="html"
)


class Tags(HTMLParser):
    """Collects the tags of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(" ".join([tag, *(name for name, _ in attrs)]))


@given(st.text())
def test_no_value_opens_a_tag_or_adds_an_attribute(value: str) -> None:
    assert Tags(MAIL.render({"vip": True, "name": value, "url": value})).found == ["a title href", "p"]


def test_directives_work_inside_comments() -> None:
    assert MAIL.render({"vip": False, "name": "Anna"}) == "<!--  --><p>Anna</p>"
    assert MAIL.render({"vip": True, "name": "Anna", "url": "u"}).startswith("<!--  --><a title=\"Anna\" href='u'>")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$name", "&lt;b&gt;"),
        ("$!name ${name|'<i>'} ${foo|'<i>'}", "&lt;b&gt; &lt;b&gt; &lt;i&gt;"),
        ('#set($x = "<u>$name</u>")$x', "&lt;u&gt;&lt;b&gt;&lt;/u&gt;"),
        ("#define($x)<u>$name</u>#end$x", "<u>&lt;b&gt;</u>"),
        ("#macro(m $x)<u>$x</u>#end#m($name)", "<u>&lt;b&gt;</u>"),
        ("#macro(m)<u>$bodyContent</u>#end#@m()$name#end", "<u>&lt;b&gt;</u>"),
        ("#foreach($x in [$name])<u>$x</u>#end", "<u>&lt;b&gt;</u>"),
        ("$foo <b>$!foo</b>", "$foo <b></b>"),
        ("\\\\$name", "\\&lt;b&gt;"),
    ],
)
def test_values_are_escaped_once_and_the_template_is_not(template: str, expected: str) -> None:
    assert compile_template(template, mode="html").render({"name": "<b>"}) == expected


EDITOR = [
    ("<!--#if($vip)-->A<!--#else-->B<!--#end-->", "<!---->B<!---->"),
    ("<!--#if($name)-->A<!--#elseif($vip)-->B<!--#end-->", "<!---->A<!---->"),
    ("<!--#foreach($i in [1..2])--><td>$i</td><!--#end-->", "<!----><td>1</td><!----><td>2</td><!---->"),
    ("<!--#set($x = 'a')-->$x", "<!---->a"),
    ("<!--#macro(m $x)-->[$x]<!--#end-->#m(1)", "<!---->-->[1]<!--"),
]


@pytest.mark.parametrize("dialect", ["2.4", "1.7"])
@pytest.mark.parametrize(("template", "expected"), EDITOR)
def test_directives_written_as_comments_leave_comments(
    template: str, expected: str, dialect: Literal["2.4", "1.7"]
) -> None:
    assert compile_template(template, mode="html", dialect=dialect).render({"name": "<b>"}) == expected
