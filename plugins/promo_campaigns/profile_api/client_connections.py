"""Connections of the profile API's clients: uvicorn's, with time-outs and places kept for clients with the key.

Uvicorn waits for the rest of a request for ever, and no key is needed to send half of one. Here a connection has a
deadline for each of its phases, and a new one takes the place of the oldest one that has not shown the key.
"""

from __future__ import annotations

import logging
import socket
import struct
import time
from contextlib import suppress
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from promo_campaigns.profile_api.limits import Limits, find_peer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from uvicorn.config import Config
    from uvicorn.server import ServerState

CONNECTION = "promo_campaigns.connection"
"""Key of a scope's state under which a request finds its ``LimitedConnection``."""

_log = logging.getLogger(__name__)
_MOST_BETWEEN_LOOKS_S = 0.5
_LOOKS_PER_DEADLINE = 4
_TELL_EVERY_S = 60.0
_HEARD_WITHIN_S = 0.25
"""A new connection keeps its place so long, whatever other one comes: a client needs a moment to send its key."""
_DISCARD = struct.pack("ii", 1, 0)
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Phase(Enum):
    """The phase of a connection."""

    IDLE = "between requests"
    HEAD = "head of a request"
    BODY = "body of a request"
    WORK = "answer to a request"


class LimitedConnection(H11Protocol):
    """A connection that knows its phase and since when.

    :ivar is_known: a request on it has shown the key
    """

    room: Room
    """Set by ``Room.protocol``."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, CONNECTION: self}, _loop)
        # It would warn with a line for each broken request of a client without the key.
        self.logger = _log.getChild("requests")
        self.logger.setLevel(logging.ERROR)
        self.is_known = False
        self.peer = ""
        self.opened = time.monotonic()
        # A connection that sends nothing counts as reading the head of a request.
        self.phase = Phase.HEAD
        self.since = time.monotonic()
        self.unsent_since: float | None = None
        self._noted: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a place, that of another connection if all are taken."""
        super().connection_made(transport)
        self.peer = find_peer(self.client)
        self.room.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        super().connection_lost(exc)
        self.room.leave(self)

    def data_received(self, data: bytes) -> None:
        """Pass the bytes on, and note which phase they ended."""
        super().data_received(data)
        self._note(received=True)

    def on_response_complete(self) -> None:
        """Pass it on; the next request may have begun already."""
        super().on_response_complete()
        self._note(received=False)

    def know(self) -> None:
        """Note that a request has shown the key."""
        if not self.is_known:
            self.is_known = True
            self.room.know(self)

    def refuse(self) -> None:
        """Note that a request has shown a wrong key or none."""
        if not self.is_known:
            self.room.refuse(self)

    def _note(self, *, received: bool) -> None:
        phase = self._phase(received=received)
        if phase is not self.phase or self.cycle is not self._noted:
            self.phase = phase
            self.since = time.monotonic()
            self._noted = self.cycle

    def _phase(self, *, received: bool) -> Phase:
        if self.conn.their_state is h11.SEND_BODY:
            return Phase.BODY
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            return Phase.WORK
        return Phase.HEAD if received or self.phase is Phase.HEAD else Phase.IDLE


_ByPeer: TypeAlias = "dict[str, dict[LimitedConnection, None]]"


