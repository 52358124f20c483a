"""Prints the demo's lines and its progress."""

from __future__ import annotations

import sys
import time
from contextlib import suppress


class Screen:
    """Prints lines, and one line of progress, which is rewritten on a terminal and printed now and then elsewhere."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self._rewrites = sys.stdout.isatty()
        self._open = ""

    @property
    def seconds(self) -> float:
        """Time since the demo was started."""
        return time.monotonic() - self.started

    def say(self, line: str = "") -> None:
        """Print a line."""
        self._close()
        self._write(line + "\n")

    def step(self, line: str) -> None:
        """Print a line with the time since the start."""
        self.say(f"{self.seconds:6.1f} s  {line}")

    def progress(self, text: str) -> None:
        """Show progress; a text that did not change is not printed again."""
        if text == self._open:
            return
        line = f"{self.seconds:6.1f} s  {text}"
        if self._rewrites:
            self._write(f"\r\x1b[K{line}")
        else:
            self._write(f"{line}\n")
        self._open = text

    def _close(self) -> None:
        if self._open and self._rewrites:
            self._write("\n")
        self._open = ""

    @staticmethod
    def _write(text: str) -> None:
        with suppress(OSError):  # the terminal may be closed; the processes must be stopped all the same
            sys.stdout.write(text)
            sys.stdout.flush()
