"""Finds a free TCP port."""

from __future__ import annotations

import socket

from promo_campaigns.model.errors import DemoError

_TRIES = 50


def free_port(wanted: int) -> int:
    """Return the first port of 127.0.0.1, from ``wanted`` on, that nobody listens on.

    :raises DemoError: the next 50 ports are all taken
    """
    for port in range(wanted, wanted + _TRIES):
        if _is_free(port):
            return port
    message = f"ports {wanted} to {wanted + _TRIES - 1} of 127.0.0.1 are all taken. Stop a program that listens there"
    raise DemoError(message)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # closed connections of an earlier start do not listen
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
