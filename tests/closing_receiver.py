"""A receiver on a raw socket that closes connections after so many answers and does not say so."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(slots=True, kw_only=True)
class ClosingReceiver:
    """What arrived, and how it behaves.

    :ivar answers: how many answers a connection carries before it is closed
    :ivar linger_s: seconds from the last of them to the close, in which nothing is read
    :ivar late: bytes that nobody asked for, sent on every connection a moment after its first answer
    :ivar requests: request lines that arrived whole, and how often
    :ivar heads: heads of requests, in the order in which they arrived
    :ivar connections: how many were opened
    """

    answers: int = 1
    linger_s: float = 0.0
    late: bytes = b""
    port: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    heads: list[str] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection and close it."""
        self.connections += 1
        try:
            for _ in range(self.answers):
                await self._answer(reader, writer)
            await asyncio.sleep(self.linger_s)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
        self.heads.append(head)
        self.requests[head.partition("\r\n")[0]] += 1
        writer.write(ANSWER)
        if self.late:
            await writer.drain()
            asyncio.get_running_loop().call_later(0.02, writer.write, self.late)


@contextmanager
def running_closing(receiver: ClosingReceiver, tls: ssl.SSLContext | None = None) -> Iterator[ClosingReceiver]:
    """Listen on a free port until the block ends."""
    ready = threading.Event()
    ends: list[Callable[[], object]] = []

    async def listen() -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls, backlog=1024) as server:
            receiver.port = server.sockets[0].getsockname()[1]
            ends.append(lambda: loop.call_soon_threadsafe(end.set))
            ready.set()
            await end.wait()
            for serving in asyncio.all_tasks() - {asyncio.current_task()}:
                serving.cancel()

    thread = threading.Thread(target=asyncio.run, args=(listen(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield receiver
    finally:
        ends[0]()
        thread.join()
