"""Long arrays as Postgres reads them from text: the driver's own way takes each element through several calls."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART = 10_000


def bigint_array(values: Iterable[int]) -> str:
    """Return whole numbers as the text of a ``bigint[]``."""
    return "{" + ",".join(map(str, values)) + "}"


def text_array(values: Iterable[str]) -> str:
    r"""Return texts as the text of a ``text[]``: each in double quotes, with ``"`` and ``\`` escaped."""
    coming = iter(values)
    parts = []
    while part := [f'"{_escaped(value)}"' for value in islice(coming, _PART)]:
        parts.append(",".join(part))  # a million quoted texts are never held beside the values themselves
    return "{" + ",".join(parts) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