class Room:
    """The open connections of one server, until each closes or exceeds its deadline.

    :param limits: see there
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._unheard: _ByPeer = {}
        self._refused: _ByPeer = {}
        self._known: dict[LimitedConnection, None] = {}
        self._count = 0
        self._is_looking = False
        self._ended: dict[str, int] = {}
        self._told_at = -_TELL_EVERY_S

    def protocol(self) -> type[LimitedConnection]:
        """Return the class of connections in this room, for uvicorn."""
        return type("RoomConnection", (LimitedConnection,), {"room": self})

    def enter(self, one: LimitedConnection) -> None:
        """Add a connection; it is refused only if all others serve requests with the key."""
        if (other := self._slow_to_speak(one.peer)) is not None:
            self._end(other, "another took its place")
        elif self._count >= self._limits.connections:
            if (other := self._dispensable()) is None:
                self._turn_away(one)
                return
            self._end(other, "another took its place")
        self._unheard.setdefault(one.peer, {})[one] = None
        self._count += 1
        self._look_soon(one.loop)

    def refuse(self, one: LimitedConnection) -> None:
        """Note that a connection has shown a wrong key or none; too many of a peer, and the oldest of them ends."""
        if not self._forget(one):
            return
        refused = self._refused.setdefault(one.peer, {})
        refused[one] = None
        self._count += 1
        if len(refused) > self._limits.strangers:
            self._end(next(iter(refused)), "another took its place")

    def know(self, one: LimitedConnection) -> None:
        """Note that a connection has shown the key."""
        if self._forget(one):
            self._known[one] = None
            self._count += 1

    def leave(self, one: LimitedConnection) -> None:
        """Remove a connection."""
        self._forget(one)

    def _forget(self, one: LimitedConnection) -> bool:
        for strangers in (self._unheard, self._refused):
            if one in strangers.get(one.peer, {}):
                del strangers[one.peer][one]
                if not strangers[one.peer]:
                    del strangers[one.peer]
                break
        else:
            if one not in self._known:
                return False
            del self._known[one]
        self._count -= 1
        return True

    def _slow_to_speak(self, peer: str) -> LimitedConnection | None:
        """Return the oldest unheard connection of a peer that has its share of them; None if that one just came."""
        unheard = self._unheard.get(peer, {})
        if len(unheard) < self._limits.strangers:
            return None
        oldest = next(iter(unheard))
        return oldest if time.monotonic() - oldest.opened > _HEARD_WITHIN_S else None

    def _dispensable(self) -> LimitedConnection | None:
        """Return the oldest connection of the peer with most strangers, the refused first, or the longest idle one."""
        for strangers in (self._refused, self._unheard):
            if strangers:
                peer = max(strangers, key=lambda one: len(strangers[one]))
                return next(iter(strangers[peer]))
        idle = (one for one in self._known if one.phase is Phase.IDLE)
        return min(idle, key=lambda one: one.since, default=None)

    def _turn_away(self, one: LimitedConnection) -> None:
        self._note_end("no room")
        one.transport.write(_FULL)
        one.transport.close()

    def _end(self, one: LimitedConnection, why: str) -> None:
        self._note_end(why)
        self._forget(one)
        # Without this the system keeps unread bytes, and reports them as readable again and again.
        with suppress(OSError):
            one.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
        one.transport.abort()

    def _look_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._is_looking:
            self._is_looking = True
            shortest = min(self._limits.head_s, self._limits.body_s, self._limits.answer_s)
            loop.call_later(min(_MOST_BETWEEN_LOOKS_S, shortest / _LOOKS_PER_DEADLINE), self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close overdue connections. One timer serves all, since a timer for each would cost too much."""
        self._is_looking = False
        if self._count:
            # First of all, so that an error below does not stop the timer.
            self._look_soon(loop)
        now = time.monotonic()
        for one in list(self._all()):
            if why := self._overdue(one, now):
                self._end(one, why)
        self._tell(now)

    def _all(self) -> Iterator[LimitedConnection]:
        for strangers in chain(self._unheard.values(), self._refused.values()):
            yield from strangers
        yield from self._known

    def _overdue(self, one: LimitedConnection, now: float) -> str | None:
        if not one.transport.get_write_buffer_size():
            one.unsent_since = None
        elif one.unsent_since is None:
            one.unsent_since = now
        elif now - one.unsent_since > self._limits.answer_s:
            return "an answer was not taken"
        if one.phase is Phase.HEAD and now - one.since > self._limits.head_s:
            return "no whole head"
        if one.phase is Phase.BODY and now - one.since > self._limits.body_s:
            return "no whole body"
        return None

    def _note_end(self, why: str) -> None:
        self._ended[why] = self._ended.get(why, 0) + 1

    def _tell(self, now: float) -> None:
        """Log the closed connections once a minute: a line for each would let an attacker fill the disk."""
        if self._ended and now - self._told_at > _TELL_EVERY_S:
            self._told_at = now
            ended = ", ".join(f"{why}: {count}" for why, count in sorted(self._ended.items()))
            self._ended.clear()
            _log.warning("connections ended: %s", ended)
