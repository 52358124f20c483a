"""What a compiled template offers its callers."""

import gc
import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from promo_campaigns.velocity import (
    BoundSource,
    LimitExceededError,
    TemplateRenderError,
    TemplateSyntaxError,
    compile_template,
)

PUSH = "#set($url = $!data.get('links'))Hi $!{first_name}! Your code $data.get('promocode') is at $url.get('short')."


def test_a_value_is_printed_where_its_reference_stands() -> None:
    context = {"data": {"links": {"short": "ex.am/1"}, "promocode": "SPRING"}, "first_name": "Anna"}
    assert compile_template(PUSH).render(context) == "Hi Anna! Your code SPRING is at ex.am/1."


def test_render_many_gives_each_contact_its_own_outcome() -> None:
    template = compile_template('{"code": "$code"}', mode="json")
    first, second, third = template.render_many([{"code": "A"}, {}, {"code": 'B"'}])
    assert first == '{"code": "A"}'
    assert isinstance(second, TemplateRenderError)
    assert second.__context__ is None, "an error may not keep the frames that hold the values"
    assert second.__traceback__ is None
    assert third == '{"code": "B\\""}'


def test_the_error_of_a_missing_value_names_its_place_and_a_remedy() -> None:
    template = compile_template('{\n "code": "$code"}', mode="json")
    with pytest.raises(TemplateRenderError) as caught:
        template.render({})
    assert (caught.value.line, caught.value.column, caught.value.excerpt) == (2, 11, ' "code": "$code"}')
    assert "$!" in caught.value.hint


def test_errors_never_hold_a_value() -> None:
    template = compile_template("$name.substring(50)")
    with pytest.raises(TemplateRenderError) as caught:
        template.render({"name": "Annabella"})
    assert "Annabella" not in str(caught.value)


def test_a_syntax_error_names_its_line_and_column() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template("Hi\n  #if($x)\nthere")
    assert (caught.value.line, caught.value.column, caught.value.excerpt) == (2, 3, "  #if($x)")


def test_references_are_what_the_template_reads_and_does_not_set() -> None:
    template = compile_template("#set($x = $data.get('a'))$x $!{data.b} $data['c'] $name #foreach($i in $list)$i#end")
    assert template.references == {"data": {"a", "b", "c"}, "name": frozenset(), "list": frozenset()}


def test_a_bound_data_source_knows_whether_its_answer_is_read() -> None:
    template = compile_template("#set($a = $!data.get('one'))\n#set($b = $!data.get('two'))\n$!b.get('code')")
    assert template.data_sources == (
        BoundSource("one", answer_read=False, line=1),
        BoundSource("two", answer_read=True, line=2),
    )


def test_an_answer_read_before_it_is_bound_counts_only_inside_a_loop() -> None:
    once = compile_template("$!a #set($a = $!data.get('one'))")
    repeated = compile_template("#foreach($i in [1, 2])$!a #set($a = $!data.get('one'))#end")
    assert [once.data_sources[0].answer_read, repeated.data_sources[0].answer_read] == [False, True]


def test_a_json_body_escapes_inside_strings_and_writes_json_outside() -> None:
    template = compile_template(
        '{"name": "$name", "n": $n, "tags": $tags, "none": $!none, "empty": "$!none"}', mode="json"
    )
    found = template.render({"name": 'A "quoted" \\ \n name', "n": 2.5, "tags": ["x", None, {"k": True}]})
    assert json.loads(found) == {
        "name": 'A "quoted" \\ \n name',
        "n": 2.5,
        "tags": ["x", None, {"k": True}],
        "none": None,
        "empty": "",
    }


def test_a_json_body_whose_branches_end_differently_is_refused() -> None:
    with pytest.raises(TemplateSyntaxError, match="branches"):
        compile_template('{"a": #if($x)"b#{else}1#end}', mode="json")


def test_html_mode_escapes_values() -> None:
    template = compile_template('<a href="$url">$name</a>', mode="html")
    assert template.render({"url": '"><b>', "name": "A & B"}) == '<a href="&quot;&gt;&lt;b&gt;">A &amp; B</a>'


def test_a_template_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(compile_template("Hi $name"))).render({"name": "Anna"}) == "Hi Anna"  # noqa: S301  (own bytes)


