"""Progress of what takes long, on the terminal that standard error is.

Nothing is shown in the first second, nor where standard error is no terminal. A thread shows it, so that a single slow
statement is seen to be under way too.
"""

from __future__ import annotations

import io
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from promo_campaigns.cli.terminal import console, is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.progress import Progress, TaskID

DELAY_S = 1.0
"""Seconds after which progress is shown: what is done sooner needs none."""
_BUFFER_BYTES = 1 << 20


class Bar:
    """One line of progress: what is done, how much of it, for how long, and the time left where a total is known."""

    def __init__(self, label: str, total: float | None = None) -> None:
        self._lock = threading.Lock()
        self._label, self._total, self._done = label, total, 0.0
        self._shown: tuple[Progress, TaskID] | None = None
        self._closed = False

    def advance(self, amount: float = 1) -> None:
        """Count what was done since the last call."""
        self.update(done=self._done + amount)

    def update(self, *, done: float | None = None, total: float | None = None, label: str | None = None) -> None:
        """Say how much is done, of how much, and what comes now."""
        with self._lock:
            self._done = self._done if done is None else done
            self._total = self._total if total is None else total
            self._label = label or self._label
            if self._shown:
                progress, task = self._shown
                progress.update(task, description=self._label, total=self._total, completed=self._done)

    def go_on(self, label: str) -> None:
        """Begin a step whose length nobody knows."""
        with self._lock:
            self._label, self._total, self._done = label, None, 0.0
            if self._shown:
                progress, task = self._shown
                progress.remove_task(task)  # a task that has a total cannot lose it
                self._shown = (progress, self._task(progress))

    def show(self) -> None:
        """Begin to be seen."""
        progress = _progress()
        with self._lock:
            if not self._closed:
                self._shown = (progress, self._task(progress))
                progress.start()

    def close(self) -> None:
        """Leave the terminal as it was."""
        with self._lock:
            self._closed = True
            if self._shown:
                self._shown[0].stop()
                self._shown = None

    def _task(self, progress: Progress) -> TaskID:
        return progress.add_task(self._label, total=self._total, completed=int(self._done))


@contextmanager
def progress(label: str, total: float | None = None, *, prints: bool = False) -> Iterator[Bar]:
    """Show that something is under way, if it takes long and somebody looks.

    :param label: what is done, such as ``Loading codes.csv``
    :param total: how much there is to do, if that is known
    :param prints: True if standard output is written meanwhile: then it must not be the same terminal
    """
    bar = Bar(label, total)
    if not is_terminal(sys.stderr) or (prints and sys.stdout.isatty()):
        yield bar
        return
    timer = threading.Timer(DELAY_S, bar.show)
    timer.daemon = True
    timer.start()
    try:
        yield bar
    finally:
        timer.cancel()
        bar.close()


@contextmanager
def reading_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file whose bytes are the progress of reading it; of a pipe nobody knows how many there will be.

    :raises OSError: it cannot be opened
    """
    raw = _CountedFile(path)
    size = path.stat().st_size or None
    with io.BufferedReader(raw, _BUFFER_BYTES) as file, progress(f"Reading {path.name}", size) as bar:
        raw.bar = bar
        yield file


def counted(write: Callable[[Sequence[Sequence[Any]]], None], bar: Bar) -> Callable[[Sequence[Sequence[Any]]], None]:
    """Return a function that writes rows and counts them."""

    def write_and_count(rows: Sequence[Sequence[Any]]) -> None:
        write(rows)
        bar.advance(len(rows))

    return write_and_count


class _CountedFile(io.FileIO):
    """Tells a bar how far it was read; at the end the work goes on elsewhere for as long as it takes."""

    bar: Bar | None = None

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401  (whatever can be written into)
        got = super().readinto(buffer) or 0
        if self.bar and got:
            self.bar.advance(got)
        elif self.bar:
            self.bar.go_on("Writing to the store")
        return got


def _progress() -> Progress:
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn("{task.percentage:>3.0f}%", "{task.completed:,.0f}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=console(sys.stderr),
        transient=True,
        # Results are printed after the bar is gone; nobody's streams are replaced behind their back.
        redirect_stdout=False,
        redirect_stderr=False,
    )
