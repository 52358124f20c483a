"""Where templates of Apache Velocity 2.4 once came out otherwise here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promo_campaigns.velocity import TemplateError, compile_template
from unit.velocity.template_generator import CONTEXT

CASES = [json.loads(line) for line in (Path(__file__).parent / "differences.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["kind"])
def test_a_template_comes_out_as_from_velocity(case: dict[str, Any]) -> None:
    assert compile_template(case["template"]).render(case["context"]) == case["expected_2_4"]["out"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("#foreach($i in [1..2])#foreach($j in [])$j#break($foreach.parent)#end$i#end", "12"),
        ("#foreach($i in [1..2])#foreach($j in [1..3])#if($j == 2)#break($foreach)#end$j#end;#end", "1;1;"),
        (
            "#foreach($a in [1])#foreach($b in [1])#foreach($c in [1])$c#break($foreach.parent.parent)#end#end#end|",
            "1|",
        ),
        (
            "#foreach($a in [1..2])#foreach($b in [1..2])#foreach($c in [1..2])$c#break($foreach.parent)#end#end;#end",
            "1;1;",
        ),
        ("#macro(o)<$!bodyContent>#end#@o()a#@o()b#end#end", "<a<b>>"),
        ("#macro(i)[$!bodyContent]#end#macro(o)#i()#end#@o()x#end", "[]"),
        ("#set($a = '1')#set($b = 'x')#foreach($i in [$a..$b])$i#end|", "|"),
        ("#set($v = '\\u00e9')$v#set($w = \"\\ud83d\\ude00 \")$w", "\\u00e9\U0001f600 "),
        ("#set($x = $none - 1 * 2)$!x|", "|"),
    ],
)
def test_the_kinds_of_these_differences_hold_in_other_templates(template: str, expected: str) -> None:
    assert compile_template(template).render({}) == expected


def test_templates_of_every_kind_that_once_differed_come_out_as_from_velocity() -> None:
    """`kinds.jsonl` holds what 2.4.1 gave, null for an error, with the context of the drawn templates."""
    differ = []
    for line in (Path(__file__).parent / "kinds.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        try:
            found: str | None = compile_template(row["template"], dialect="2.4").render(CONTEXT)
        except TemplateError:
            found = None
        if found != row["2.4"]:
            differ.append((row, found))
    assert not differ
