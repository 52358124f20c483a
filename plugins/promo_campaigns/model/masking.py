"""How a promo code is shown: a code is as good as money, so lists and logs hold its mask, and a preview no code."""

from __future__ import annotations

import re

_HEAD = 4
_TAIL = 2
_ELLIPSIS = "…"

PLACEHOLDER = "TEST-NO-CODE"
"""Stands for a code where none may be given out: the database and the reader of code files refuse a code that begins
like it, in any case."""


def is_placeholder(code: str) -> bool:
    """Tell whether a code would be taken for the placeholder."""
    return code.upper().startswith(PLACEHOLDER)


def mask(code: str) -> str:
    """Return a masked code, such as ``WELC…7Q``: its first four characters and its last two.

    Never more than half of the code is shown, so a code of fewer than 12 characters shows less.
    """
    shown = min(_HEAD + _TAIL, len(code) // 2)
    tail = min(_TAIL, shown // 3)
    head = shown - tail
    return code[:head] + _ELLIPSIS + code[len(code) - tail :]


_NO_CODE = re.compile(
    r"-?\d{1,4}(?:[.,]\d{1,2})? ?%?"  # a number
    r"|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?"  # a date
    r"|[^\W\d_]{1,5}"  # a short word
)


def show_cell(text: str) -> str:
    """Return a text of a column that holds no codes as it is; what may be a code in the wrong column is masked."""
    return text if _NO_CODE.fullmatch(text) else mask(text)
