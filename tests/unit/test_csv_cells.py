"""Exported cells: no spreadsheet runs one, and a code comes back as it was loaded."""

from __future__ import annotations

import csv
import io

from hypothesis import example, given
from hypothesis import strategies as st

from promo_campaigns.code_files.row_rules import BrokenRuleError, check_code
from promo_campaigns.tables.csv_cells import FORMULA_SIGNS
from promo_campaigns.tables.writers import Column, csv_writer

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
CODE_LIKE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=40)
HOSTILE = st.builds("{}{}{}".format, st.sampled_from(["", " ", "\u3000"]), st.sampled_from(FORMULA_SIGNS), ANY_TEXT)


def begins_formula(text: str) -> bool:
    return any(seen.startswith(FORMULA_SIGNS) for seen in (text, text.lstrip()))


def read_back(cells: list[str]) -> list[str]:
    stream = io.StringIO(newline="")
    csv_writer(stream, [Column(f"c{n}") for n in range(len(cells))])([cells])
    stream.seek(0)
    return list(csv.reader(stream))[1]


@given(st.lists(ANY_TEXT | HOSTILE, min_size=1, max_size=5))
@example(['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(1)", "＝1"])  # noqa: RUF001  (full-width forms)
def test_no_exported_cell_begins_a_formula_and_its_text_is_all_there(cells: list[str]) -> None:
    exported = read_back(cells)
    assert not any(begins_formula(cell) for cell in exported)
    for cell, text in zip(exported, cells, strict=True):
        assert cell == (f"'{text}" if begins_formula(text) else text)


def loadable(text: str) -> bool:
    try:
        return check_code(text) == text
    except BrokenRuleError:
        return False


@given((ANY_TEXT | HOSTILE | CODE_LIKE).filter(loadable))
@example('WELC"7Q')
@example("'=1")
def test_a_code_that_can_be_loaded_is_exported_unchanged(code: str) -> None:
    assert read_back([code]) == [code]
