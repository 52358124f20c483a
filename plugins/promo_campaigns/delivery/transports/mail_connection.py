"""A connection to a mail server that is kept from one mail to the next."""

from __future__ import annotations

import asyncio
import time

import aiosmtplib

KEEP_ALIVE_S = 5.0
"""A connection that was idle for longer is asked whether it still stands before it is used."""


class MailClient(aiosmtplib.SMTP):
    """A client that drops a connection at once, without TLS's closing handshake, which may never be answered."""

    def close(self) -> None:
        """Drop the connection."""
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


class MailConnection:
    """A connection to the server, how long it has been idle, and whether it was used for another mail."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        self.idle_since = time.monotonic()
        self.was_kept = False

    async def stands(self) -> bool:
        """Tell whether the connection can be used, and ask the server where it has been idle for long."""
        if not self.client.is_connected:
            return False
        if time.monotonic() - self.idle_since < KEEP_ALIVE_S:
            return True
        try:
            await self.client.noop()
        except (aiosmtplib.SMTPException, OSError):
            return False
        return True