def test_memory_does_not_grow_with_the_number_of_renders() -> None:
    template = compile_template(f"{PUSH}#foreach($i in $list)$i.toUpperCase()#end#macro(m $x)$x#end#m($list)")
    context = {"data": {"links": {"short": "ex.am/1"}, "promocode": "SPRING"}, "list": ["a", "b"]}
    for _ in range(2_000):
        template.render(context)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(20_000):
        template.render(context)
    gc.collect()
    assert sys.getallocatedblocks() - before < 200


def test_one_template_serves_many_threads_at_once() -> None:
    template = compile_template("#set($x = $n)#foreach($i in [1..50])#set($x = $x + $i)#end$x")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: template.render({"n": number}), range(400)))
    assert found == [str(number + 1275) for number in range(400)]


def test_the_callers_data_is_copied_only_as_deep_as_a_change_goes() -> None:
    inner = {"k": 1}
    context = {"a": {"inner": inner}, "b": inner}
    template = compile_template("#set($a.inner.k = 2)$a.inner.k $b.k")
    assert template.render(context) == "2 2"
    assert context == {"a": {"inner": {"k": 1}}, "b": {"k": 1}}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("#if($x", 1, 7),
        ("a\nb #foreach($i $x)#end", 2, 3),
        ('one\n#set($x = "two $y.z(1")', 2, 22),
        ("#end", 1, 1),
        ("${name", 1, 1),
        ("x\r\n$name[x]", 2, 7),
    ],
)
def test_a_syntax_error_points_at_the_place(text: str, line: int, column: int) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_render_error_points_into_loops_macros_and_branches() -> None:
    template = compile_template("#macro(m $x)\n  $x.get(5)\n#end\n#foreach($i in [1])\n#if($i)\n#m([1])\n#end\n#end")
    with pytest.raises(TemplateRenderError) as caught:
        template.render({})
    assert (caught.value.line, caught.value.column) == (2, 5)


def test_a_word_that_swallowed_its_end_is_named() -> None:
    with pytest.raises(TemplateSyntaxError, match=r"#endOrder.*#\{end\}"):
        compile_template("#if($x)Hi#endOrder now")


DEEP = [
    ("({} or $t and {})", "$t"),
    ("!({} && !{})", "$t"),
    ("$m.get({}).get({})", "$t"),
    ("${{t|{}}}", "$t"),
    ('"a$m.get({})"', "$t"),
    ("[{}, {}]", "1"),
    ("{{'a': {}}}", "1"),
]


@pytest.mark.parametrize(("form", "leaf"), DEEP)
@pytest.mark.parametrize("wrap", ["#if({})x#end", "#foreach($i in {})x#end", "#set($x = {})", "#if($t)#elseif({})#end"])
def test_expressions_as_deep_as_the_limit_compile_and_deeper_ones_are_refused(form: str, leaf: str, wrap: str) -> None:
    deep = leaf
    for level in range(40):
        deep = form.format(deep, leaf)
        try:
            compile_template(wrap.format(deep)).render({"t": True, "m": {}})
        except LimitExceededError:
            assert level >= 4
            return
        except TemplateSyntaxError:  # a string cannot stand in a string as it is
            return
    pytest.fail("never refused")


def test_macros_and_blocks_of_one_template_do_not_take_each_others_place() -> None:
    text = "".join(f"#macro(m{n} $x)<$x{n}>$x#end#define($d{n})[{n}]#end" for n in range(6))
    text += "".join(f"#m{n}({n})$d{n}#@m{n}({n})c#end" for n in range(6))
    expected = "".join(f"<$x{n}>{n}[{n}]<$x{n}>{n}" for n in range(6))
    assert compile_template(text).render({}) == expected


def test_curly_quotes_are_named() -> None:
    with pytest.raises(TemplateSyntaxError, match="straight quotes"):
        compile_template("Code: $!data.get(\u2018promocode\u2019)")


@pytest.mark.parametrize("value", ['$a && "$b"', '$a || "$b"', "$a && $b.get($c)", '${a|"$b"}', '$b.get("$c")'])
def test_what_stands_before_a_condition_is_printed_whether_it_holds_or_not(value: str) -> None:
    for given in (True, False):
        text = f"before $a #set($x = {value})after"
        expected = f"before {str(given).lower()} after"
        assert compile_template(text).render({"a": given, "b": {"k": 1} if given else None, "c": "k"}) == expected
