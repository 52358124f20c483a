"""A real line to Postgres that can be cut at any statement: a proxy on loopback that counts what the product sends."""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import contextmanager, suppress
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 1 << 16
_LATE_S = 0.2
"""Time enough for a new connection, and a new try on it."""


class Cut(Enum):
    """What the server has seen of the statement at which a connection is cut."""

    UNSEEN = "the statement never arrives"
    UNHEARD = "the statement is carried out and its answer is lost"
    LATE = "the statement arrives a while after the product has lost the connection"


class CutLine:
    """Carries connections to one server.

    :ivar dsn: the database, through this line
    :ivar sent: what the product has sent since ``cut_at``: statements, and what opens a connection
    :ivar cuts: how often a connection was cut since then
    """

    def __init__(self, dsn: str, listening: socket.socket) -> None:
        parts = urlsplit(dsn)
        account, _, _ = parts.netloc.rpartition("@")
        self.dsn = urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{listening.getsockname()[1]}"))
        self.sent = self.cuts = 0
        self._server = (str(parts.hostname), parts.port or 5432)
        self._listening = listening
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._at, self._how = 0, Cut.UNSEEN
        self._away_s = self._away_until = 0.0

    def cut_at(self, statement: int, how: Cut = Cut.UNSEEN, *, away_s: float = 0.0) -> None:
        """Cut the connection that sends the statement with this number, counted from 1 from now on.

        :param away_s: cut all the others too, and take no new one for so long, as in a failover
        """
        self._at, self._how, self._away_s = statement, how, away_s
        self.sent = self.cuts = 0

    def come_back(self) -> None:
        """Take connections again."""
        self._away_until = 0.0

    def serve(self) -> None:
        """Take connections until the line is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Cut everything."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._cut_all()

    def _carry(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if time.monotonic() < self._away_until:
                return
            with socket.create_connection(self._server) as server:
                ends = {client, server}
                self._ends |= ends
                try:
                    self._pass_on(client, server)
                finally:
                    self._ends -= ends

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            readable, _, _ = select.select([client, server], [], [])
            for end in readable:
                piece = end.recv(_PIECE)
                if not piece:
                    return
                if end is server:
                    client.sendall(piece)
                elif not self._is_cut():
                    server.sendall(piece)
                else:
                    self._let_it_be_seen(piece, client, server)
                    return

    def _let_it_be_seen(self, piece: bytes, client: socket.socket, server: socket.socket) -> None:
        if self._how is Cut.LATE:
            client.shutdown(socket.SHUT_RDWR)
            time.sleep(_LATE_S)
        if self._how is not Cut.UNSEEN:
            server.sendall(piece)
            server.recv(_PIECE)
        if self._away_s:
            self._cut_all()

    def _is_cut(self) -> bool:
        with self._lock:
            self.sent += 1
            if self.sent != self._at:
                return False
            self.cuts += 1
            if self._away_s:
                self._away_until = time.monotonic() + self._away_s
            return True

    def _cut_all(self) -> None:
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cut_line(dsn: str) -> Iterator[CutLine]:
    """Lay a line to a database until the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        line = CutLine(dsn, listening)
        thread = threading.Thread(target=line.serve, daemon=True)
        thread.start()
        try:
            yield line
        finally:
            line.close()
            thread.join()
