"""A value inside of a link stays within the part of the link that the template gives it."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from promo_campaigns.velocity.template import Mode

CODE = "S P&1#x"
CONTEXT = {
    "promocode": CODE,
    "email": "олена+a@example.com",
    "link": "https://x.example/?a=1&b=2",
    "name": "A B",
    "host": "shop.example",
    "phone": "+49 30 1",
    "list": [1, 2],
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("https://s.example/?code=$promocode&utm=x $name", "https://s.example/?code=S%20P%261%23x&utm=x A B"),
        ("myapp://promo/$promocode#$name", "myapp://promo/S%20P%261%23x#A%20B"),
        ("Shop: s.example/?c=$promocode, $name", "Shop: s.example/?c=S%20P%261%23x, A B"),
        ("(https://s.example/p/$name) $promocode", "(https://s.example/p/A%20B) S P&1#x"),
        ("https://$host/?c=$promocode", "https://shop.example/?c=S%20P%261%23x"),
        (
            "mailto:$email?subject=$promocode",
            "mailto:%D0%BE%D0%BB%D0%B5%D0%BD%D0%B0+a@example.com?subject=S%20P%261%23x",
        ),
        ('#set($l = "https://s.example/?c=$promocode")$l', "https://s.example/?c=S%20P%261%23x"),
        ("https://s.example/?c=$esc.url($promocode)", "https://s.example/?c=S%20P%261%23x"),
        (
            "https://s.example/#if($name)?n=$name#{else}x/$name#end&c=$promocode",
            "https://s.example/?n=A%20B&c=S%20P%261%23x",
        ),
        ("https://s.example/?#foreach($i in $list)i=$i&#end$promocode", "https://s.example/?i=1&i=2&S%20P%261%23x"),
        (
            "$link $promocode 1.5/$name 20.12.2030/$name a@b.example",
            "https://x.example/?a=1&b=2 S P&1#x 1.5/A B 20.12.2030/A B a@b.example",
        ),
        ("$!none https://s.example/?x=$!none&y=$name", " https://s.example/?x=&y=A%20B"),
    ],
)
def test_a_value_in_a_link_of_a_text_is_encoded(template: str, expected: str) -> None:
    assert compile_template(template, mode="message").render(CONTEXT) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('<a href="https://s.example/?code=$promocode&amp;n=$name" title="$promocode">$promocode</a>',
         '<a href="https://s.example/?code=S%20P%261%23x&amp;n=A%20B" title="S P&amp;1#x">S P&amp;1#x</a>'),
        ("<a href='$link'>$name</a>", "<a href='https://x.example/?a=1&amp;b=2'>A B</a>"),
        ("<a href=$link&amp;c=$promocode>", "<a href=https://x.example/?a=1&amp;b=2&amp;c=S%20P%261%23x>"),
        ("<p>https://s.example/?c=$promocode</p>", "<p>https://s.example/?c=S%20P%261%23x</p>"),
        ('<a href="tel:$phone"><img src="/i/${promocode}.png">',
         '<a href="tel:+49%2030%201"><img src="/i/S%20P%261%23x.png">'),
        ('<!--#if($name)--><a class="x" href="https://s.example/?c=$promocode"><!--#end-->',
         '<!----><a class="x" href="https://s.example/?c=S%20P%261%23x"><!---->'),
        ('<a #if($name)href="https://s.example/?c=#end$promocode">', '<a href="https://s.example/?c=S%20P%261%23x">'),
        ("<script>if (a<b) {'$esc.javascript($name)'}</script><a href='/x/$promocode'>",
         "<script>if (a<b) {'A B'}</script><a href='/x/S%20P%261%23x'>"),
        ("$esc.html('<b>') $esc.url($promocode)", "&lt;b&gt; S%20P%261%23x"),
    ],
)  # fmt: skip
def test_a_value_in_a_link_of_html_is_encoded(template: str, expected: str) -> None:
    assert compile_template(template, mode="html").render(CONTEXT) == expected


class Links(HTMLParser):
    """Collects the links of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name == "href" and tag == "a"]


QUERY = "https://s.example/p/$x/?a=1&code=$x&b=2#$x"


@pytest.mark.parametrize("mode", ["message", "html"])
@given(value=st.text(st.characters(codec="utf-8"), max_size=20))
def test_no_value_changes_the_structure_of_a_link(mode: Mode, value: str) -> None:
    text = QUERY if mode == "message" else f'<a href="{QUERY}">x</a>'
    shown = compile_template(text, mode=mode).render({"x": value})
    (link,) = [shown] if mode == "message" else Links(shown).found
    parts = urlsplit(link)
    assert link.isascii()
    assert (parts.scheme, parts.netloc) == ("https", "s.example")
    assert unquote(parts.path) == f"/p/{value}/"
    assert parse_qs(parts.query, keep_blank_values=True) == {"a": ["1"], "code": [value], "b": ["2"]}
    assert unquote(unescape(parts.fragment)) == value


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        ("/x/$esc.url($promocode)?a=$esc.url($name)", "url", "/x/S%20P%261%23x?a=A%20B"),
        ("<a>$esc.xml($promocode)</a>", "xml", "<a>S P&amp;1#x</a>"),
        ('{"a": "https://s.example/?c=$esc.url($promocode)", "b": $esc.url($name)}', "json",
         '{"a": "https://s.example/?c=S%20P%261%23x", "b": "A%20B"}'),
    ],
)  # fmt: skip
def test_what_a_template_encodes_itself_is_not_encoded_twice(text: str, mode: Mode, expected: str) -> None:
    assert compile_template(text, mode=mode).render(CONTEXT) == expected


def test_velocity_itself_leaves_links_alone() -> None:
    assert compile_template("https://s.example/?c=$name").render(CONTEXT) == "https://s.example/?c=A B"
