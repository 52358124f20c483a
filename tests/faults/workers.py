"""Logical workers: code that runs as it is, on stacks of its own, and hands over at every step."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import greenlet  # type: ignore[import-untyped]  # comes with SQLAlchemy, and has no types
import psycopg

from faults.strands import Strand, finish

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from faults.stepped_connection import SteppedConnection
    from faults.virtual_clock import VirtualClock

Result = TypeVar("Result")


class ConnectionDropped(psycopg.OperationalError):
    """The connection to the store broke."""


class Outermost:
    """What a worker commits by itself, however deep it is nested; its connection may break before it and after it."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.depth = 0

    @contextmanager
    def block(self) -> Iterator[None]:
        """Let the connection break, if this is not within such a block."""
        if not self.depth:
            self._worker.break_before()
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
        if not self.depth:
            self._worker.break_after()


class Worker:
    """A process of its own, as far as the protocol can tell.

    :ivar at: the step it stands at
    :ivar doing: which of its strands stands there, empty for its own
    :ivar task: the task of its DAG run it works on, counted from 0; -1 for a person
    :ivar block: that task's name
    :ivar wake_at: when it goes on, in virtual time
    :ivar paused: how many of the scheduler's steps it stands still for
    :ivar drop: where its connection breaks next: ``before`` or ``after`` a transaction, or ``within`` one
    :ivar slots: counts the slots that it has in use for calls that are under way, or wait for a token
    :ivar leased: contacts with an intent and no evidence yet, and when their lease is over
    :ivar stuck: whether its statement is known to wait for another worker's transaction
    :ivar killed: the process is gone
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
        self.doing = ""
        self.task = -1
        self.block = ""
        self.wake_at = 0.0
        self.paused = 0
        self.drop = ""
        self.slots: Callable[[], int] = int
        self.leased: dict[int, float] = {}
        self.stuck = False
        self.priority = 0.0
        self.killed = False
        self._broken = False
        self._works: list[Coroutine[Any, Any, object]] = []
        self._hub = greenlet.getcurrent()
        self._strands = [Strand("", lambda: self._run(body), self._hub)]
        self._current = self._strands[0]
        connection.now = connection.beside.now = lambda: clock.now
        if fine:
            connection.between = self._between
            connection.blocked = self._blocked

    @property
    def alive(self) -> bool:
        """Whether it has more to do."""
        return not self._strands[0].done

    @property
    def error(self) -> Exception | None:
        """What it ended with."""
        outcome = self._strands[0].outcome
        return outcome if isinstance(outcome, Exception) else None

    @property
    def waits_for_lock(self) -> bool:
        """Whether its statement was seen waiting for another worker's transaction."""
        return any(strand.blocked for strand in self._strands)

    @property
    def lost(self) -> bool:
        """Whether its connection is gone."""
        return self._broken

    @property
    def ready(self) -> bool:
        """Whether it can go on now."""
        return not self.paused and self.wake_at <= self.clock.now and bool(self._able())

    @property
    def wakes_at(self) -> list[float]:
        """When it, or one of its strands, goes on by itself."""
        return [self.wake_at, *(strand.wakes_at for strand in self._strands)]

    def resume(self, rng: random.Random) -> None:
        """Let one of its strands run to its next step; called by the scheduler."""
        able = self._able()
        self._current = able[0] if len(able) == 1 else rng.choice(able)
        self._current.resume()
        self._strands = [self._strands[0], *(strand for strand in self._strands[1:] if not strand.done)]

    def kill(self) -> None:
        """Take the process away where it stands; called by the scheduler, never while it waits for a lock."""
        self.killed = True
        self.connection.run_whole()
        for strand in reversed(self._strands):
            strand.kill()
        for work in self._works:
            work.close()  # killed before it began

    def step(self, at: str) -> None:
        """Hand over; called by the worker's own code."""
        self.at, self.doing = at, self._current.name
        self._hub.switch()

    def park(self, until: Callable[[], bool]) -> None:
        """Let the worker's other strands go on until something is so."""
        if not until():
            self._current.until = until
            self.step("waits")
            self._current.until = None

    def wait(self, until: Callable[[], bool], at: float) -> None:
        """Let the worker's other strands go on until something is so, or a moment has come."""
        self._current.wakes_at = at
        self.park(lambda: self.clock.now >= at or until())
        self._current.wakes_at = 0.0

    def spawn(self, name: str, body: Callable[[], object]) -> Strand:
        """Do something beside."""
        strand = Strand(name, body, self._hub)
        self._strands.append(strand)
        return strand

    async def gather(self, *works: Coroutine[Any, Any, object]) -> list[object]:
        """Run coroutines beside each other, and return what each returned or raised."""
        strands = [self.spawn(f"worker {number}", partial(finish, work)) for number, work in enumerate(works, 1)]
        try:
            self.park(lambda: all(strand.done for strand in strands))
        finally:
            for work in works:
                work.close()  # killed before it began
        return [strand.outcome for strand in strands]

    def beside(self, name: str, bodies: Sequence[Callable[[], object]]) -> list[object]:
        """Do several things beside each other, and return what each returned or raised."""
        strands = [self.spawn(f"{name} {number}", body) for number, body in enumerate(bodies, 1)]
        self.park(lambda: all(strand.done for strand in strands))
        return [strand.outcome for strand in strands]

    def begin(self, name: str, work: Coroutine[Any, Any, object], then: Callable[[], None]) -> Strand:
        """Begin a coroutine beside, and do something when it has ended."""

        def body() -> None:
            try:
                finish(work)
            finally:
                then()

        self._works.append(work)
        return self.spawn(name, body)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.wake_at = self.clock.now + seconds
        self.step("sleep")

    def connect(self) -> None:
        """Begin a task with a connection that works, and nothing under way."""
        self._broken = False
        self.leased.clear()

    def transact(self, name: str, work: Callable[[], Result], *, reconnects: bool = False) -> Result:
        """Do one transaction of the ledger, with a step before it and one after it.

        :param reconnects: its connection is a ``SteppedStore``, which breaks by itself and is opened anew
        """
        self.step(f"before {name}")
        if not reconnects:
            self.break_before()
        try:
            result = work()
        except BaseException:
            self.connection.forget_time()
            raise
        if not reconnects:
            self.break_after()
        self.step(f"after {name}")
        return result

    def break_before(self) -> None:
        """Lose the connection, if it is lost or to be lost before a transaction."""
        if self._broken or self.drop == "before":
            self._break()

    def break_after(self) -> None:
        """Lose the connection, if it is to be lost: nobody hears that the transaction was committed."""
        if self.drop:
            self._break()

    def lose(self) -> None:
        """Let the server end its session in the middle of a transaction, of which it hears at its next statement."""
        self.drop, self._broken = "", True
        self.connection.end_session()

    def reconnect(self) -> None:
        """Open a new connection, which takes a while."""
        self._broken = False
        self.step("reconnects")

    def _able(self) -> list[Strand]:
        return [strand for strand in self._strands if strand.ready and not (strand.blocked and self.stuck)]

    def _run(self, body: Callable[[Worker], None]) -> None:
        try:
            body(self)
        finally:
            self.connection.roll_back()

    def _between(self) -> None:
        self.step("within a transaction")
        if self.drop == "within":
            self._break()

    def _blocked(self) -> None:
        strand = self._current
        strand.blocked = self.stuck = True
        self.step("waits for a lock")
        strand.blocked = self.stuck = False

    def _break(self) -> None:
        self.drop = ""
        self._broken = True
        self.connection.forget_time()
        raise ConnectionDropped
