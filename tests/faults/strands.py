"""What one logical worker does at a time: its own code, two workers of it, and the ledger's thread beside them."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import greenlet  # type: ignore[import-untyped]  # comes with SQLAlchemy, and has no types

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from faults.workers import Worker

Result = TypeVar("Result")


class Killed(BaseException):
    """The process is gone: nothing of it runs on but the server's rollback."""


class Strand:
    """Code on a stack of its own, which goes on when its worker is resumed.

    :param hub: the scheduler, which has the say when it ends
    :ivar until: what it waits for within its own process, or None
    :ivar wakes_at: when it goes on at the latest, in virtual time; 0 where it does not wait for a moment
    :ivar blocked: whether its statement waits for another worker's transaction
    :ivar outcome: what it returned, or the exception it ended with
    """

    def __init__(self, name: str, body: Callable[[], object], hub: greenlet.greenlet) -> None:
        self.name = name
        self.until: Callable[[], bool] | None = None
        self.wakes_at = 0.0
        self.blocked = False
        self.outcome: object = None
        self._green = greenlet.greenlet(lambda: self._run(body), hub)

    @property
    def done(self) -> bool:
        """Whether there is no more of it."""
        return bool(self._green.dead)

    @property
    def ready(self) -> bool:
        """Whether it could go on, as far as its own process is concerned."""
        return not self.done and (self.until is None or self.until())

    def resume(self) -> None:
        """Let it run to its next step."""
        self._green.switch()

    def kill(self) -> None:
        """End it where it stands."""
        if not self.done:
            with suppress(Killed):  # one that never ran passes it on
                self._green.throw(Killed)

    def _run(self, body: Callable[[], object]) -> None:
        try:
            self.outcome = body()
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001  (its waiter decides)
            self.outcome = error


def finish(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine whose every wait is a step of its worker."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    msg = "the coroutine waits for something that is not simulated"
    raise AssertionError(msg)


class LedgerThread:
    """A ``BackgroundExecutor`` of the harness: a strand that does one piece of work after another meanwhile."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._pieces: deque[Piece[Any]] = deque()

    def __call__(self, work: Callable[[], Result]) -> Piece[Result]:
        """Take a piece of work; await what is returned."""
        piece = Piece(self._worker, work)
        self._pieces.append(piece)
        if len(self._pieces) == 1:
            self._worker.spawn("ledger", self._work_off)
        return piece

    def _work_off(self) -> None:
        while self._pieces:
            self._pieces[0].do()
            self._pieces.popleft()


class Piece(Generic[Result]):
    """A piece of work and, once it is done, what came of it."""

    def __init__(self, worker: Worker, work: Callable[[], Result]) -> None:
        self._worker = worker
        self._work = work
        self._results: list[Result] = []
        self._error: Exception | None = None

    def do(self) -> None:
        """Do it; an error is for its awaiter."""
        try:
            self._results.append(self._work())
        except Exception as error:  # noqa: BLE001  (passed on as it is)
            self._error = error

    def __await__(self) -> Generator[None, None, Result]:
        """Wait until it is done, and return its result or raise its error."""
        self._worker.park(lambda: bool(self._results) or self._error is not None)
        yield from ()
        if self._error is not None:
            raise self._error
        return self._results[0]
