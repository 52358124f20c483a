"""How often Python looks for garbage while calls are made."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_OBJECTS = 50_000
"""After how many it looks; a chunk of contacts makes fewer. Python's own number is 700 or 2,000."""


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Let Python look for cycles less often until the block ends.

    Requests, answers and results hold no cycles: they go when nobody needs them. To look through them again and again
    took a fifth of the client's time.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(NEW_OBJECTS, before[0]) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
