"""Real HTTP between a schedule's workers and its simulated receivers: the product's client, and a socket.

Whatever the client does below the ledger, such as sending a request twice, happens in the schedule as well. Time stands
still meanwhile: the worker waits for its call, as for every other step.
"""

from __future__ import annotations

import asyncio
import math
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from promo_campaigns.delivery.http_sender import KEY_HEADER
from promo_campaigns.http.client import Call, HttpClient
from promo_campaigns.http.target import Endpoint
from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.http.client import Answer

    Take = Callable[[str, str], Outcome]

_STATUSES = {Outcome.OK: "200 OK", Outcome.REFUSED: "422 No", Outcome.LATER: "429 Later"}


class Wire:
    """One line of the product's client to a server, which asks the receiver of the call under way what to answer."""

    def __init__(self, port: int) -> None:
        self._client = HttpClient(Endpoint(base_url=f"http://127.0.0.1:{port}", allow_private=True, concurrency=1))
        self._loop = asyncio.new_event_loop()
        self._take: Take | None = None

    def call(self, method: str, key: str, text: str, take: Take) -> Outcome:
        """Send a text under a key, in the query of a GET or the body of a POST, and say what the client makes of it.

        :param take: the receiver, which hears of each request that arrives
        """
        self._take = take
        get = method == "GET"
        path, body = (f"/?text={quote(text, safe='')}", "") if get else ("/", text)
        call = Call(method=method, path=path, headers={KEY_HEADER: key}, body=body)
        return self._loop.run_until_complete(self._called(call)).outcome

    async def _called(self, call: Call) -> Answer:
        (answer,) = await self._client.send_all([call], deadline=math.inf)
        return answer

    def serve(self, client: socket.socket) -> None:
        """Answer the requests of one connection; a receiver that says nothing of one ends it."""
        with suppress(OSError), client, client.makefile("rb") as lines:
            while request := _read(lines.readline, lines.read):
                assert self._take is not None
                status = _STATUSES.get(self._take(*request))
                if status is None:
                    return
                client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    @contextmanager
    def open(self) -> Iterator[None]:
        """Keep the line open from one call to the next, as a task does."""
        connected = self._client.connected()
        self._loop.run_until_complete(connected.__aenter__())
        try:
            yield
        finally:
            self._loop.run_until_complete(connected.__aexit__(None, None, None))
            self._loop.close()


@contextmanager
def running_wire() -> Iterator[Wire]:
    """Listen on a free port and keep a line to it until the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        wire = Wire(server.getsockname()[1])
        accepting = threading.Thread(target=_accept, args=(server, wire), daemon=True)
        accepting.start()
        with wire.open():
            yield wire
        server.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(server: socket.socket, wire: Wire) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=wire.serve, args=(client,), daemon=True).start()


def _read(client: Callable[[], bytes], read: Callable[[int], bytes]) -> tuple[str, str] | None:
    """Return the key and the text of the next request, None at the end."""
    first = client().decode()
    if not first:
        return None
    heads = dict(head.split(": ", 1) for head in iter(lambda: client().decode().rstrip("\r\n"), ""))
    target = urlsplit(first.split(" ")[1])
    text = parse_qs(target.query)["text"][0] if target.query else read(int(heads["Content-Length"])).decode()
    return heads[KEY_HEADER], text
