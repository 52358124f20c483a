"""A real StatsD listener: a UDP socket on loopback that keeps what it is told."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class StatsdListener:
    """What was told, in its order."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.port = int(listening.getsockname()[1])

    def heard(self) -> dict[str, str]:
        """Return what has come since the last look, by name: ``{"airflow.promo.runs.open": "1|g"}``.

        On loopback a packet lies in the socket as soon as it was sent, so nothing is waited for.
        """
        packets = iter(self._packet, b"")
        return dict(line.split(":", 1) for packet in packets for line in packet.decode().splitlines())

    def _packet(self) -> bytes:
        try:
            return self._listening.recv(65_536)
        except BlockingIOError:
            return b""


@contextmanager
def statsd_listener() -> Iterator[StatsdListener]:
    """Listen on a free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setblocking(False)  # noqa: FBT003  (the socket's own signature)
        yield StatsdListener(listening)
