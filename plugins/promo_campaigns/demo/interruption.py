"""Turns Ctrl-C, a closed terminal and SIGTERM into one exception in the main thread."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """The demo was asked to end. Not an ``Exception``: nothing but the end of the demo may catch it."""


class Interruption:
    """Turns the signals into :class:`Interrupted`, except where that would lose track of a process."""

    def __init__(self) -> None:
        self.requests = 0
        self._shields = 0

    def install(self) -> None:
        """Handle the signals from now on; SIGHUP stays ignored if the parent ignored it (``nohup``)."""
        for number in _SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._arrive)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Delay an interruption until this block is done."""
        self._shields += 1
        before = self.requests
        try:
            yield
        finally:
            self._shields -= 1
        if not self._shields and not before and self.requests:
            raise Interrupted

    def _arrive(self, _number: int, _frame: FrameType | None) -> None:
        self.requests += 1
        if not self._shields and self.requests == 1:  # later ones are counted only: they ask to stop faster
            raise Interrupted
