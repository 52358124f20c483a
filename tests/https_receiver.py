"""A receiver that speaks TLS, with whatever certificate a test wants."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import trustme


class HttpsReceiver:
    """How many requests got through the handshake."""

    def __init__(self) -> None:
        self.requests = 0
        self.port = 0


@contextmanager
def running_https_receiver(context: ssl.SSLContext) -> Iterator[HttpsReceiver]:
    """Run a receiver on a free port until the block ends."""
    receiver = HttpsReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            receiver.requests += 1
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    class Server(HTTPServer):
        def handle_error(self, *_: object) -> None:
            """Handshakes of these tests fail on purpose."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def serving_as(certificate: trustme.LeafCert, *, most: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Return the context of a server with this certificate.

    :param most: the newest version of TLS it speaks
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if most is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = most
    return context
