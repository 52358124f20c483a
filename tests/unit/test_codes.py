"""What may be shown of a code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.model.masking import mask, show_cell


@pytest.mark.parametrize(
    ("code", "shown"),
    [("WELC-ABCD-EF7Q", "WELC…7Q"), ("ABCDEFGH", "ABC…H"), ("ABCD", "AB…"), ("A", "…"), ("", "…")],
)
def test_the_mask_shows_the_head_and_the_tail(code: str, shown: str) -> None:
    assert mask(code) == shown


@given(st.text(max_size=60))
def test_never_more_than_half_of_a_code_is_shown(code: str) -> None:
    head, tail = mask(code).rsplit("…", 1)
    assert 2 * (len(head) + len(tail)) <= len(code)
    assert code.startswith(head)
    assert code.endswith(tail)


def test_a_cell_that_cannot_be_a_code_is_shown_and_any_other_is_masked() -> None:
    plain = ["100", "-5", "0.5", "15 %", "31/12/2030", "2030-13-45T10:00", "soon", "тип"]
    assert [show_cell(text) for text in plain] == plain
    codes = ["WELC-AB12", "123456789012", "SUMMER", "AB12", "1234-5678-9012"]
    assert not [text for text in codes if show_cell(text) == text]
