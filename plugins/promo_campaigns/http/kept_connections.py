"""Connections that are kept for the next call: which of them may carry it, learned from what the receiver does.

A request on a connection that the receiver is closing is lost or was taken, and it is not known which. So a connection
is used again only where another one has shown that the receiver answers on it: after as many answers as this one has
had. One connection at a time goes first; every other waits for nothing and is replaced by a new one.
"""

from __future__ import annotations

import asyncio
import math
import select
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

WATCH_S = 0.05
"""How long the very first connection must stay open after an answer before it is used again."""
IDLE_S = 1.0
"""A connection that was closed after so long was closed for being idle, which says nothing of its answers."""
PASSES = 3
"""Within so many passes the loop has read what had come before the first, and has closed what had ended."""
FORGET_AFTER = 200
"""After how many answers the receiver may have changed: then it is tried again, each time after twice as many."""


class RequestNotRepeatedError(aiohttp.ClientError):
    """The connection broke before an answer, and the HTTP client was about to send the request again by itself.

    Whether a request is repeated is the ledger's decision alone, for an idempotent method as well.
    """


@dataclass(slots=True, eq=False)
class _Kept:
    """What is known of one open connection.

    :ivar answers: how many calls were answered on it
    :ivar idle_since: when the last call on it was over, on the loop's clock
    :ivar poll: asks the kernel about its socket, once that was needed
    """

    answers: int = 0
    idle_since: float = 0.0
    poll: select.poll | None = None

    def is_readable(self, protocol: ResponseHandler) -> bool:
        """Tell whether the kernel holds something that nobody has read yet: bytes, or its end."""
        if self.poll is None:
            transport = protocol.transport
            socket = None if transport is None else transport.get_extra_info("socket")
            if socket is None or socket.fileno() < 0:
                return True
            self.poll = select.poll()
            self.poll.register(socket.fileno(), select.POLLIN)
        return bool(self.poll.poll(0))


@dataclass(slots=True, eq=False)
class _Call:
    """A call under way, the connection that it has, once it has one, and whether its answer has begun."""

    kept: _Kept | None = None
    protocol: ResponseHandler | None = None
    answered: bool = False


_CALL: ContextVar[_Call] = ContextVar("call")
"""The call of the task that runs. To ask for the task itself is slow on Python 3.10 and 3.11."""


class KeptConnections(aiohttp.TCPConnector):
    """Connects to one receiver, hands each call one connection, and never a second one.

    A task makes one call at a time, between ``begin`` and ``end``.

    :ivar tunnel_headers: what a proxy is told that makes a tunnel, a credential; never logged
    """

    def __init__(self, *, tunnel_headers: Mapping[str, str] | None = None, **settings: Any) -> None:  # noqa: ANN401  (those of aiohttp's connector)
        super().__init__(**settings)
        self.tunnel_headers = tunnel_headers
        self._kept: WeakKeyDictionary[ResponseHandler, _Kept] = WeakKeyDictionary()
        self._proven = 0
        self._most: float = math.inf
        self._first: _Kept | None = None
        self._patience = FORGET_AFTER
        self._left = 0

    def begin(self) -> None:
        """Begin a call of the task that runs."""
        _CALL.set(_Call())

    def answered(self) -> None:
        """Hear that an answer to the task's call has begun: the receiver has read the request."""
        call = _CALL.get()
        call.answered = True
        kept = call.kept
        if kept is None:
            return
        if kept is self._first:
            self._proven = max(self._proven, kept.answers)
        kept.answers += 1
        self._left -= 1
        if self._left <= 0:
            self._most = math.inf

    def broke(self) -> None:
        """Hear that the connection of the task's call broke; before an answer, the receiver may have closed it."""
        call = _CALL.get()
        if call.kept is not None and call.kept.answers and not call.answered:
            self._stop_at(call.kept.answers)

    def has_connection(self) -> bool:
        """Tell whether the task's call was given a connection: without one, not a byte of its request has left."""
        return _CALL.get().kept is not None

    def end(self) -> None:
        """End the task's call, whatever it came to."""
        kept = _CALL.get().kept
        if kept is None:
            return
        kept.idle_since = asyncio.get_running_loop().time()
        if kept is self._first:
            self._first = None

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Return a connection that is new, or that the receiver will most likely answer on.

        :raises RequestNotRepeatedError: the call had a connection before
        """
        call = _CALL.get()
        if call.kept is not None:
            self.broke()
            raise RequestNotRepeatedError from (call.protocol.exception() if call.protocol else None)
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = cast("ResponseHandler", connection.protocol)  # it is there until the connection is released
            kept = self._kept.get(protocol) or self._kept.setdefault(protocol, _Kept())
            try:
                usable = not kept.answers or await self._may_carry(kept, protocol)
            except BaseException:
                connection.close()
                raise
            if usable:
                call.kept, call.protocol = kept, protocol
                return connection
            connection.close()

    async def _may_carry(self, kept: _Kept, protocol: ResponseHandler) -> bool:
        """Tell whether a connection that had answers before may carry one more call."""
        if kept.answers >= self._most or not await self._stands(kept, protocol):
            return False
        if kept.answers <= self._proven:
            return True
        if self._first is not None:
            return False
        self._first = kept
        stands = False
        try:
            if not self._proven:
                await asyncio.sleep(kept.idle_since + WATCH_S - asyncio.get_running_loop().time())
            stands = await self._stands(kept, protocol)
        finally:
            if not stands:
                self._first = None
        return stands

    async def _stands(self, kept: _Kept, protocol: ResponseHandler) -> bool:
        """Tell whether a connection is open and silent: whatever is there to be read is no answer to the next call."""
        for _ in range(PASSES):
            if not protocol.is_connected():
                if asyncio.get_running_loop().time() < kept.idle_since + IDLE_S:
                    self._stop_at(kept.answers)
                return False
            if not kept.is_readable(protocol):
                return not protocol.should_close
            await asyncio.sleep(0)
        return False

    def _stop_at(self, answers: int) -> None:
        """Use no connection again after so many answers, for a while."""
        if math.isinf(self._most):
            self._left, self._patience = self._patience, 2 * self._patience
        self._most = min(self._most, answers)
        self._proven = min(self._proven, answers - 1)
