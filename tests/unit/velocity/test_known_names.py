"""Which names a template reads that nothing can have: in every form of a reference, wherever it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.velocity import ANYTHING, Names, Several, Shape, compile_template

MEMBERS: dict[str, Shape] = {"code": ANYTHING, "rows": Several(Names({"title": ANYTHING}))}
KNOWN: dict[str, Shape] = {**MEMBERS, "data": Names(MEMBERS)}
FORMS = (
    *(
        "${0}",
        "$!{0}",
        "${{{0}}}",
        "$!{{{0}}}",
        "${{{0}|'x'}}",
        "$data.{0}",
        "$data.get('{0}')",
        '$!{{data.get("{0}")}}',
    ),
    *("$data['{0}']", "$data.containsKey('{0}')", "$data.getOrDefault('{0}', 1)"),
)
PLACES = (
    *("{0}", "#if({0} == 1)a#end", "#if($code)a#elseif({0})b#end", "#set($own = {0})", '#set($own = "a {0} b")'),
    *("#set($own = [{0}, 2])", "#foreach($one in {0})x#else y#end", "#foreach($row in $rows){0}#end"),
    *("#macro(m $a)$a {0}#end#m(1)", "#macro(m $a)$a#end#m({0})", "#define($d){0}#end$d", "$code.replace({0}, 'b')"),
    *("#set($data2 = {{'a': {0}}})", "#if(true)#else{0}#end"),
)
TEXTS = st.sampled_from(("", " and ", "$5 #1 ", "\n", "#[[$no $data.none]]#", "## $nobody\n", "#* $nobody *#"))


@given(
    parts=st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(FORMS), st.sampled_from(("code", "cod", "kode")), TEXTS)
    )
)
def test_the_names_found_are_those_that_were_written_and_are_not_known(parts: list[tuple[str, str, str, str]]) -> None:
    usable = [part for part in parts if not ('"' in part[0] and '"' in part[1])]  # a quote would end the other's text
    text = "".join(place.format(form.format(name)) + more for place, form, name, more in usable)
    found = compile_template(text).unknown_names(KNOWN)
    assert [unknown.name for unknown in found] == [name for _, _, name, _ in usable if name != "code"]
    assert all(text[unknown.at :].startswith(unknown.source) for unknown in found)


@pytest.mark.parametrize(
    "text",
    [
        "#set($own = 1)$own",
        "#foreach($row in $rows)$row.title $foreach.index $foreach.hasNext#end",
        "#foreach($row in $data.get('rows'))$row.get('title')#end",
        "$rows.get(0).title $rows[0].title $rows.size() $rows.size",
        "#set($r = $data.rows)$r.get(0).title",
        "#foreach($i in [1..2])#if($foreach.first)$last#end#set($last = $i)#end",
        "#macro(m)$later#end#set($later = 1)#m()",
        "#@m()$code#end#macro(m)$bodyContent#end",
        "$code.toUpperCase().substring(0, 2)",
        "$data.size() $data.keySet() $data.get($code)",
    ],
)
def test_what_a_template_sets_itself_and_what_there_is_is_known(text: str) -> None:
    assert compile_template(text).unknown_names(KNOWN) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("#foreach($row in $rows)$row.titel#end", "titel"),
        ("#foreach($row in $rows)$rwo.title#end", "rwo"),
        ("#foreach($row in $rows)$foreach.indx#end", "indx"),
        ("#foreach($row in $rows)x#end$row", "row"),
        ("$rows.get(0).titel", "titel"),
        ("$own#set($own = 1)", "own"),
        ("#set($own = 1)$onw", "onw"),
        ("#macro(m $a)$b#end", "b"),
        ("$code.toUpercase()", "toUpercase"),
        ("#set($map.x = 1)", "map"),
    ],
)
def test_a_misspelt_name_is_not_known(text: str, name: str) -> None:
    assert [unknown.name for unknown in compile_template(text).unknown_names(KNOWN)] == [name]
