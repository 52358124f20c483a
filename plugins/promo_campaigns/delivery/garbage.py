"""How often Python looks for garbage while calls are made."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_OBJECTS = 50_000
"""After how many it looks; a chunk of contacts makes fewer. Python's own number is 700 or 2,000."""


class _Blocks:
    """The blocks that are open in this process: the first changes the thresholds, and the last puts them back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = 0
        self._before = gc.get_threshold()

    def enter(self) -> None:
        with self._lock:
            if not self._open:
                self._before = gc.get_threshold()
                own = self._before[0]
                gc.set_threshold(max(NEW_OBJECTS, own) if own else 0, *self._before[1:])
            self._open += 1

    def leave(self) -> None:
        with self._lock:
            self._open -= 1
            if not self._open:
                gc.set_threshold(*self._before)


_BLOCKS = _Blocks()


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Let Python look for cycles less often until the last of the blocks that are open at a time ends.

    Requests, answers and results hold no cycles: they go when nobody needs them. To look through them again and again
    took a fifth of the client's time.
    """
    _BLOCKS.enter()
    try:
        yield
    finally:
        _BLOCKS.leave()
