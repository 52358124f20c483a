"""A receiver on a raw socket that misbehaves once towards each contact, and behaves from then on."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODY = b'{"id": 1}'
BOMB = gzip.compress(b"0" * 50_000_000)
NEVER_S = 30.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One way to answer, and what it proves.

    :ivar act: answers on the socket; what it returns says whether the request was carried out
    """

    name: str
    proves: Outcome
    act: Callable[[socket.socket], bool]


def say(
    status: int = 200, *headers: str, body: bytes = BODY, length: int | None = None
) -> Callable[[socket.socket], bool]:
    """Answer; with a ``length`` that the body does not have, break off."""

    def act(client: socket.socket) -> bool:
        client.sendall(_head(status, f"Content-Length: {len(body) if length is None else length}", *headers) + body)
        if length is not None:
            client.close()
        return 200 <= status < 300

    return act


def _head(status: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} X", "Content-Type: application/json", *headers, "", ""]).encode()


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def send(*pieces: bytes, then: Callable[[socket.socket], None]) -> Callable[[socket.socket], bool]:
    """Send bytes, and then close, reset or wait; the request was carried out all the same."""

    def act(client: socket.socket) -> bool:
        for piece in pieces:
            client.sendall(piece)
        then(client)
        return True

    return act


def _until_given_up(client: socket.socket) -> None:
    client.settimeout(NEVER_S)
    with suppress(OSError):
        while client.recv(4096):
            pass


def _late(client: socket.socket) -> None:
    _until_given_up(client)
    with suppress(OSError):
        client.sendall(_head(200, "Content-Length: 0"))


def _for_ever(client: socket.socket) -> None:
    with suppress(OSError):
        while True:
            client.sendall(b"0" * 65536)


def _close(client: socket.socket) -> None:
    client.close()


_HALF = _head(200, "Content-Length: 100") + b'{"id": '
_REFUSALS = (400, 404, 405, 406, 410, 411, 412, 413, 414, 415, 417, 421, 422, 426, 428, 431)
_LOCKED_OUT = (402, 407)
_UNKNOWN = (304, 408, 409, 418, 423, 425, 500, 501, 502, 503, 504, 599)
_MOVED = (301, 302, 303, 307, 308)
_FAR = "Wed, 21 Oct 99999999999 07:28:00 GMT"
_RETRY_AFTER = ("1", "0", "-3", "soon", "nan", "", "1, 2", _FAR, formatdate(0, usegmt=True))
_CHUNKED = _head(200, "Transfer-Encoding: chunked")

