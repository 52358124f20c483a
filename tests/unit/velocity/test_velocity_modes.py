"""Values in XML, in a URL, and where nothing may be missing."""

from __future__ import annotations

import sys
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.model.errors import TemplateRenderError, TemplateSyntaxError
from promo_campaigns.velocity import Template, compile_template

WRITABLE = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r")
)
XML = compile_template("<a b=\"$v\" c='$!v'>$v<!-- -->${v}</a>", mode="xml")


@given(WRITABLE)
def test_a_value_stays_inside_its_element_and_its_attribute(value: str) -> None:
    read = ElementTree.fromstring(XML.render({"v": value}))
    assert read.tag == "a"
    assert read.text is None or set(read.text) <= set(value)
    assert "".join(read.itertext()) == value + value
    assert len(read) == 0


def test_a_value_encoded_again_and_again_costs_no_more_than_its_length() -> None:
    """Nobody on the way decodes that often, so it is refused, and not followed to its end."""
    counted: list[int] = []
    for length in (1_000, 16_000):
        decoded = 0

        def count(frame: object, event: str, _: object) -> None:
            nonlocal decoded
            decoded += event == "call" and getattr(frame, "f_code", None) is unquote.__code__

        sys.setprofile(count)
        try:
            with pytest.raises(TemplateRenderError, match="leads to another path"):
                compile_template("/a/$v", mode="url").render({"v": "%" + "25" * length})
        finally:
            sys.setprofile(None)
        counted.append(decoded)
    assert counted[0] == counted[1] > 0


@given(st.text() | st.text(alphabet="./\\%25eEfF;?#&=+ \t\r\n\x00a"))
def test_a_value_stays_one_part_of_a_path_and_one_of_a_query(value: str) -> None:
    template = compile_template("/a/$v/b?q=$v&r=1", mode="url")
    try:
        url = urlsplit(template.render({"v": value}))
    except TemplateRenderError:
        return
    assert unquote(url.path.split("/")[2]) == value
    assert url.path.count("/") == 3
    assert parse_qs(url.query, keep_blank_values=True) == {"q": [value], "r": ["1"]}
    assert url.fragment == ""


LEADING = (
    *(".", "..", "%2e", "%2E%2e", ".%2e", "%252e%252e", "../x", "x/..", "x/./y", "..\\x", "x\\..", "..;x", "..;/x"),
    *("..%2fx", "%2e%2e%5cx", " ..", "..\t", "..\x00", "\r\n..", "..%20", "..%00"),
)


@pytest.mark.parametrize("value", LEADING)
@pytest.mark.parametrize("text", ["/v1/contacts/$v/codes", "/v1/$v", "/v1/$!v/?q=$v", "/v1/#define($d)$v#end$d/x"])
def test_a_value_that_leads_to_another_path_is_refused(text: str, value: str) -> None:
    with pytest.raises(TemplateRenderError, match="leads to another path"):
        compile_template(text, mode="url").render({"v": value})


@pytest.mark.parametrize("text", ["/v1/$a/codes", "/v1/$b$a$a/codes", "/v1/$!none/codes", "/v1/x/$a"])
def test_a_value_that_leaves_a_part_of_the_path_empty_is_refused(text: str) -> None:
    with pytest.raises(TemplateRenderError, match="a value is empty"):
        compile_template(text, mode="url").render({"a": "", "b": "", "none": None})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/v1/$dot$dot", None),
        ("/v1/.$dot/x", None),
        ("/v1/a$dot", "/v1/a."),
        ("/v1/$dot${dot}x", "/v1/..x"),
        ("/v1/${id}.json", "/v1/7.json"),
        ("/v1/$a$id", "/v1/7"),
        ("/v1//x/$id", "/v1//x/7"),
        ("/v1/x?up=$dot$dot&no=$a", "/v1/x?up=..&no="),
        ("/v1#if($id)/x#end/$slash", "/v1/x/a%2Fb"),
        ("/v1/#define($block)$slash#end$block", "/v1/a%2Fb"),
    ],
)
def test_a_part_is_judged_as_a_whole(text: str, path: str | None) -> None:
    """What stands beside a value in its part counts, and a query is no path."""
    template = compile_template(text, mode="url")
    context = {"dot": ".", "id": 7, "a": "", "slash": "a/b"}
    if path is None:
        with pytest.raises(TemplateRenderError, match="leads to another path"):
            template.render(context)
    else:
        assert template.render(context) == path


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1f", "\ufffe", "a\x08b"])
def test_what_xml_cannot_write_is_refused_without_being_shown(bad: str) -> None:
    with pytest.raises(TemplateRenderError, match="a character that XML does not allow") as caught:
        XML.render({"v": f"canary{bad}"})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("mode", ["xml", "url", "strict", "json"])
