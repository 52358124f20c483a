r"""The engine gives what Apache Velocity 1.7 and 2.4.1 gave for some thousand templates of every rule of the language.

`recorded.jsonl` holds templates and, for each version, the text that came out, or null for an error. Rare templates on
which the engine is known to differ are not in it:

- what comes of Java's own types: arrays print their address in 1.7, `getClass()`, streams, iterators, `Character`;
- `#evaluate`, `#include` and `#parse`, which are refused;
- `$data.size` and other names of methods of maps: 2.4.1 calls the method even where the map has such a key, here the
  key comes first (a contact may have a field of that name);
- characters that the reference engine loses: a `#` or `$` and a blank right before a directive, a `$` before a comment;
- errors of the reference engine that are its own: `#break($foreach)` outside of a loop, `-true`, a variable `$foreach`;
- spellings nobody writes: `$\!name`, `#x($)`, `#set($x = $5)`, a line end between `#set` and its bracket.
"""

import json
from pathlib import Path
from typing import Literal

import pytest

from promo_campaigns.velocity import TemplateError, compile_template

ROWS = [json.loads(line) for line in (Path(__file__).parent / "recorded.jsonl").read_text("utf-8").splitlines()]
CONTEXT: dict[str, object] = {
    "name": "Anna",
    "n": 7,
    "d": 2.5,
    "t": True,
    "f": False,
    "nul": None,
    "s": "Hello World",
    "list": ["x", "y", "z"],
    "nums": [1, 2, 3],
    "map": {"b": 2, "a": 1, "k": "v"},
    "blank": "",
    "zero": 0,
    "e": [],
    "data": {"first_name": "Anna", "price": 19.9, "tags": ["new", "vip"], "size": "XL"},
    "u": "naïve \U0001f600 é",
    "v": {"x": [1, 2.0, None, True, {"y": "z"}]},
    "big": 12345678901234,
    "neg": -5,
    "fl": 1e-5,
    "fl2": 123456789.0,
    "q": 'a"b',
    "amp": "a&b<c>",
    "nl": "a\nb",
    "long": 2147483648,
    "half": 0.5,
    "m2": {"a b": 1, "a-b": 2, "1": 3, "empty": "", "size": 9},
    "ll": [[1], [2, 3]],
    "mix": [1, "a", None, 2.5, True],
}


@pytest.mark.parametrize("dialect", ["2.4", "1.7"])
def test_agrees_with_what_the_reference_engine_gave(dialect: Literal["2.4", "1.7"]) -> None:
    differ = []
    for row in ROWS:
        if dialect not in row:
            continue
        try:
            found: str | None = compile_template(row["template"], dialect=dialect).render(CONTEXT)
        except TemplateError:
            found = None
        if found != row[dialect]:
            differ.append((row["template"], row[dialect], found))
    assert not differ