CELLS = [
    *[Cell(f"{status}", Outcome.OK, say(status)) for status in (200, 201, 202, 203, 299)],
    Cell("204 without a body", Outcome.OK, send(_head(204), then=lambda _: None)),
    Cell("early hints first", Outcome.OK, send(_head(103), _head(200, "Content-Length: 0"), then=lambda _: None)),
    Cell("JSON of another type", Outcome.OK, say(200, body=b'["1", null]')),
    Cell("JSON that stops, whole as an answer", Outcome.OK, say(200, body=b'{"id": ')),
    Cell("no JSON and no text", Outcome.OK, say(200, body=b"\xff\xfe\x00")),
    Cell("gzip that is none", Outcome.OK, say(200, "Content-Encoding: gzip", body=b"no gzip")),
    Cell("gzip bomb", Outcome.OK, say(200, "Content-Encoding: gzip", body=BOMB)),
    Cell("endless body", Outcome.OK, send(_head(200, "Content-Length: 999999999999"), then=_for_ever)),
    Cell("the same answer twice", Outcome.OK, send(_head(200, "Content-Length: 0") * 2, then=lambda _: None)),
    Cell("closed after the answer", Outcome.OK, send(_head(200, "Content-Length: 0"), then=_close)),
    Cell("reset after the answer", Outcome.OK, send(_head(200, "Content-Length: 0"), then=_until_given_up)),
    *[Cell(f"{status}", Outcome.REFUSED, say(status)) for status in _REFUSALS],
    Cell("422 in gzip that is none", Outcome.REFUSED, say(422, "Content-Encoding: gzip", body=b"no gzip")),
    *[Cell(f"429, Retry-After {asked!r}", Outcome.LATER, say(429, f"Retry-After: {asked}")) for asked in _RETRY_AFTER],
    Cell("429 without Retry-After", Outcome.LATER, say(429)),
    *[Cell(f"{status}", Outcome.LATER, say(status)) for status in _LOCKED_OUT],
    *[Cell(f"{status}", Outcome.UNKNOWN, say(status)) for status in _UNKNOWN],
    *[Cell(f"{status} elsewhere", Outcome.UNKNOWN, say(status, "Location: /gone")) for status in _MOVED],
    Cell("503 with Retry-After", Outcome.UNKNOWN, say(503, "Retry-After: 1")),
    Cell("closed without an answer", Outcome.UNKNOWN, send(then=_close)),
    Cell("reset without an answer", Outcome.UNKNOWN, send(then=_reset)),
    Cell("reset in the status line", Outcome.UNKNOWN, send(b"HTTP/1.1 2", then=_reset)),
    Cell("reset after the headers", Outcome.UNKNOWN, send(_head(200, "Content-Length: 9"), then=_reset)),
    Cell("reset in the body", Outcome.UNKNOWN, send(_HALF, then=_reset)),
    Cell("closed in the body", Outcome.UNKNOWN, say(200, body=b'{"id": ', length=100)),
    Cell("closed in a chunk", Outcome.UNKNOWN, send(_CHUNKED, b"9\r\n{", then=_close)),
    Cell("a chunk that is none", Outcome.UNKNOWN, send(_CHUNKED, b"zz\r\n", then=_close)),
    Cell("no HTTP", Outcome.UNKNOWN, send(b"SSH-2.0-OpenSSH_9.2\r\n", then=_close)),
    Cell("a header without end", Outcome.UNKNOWN, send(_head(200, "X: " + "x" * 100_000), then=_close)),
    Cell("silence", Outcome.UNKNOWN, send(then=_until_given_up)),
    Cell("silence after the headers", Outcome.UNKNOWN, send(_head(200, "Content-Length: 9"), then=_until_given_up)),
    Cell("silence in the body", Outcome.UNKNOWN, send(_HALF, then=_until_given_up)),
    Cell("200 too late", Outcome.UNKNOWN, send(then=_late)),
]


@dataclass(slots=True)
class Misbehaving:
    """What arrived, and what was carried out.

    :ivar cells: how the first request of each contact is answered
    :ivar calls: requests by contact
    :ivar keys: idempotency keys
    :ivar carried_out: codes by contact, each time one was written or delivered
    """

    port: int = 0
    cells: dict[int, Cell] = field(default_factory=dict)
    calls: Counter[int] = field(default_factory=Counter)
    carried_out: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    paths: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        """Answer the requests of one connection until it ends."""
        with suppress(OSError, ValueError), client:
            while (request := _read(client)) is not None:
                path, key, body = request
                contact = int(body["contact"])
                self.paths.add(path.partition("?")[0])
                self.keys.add(key)
                self.calls[contact] += 1
                act = self.cells[contact].act if self.calls[contact] == 1 and contact in self.cells else say()
                if self._carried(act, client):
                    self.carried_out[contact].append(str(body["code"]))

    def _carried(self, act: Callable[[socket.socket], bool], client: socket.socket) -> bool:
        try:
            return act(client)
        except OSError:
            return True


def _read(client: socket.socket) -> tuple[str, str, dict[str, str]] | None:
    """Return path, idempotency key and body of the next request, None at the end; of a GET the query is the body."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = client.recv(65536)
        if not piece:
            return None
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        body += client.recv(65536)
    said = dict(parse_qsl(urlsplit(path).query)) if method == "GET" else json.loads(body)
    return path, headers.get("idempotency-key", ""), said


@contextmanager
def running_misbehaving() -> Iterator[Misbehaving]:
    """Listen on a free port until the block ends."""
    receiver = Misbehaving()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        receiver.port = server.getsockname()[1]
        accepting = threading.Thread(target=_accept, args=(server, receiver), daemon=True)
        accepting.start()
        yield receiver
        server.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(server: socket.socket, receiver: Misbehaving) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=receiver.serve, args=(client,), daemon=True).start()
