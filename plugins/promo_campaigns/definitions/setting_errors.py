"""Words what is wrong with a setting for its author."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def nearest(name: str, names: Collection[str]) -> str:
    """Return the hint for a name that is none of those that exist."""
    known = sorted(names)
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known) or 'none'}"
