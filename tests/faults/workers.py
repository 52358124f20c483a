"""Logical workers: code that runs as it is, on a stack of its own, and hands over at every step."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import greenlet  # type: ignore[import-untyped]  # comes with SQLAlchemy, and has no types
import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from faults.stepped_connection import SteppedConnection
    from faults.virtual_clock import VirtualClock

Result = TypeVar("Result")


class Killed(BaseException):
    """The process is gone: nothing of it runs on but the server's rollback."""


class ConnectionDropped(psycopg.OperationalError):
    """The connection to the store broke."""


class Worker:
    """A process of its own, as far as the protocol can tell.

    :ivar at: the step it stands at
    :ivar task: the task of its DAG run it works on
    :ivar wake_at: when it goes on, in virtual time
    :ivar paused: how many of the scheduler's steps it stands still for
    :ivar drop: where its connection breaks next: ``before`` or ``after`` a transaction, or ``within`` one
    :ivar lease_until: when the lease of its last intent is over
    :ivar waits_for_lock: whether its statement waits for another worker's transaction
    """

    def __init__(
        self,
        name: str,
        body: Callable[[Worker], None],
        connection: SteppedConnection,
        clock: VirtualClock,
        *,
        fine: bool,
    ) -> None:
        self.name = name
        self.connection = connection
        self.clock = clock
        self.at = "start"
        self.task = 0
        self.wake_at = 0.0
        self.paused = 0
        self.drop = ""
        self.lease_until = 0.0
        self.waits_for_lock = False
        self.error: BaseException | None = None
        self.priority = 0.0
        self._hub = greenlet.getcurrent()
        self._green = greenlet.greenlet(lambda: self._run(body))
        connection.now = lambda: clock.now
        if fine:
            connection.between = self._between
            connection.blocked = self._blocked

    @property
    def alive(self) -> bool:
        """Whether it has more to do."""
        return not self._green.dead

    def resume(self) -> None:
        """Let it run to its next step; called by the scheduler."""
        self._green.switch()

    def kill(self) -> None:
        """Take the process away where it stands; called by the scheduler, never while it waits for a lock."""
        self.connection.between = self.connection.blocked = None
        with suppress(Killed):  # one that never ran passes it on
            self._green.throw(Killed)

    def step(self, at: str) -> None:
        """Hand over; called by the worker's own code."""
        self.at = at
        self._hub.switch()

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.wake_at = self.clock.now + seconds
        self.step("sleep")

    def transact(self, name: str, work: Callable[[], Result]) -> Result:
        """Do one transaction of the ledger, with a step before it and one after it."""
        self.step(f"before {name}")
        if self.drop == "before":
            self._break()
        try:
            result = work()
        except BaseException:
            self.connection.forget_time()
            raise
        if self.drop:
            self._break()
        self.step(f"after {name}")
        return result

    def finish(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine whose every wait is a step of this worker."""
        try:
            coroutine.send(None)
        except StopIteration as done:
            result: Result = done.value
            return result
        msg = "the coroutine waits for something that is not simulated"
        raise AssertionError(msg)

    def _run(self, body: Callable[[Worker], None]) -> None:
        try:
            body(self)
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001  (whatever it is, the schedule judges it)
            self.error = error
        finally:
            self.connection.roll_back()

    def _between(self) -> None:
        self.step("within a transaction")
        if self.drop == "within":
            self._break()

    def _blocked(self) -> None:
        self.waits_for_lock = True
        self._hub.switch()
        self.waits_for_lock = False

    def _break(self) -> None:
        self.drop = ""
        self.connection.forget_time()
        raise ConnectionDropped