def test_a_missing_value_is_an_error_and_a_quiet_one_is_nothing(mode: str) -> None:
    text = {"xml": "<a>{}</a>", "url": "/?v={}", "strict": "x{}", "json": '"{}"'}[mode]
    with pytest.raises(TemplateRenderError, match="a value is missing"):
        compile_template(text.format("$v"), mode=mode).render({})  # type: ignore[arg-type]  # one of the modes
    assert compile_template(text.format("$!v"), mode=mode).render({}) == text.format("")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["<a>", "<a></b>", "<a>&</a>", "<a/><b/>", "", "x", "<a b=$v/>", "<!DOCTYPE a><a/>", "#set($x = 1)<a>$x"]
)
def test_a_body_that_can_never_be_xml_is_refused_when_it_is_compiled(text: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="no well-formed XML"):
        compile_template(text, mode="xml")


def test_a_body_that_is_xml_for_some_values_only_fails_for_the_others() -> None:
    template = compile_template("<a>#if($v)</a>#end", mode="xml")
    assert template.render({"v": True}) == "<a></a>"
    with pytest.raises(TemplateRenderError, match="no well-formed XML"):
        template.render({"v": False})


def test_a_loop_in_xml_escapes_each_value() -> None:
    template = compile_template("<r>#foreach($c in $batch)<c>$c.get('n')</c>#end</r>", mode="xml")
    assert template.render({"batch": [{"n": "<&>"}, {"n": "]]>"}]}) == "<r><c>&lt;&amp;&gt;</c><c>]]&gt;</c></r>"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("#set($url=$!data.get('a'))$!data.get('b')", {"b"}),
        ("#set($url=$!data.get('a'))$!data.get('a').get('x')", {"a"}),
        ("#set($url=$!data.get('a').get('x'))", {"a"}),
        ("#if($data.a)1#end#foreach($x in $data['b'])$x#end", {"a", "b"}),
        ("$!promocode $data", set()),
    ],
)
def test_names_that_are_read_are_told_from_names_that_are_bound(text: str, names: set[str]) -> None:
    assert compile_template(text).names_read == names


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        *[
            (text, True)
            for text in (
                "$promocode",
                "$!{promocode}",
                "$data.get('promocode')",
                "$data.promocode",
                "$data['promocode']",
            )
        ],
        *[(text, True) for text in ("$data", "$data.get($x)", "$data.values()", "#if($data.get('promocode'))1#end")],
        *[
            (text, False)
            for text in ("$first_name", "$data.get('discount')", "promocode", "$!data.get('promocode_type')")
        ],
    ],
)
def test_a_template_that_may_read_a_name_is_known(text: str, reads: bool) -> None:  # noqa: FBT001  (the expected value)
    assert compile_template(text).reads("promocode") is reads


def test_a_template_of_each_mode_survives_pickling() -> None:
    import pickle

    copy: Template = pickle.loads(pickle.dumps(XML))  # noqa: S301  (our own)
    assert copy.render({"v": "<"}) == XML.render({"v": "<"})
