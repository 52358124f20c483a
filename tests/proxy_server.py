"""A company's proxy on loopback: it wants a login, tunnels TLS, and passes plain requests on."""

from __future__ import annotations

import socket
import threading
from base64 import b64encode
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGIN, PASSWORD = "worker", "p@ss/word-of-the-proxy"


class ProxyServer:
    """What was asked for, as ``CONNECT host:port`` or ``GET http://...``, and what is refused."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told: list[set[str]] = []
        """The names of the headers that came with each."""
        self.port = 0
        self.refuses_with = 0
        self.leads_to = 0
        """The port on loopback that every name leads to, as a company's name server would have it; 0: as asked."""

    @property
    def url(self) -> str:
        """The proxy's address without a login."""
        return f"http://127.0.0.1:{self.port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: ProxyServer

    def handle_error(self, *_: object) -> None:
        """Both sides of a tunnel hang up when they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_CONNECT(self) -> None:
        if not self._may_pass():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection(self._place(host, int(port)), timeout=10) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(there, self.connection), daemon=True)
            back.start()
            _pump(self.connection, there)
            back.join(10)
        self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self._may_pass():
            return
        parts = urlsplit(self.path)
        there = HTTPConnection(*self._place(parts.hostname or "", parts.port or 80), timeout=10)
        headers = {name: value for name, value in self.headers.items() if name != "Proxy-Authorization"}
        there.request(self.command, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers)
        answer = there.getresponse()
        self._answer(answer.status, answer.read())
        there.close()

    do_GET = do_POST  # noqa: N815  (the name http.server calls)

    def _place(self, host: str, port: int) -> tuple[str, int]:
        proxy = self.server.proxy
        return ("127.0.0.1", proxy.leads_to) if proxy.leads_to else (host, port)

    def _may_pass(self) -> bool:
        proxy, expected = self.server.proxy, "Basic " + b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
        proxy.asked.append(f"{self.command} {self.path}")
        proxy.told.append({name.lower() for name in self.headers})
        status = proxy.refuses_with or (407 if self.headers.get("Proxy-Authorization") != expected else 0)
        if status:
            self._answer(status, b"")
        return not status

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def running_proxy() -> Iterator[ProxyServer]:
    """Run a proxy on a free port until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.proxy = proxy = ProxyServer()
    proxy.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
