"""Long arrays as Postgres reads them from text: the driver's own way takes each element through several calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def bigint_array(values: Iterable[int]) -> str:
    """Return whole numbers as the text of a ``bigint[]``."""
    return "{" + ",".join(map(str, values)) + "}"


def text_array(values: Iterable[str]) -> str:
    r"""Return texts as the text of a ``text[]``: each in double quotes, with ``"`` and ``\`` escaped."""
    return "{" + ",".join([f'"{_escaped(value)}"' for value in values]) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
