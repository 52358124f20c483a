"""Ends calls that take too long."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

Task = asyncio.Task[Any]


class CallTimer:
    """A block of a task that lasts longer than it may ends with ``asyncio.TimeoutError``.

    One timer watches over all blocks that are open, since a timer for each would cost a tenth of an HTTP call. A task
    opens one block at a time.

    :param limit_s: seconds a block may last
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._begun: dict[Task, float] = {}
        self._overdue: set[Task] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Open a block of the task that runs."""
        loop = asyncio.get_running_loop()
        self._begun[_running_task()] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._limit_s, self._look)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it.

        :raises asyncio.TimeoutError: it was ended because it lasted too long
        """
        task = _running_task()
        del self._begun[task]
        if task not in self._overdue:
            return
        self._overdue.discard(task)
        still_cancelled = 0
        if sys.version_info >= (3, 11):
            still_cancelled = task.uncancel()
        if kind is asyncio.CancelledError and not still_cancelled:
            raise asyncio.TimeoutError from error

    def _look(self) -> None:
        """End every block that is overdue, and look again when the next one may be; the oldest comes first."""
        self._timer = None
        loop = asyncio.get_running_loop()
        for task, begun_at in self._begun.items():
            if begun_at + self._limit_s > loop.time():
                self._timer = loop.call_at(begun_at + self._limit_s, self._look)
                return
            if task not in self._overdue:
                self._overdue.add(task)
                task.cancel()


def _running_task() -> Task:
    task = asyncio.current_task()
    if task is None:
        msg = "a call is timed inside a task only"
        raise RuntimeError(msg)
    return task
