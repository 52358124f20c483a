"""The engine gives what Apache Velocity gives: the exact text, or an error where Velocity has one.

`cases.jsonl` holds templates, contexts and what Velocity 1.7, 2.4.1 and 2.5 made of them.
"""

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from promo_campaigns.velocity import TemplateError, compile_template

CASES: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "cases.jsonl").read_text("utf-8").splitlines()
]
REFUSED = {"reflection", "file", "evaluate"}
VERSIONS = {"2.4": "2.4.1", "1.7": "1.7"}
KNOWN_DIFFERENCES: dict[tuple[str, str], str] = {}
PARAMETERS = [
    pytest.param(case, dialect, id=f"{dialect}-{case['id']}")
    for dialect in VERSIONS
    for case in CASES
    if not REFUSED & set(case["flags"]) and (dialect, case["id"]) not in KNOWN_DIFFERENCES
]


@pytest.mark.parametrize(("case", "dialect"), PARAMETERS)
def test_agrees_with_the_reference_engine(case: dict[str, Any], dialect: Literal["2.4", "1.7"]) -> None:
    expected = case["expected"][VERSIONS[dialect]]
    before = json.dumps(case["context"])
    try:
        found = compile_template(case["template"], dialect=dialect).render(case["context"])
    except TemplateError:
        assert not expected["ok"], f"expected {expected['output']!r}"
    else:
        assert expected["ok"], f"expected an error, got {found!r}"
        assert found == expected["output"]
    assert json.dumps(case["context"]) == before, "the caller's data was changed"
