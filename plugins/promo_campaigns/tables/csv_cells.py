"""Escapes cells of a CSV file, so that a spreadsheet takes none for a formula (ASVS 1.2.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001  (full-width forms)
"""What a cell may not begin with."""
_SIGNS = frozenset(FORMULA_SIGNS)


def escape_formula(text: str) -> str:
    """Return a cell with an apostrophe before a sign that would begin a formula, also after blanks.

    Codes are never changed: a code that begins with such a sign is not loaded.
    """
    return f"'{text}" if text.startswith(FORMULA_SIGNS) or text.lstrip().startswith(FORMULA_SIGNS) else text


def escape_formulas(texts: Iterable[str]) -> list[str]:
    """Return many cells escaped; most need no second look."""
    return [text if (sign := text[:1]) not in _SIGNS and not sign.isspace() else escape_formula(text) for text in texts]
