"""A connection to a mail server that is kept from one mail to the next."""

from __future__ import annotations

import asyncio
import re
import time
from base64 import b64encode

import aiosmtplib

KEEP_ALIVE_S = 5.0
"""A connection that was idle for longer is asked whether it still stands before it is used."""


_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIRST_DOT = re.compile(rb"^\.", re.MULTILINE)


class MailClient(aiosmtplib.SMTP):
    """A client that knows whether anything of a mail was sent, and drops a connection at once.

    It does not wait for TLS's closing handshake, which may never be answered.
    """

    async def log_in_by_token(self, login: str, token: str) -> None:
        """Log in with an access token (XOAUTH2).

        :raises aiosmtplib.SMTPAuthenticationError: the server does not take it
        """
        said = b64encode(f"user={login}\x01auth=Bearer {token}\x01\x01".encode())
        reply = await self.execute_command(b"AUTH", b"XOAUTH2", said)
        if reply.code == aiosmtplib.SMTPStatus.auth_continue:  # why not, which it tells before it says no
            reply = await self.execute_command(b"")
        if reply.code != aiosmtplib.SMTPStatus.auth_successful:
            raise aiosmtplib.SMTPAuthenticationError(reply.code, reply.message)

    async def offer(self) -> None:
        """Ask whether the server takes a mail now. Nothing of the mail has left before it agrees.

        :raises aiosmtplib.SMTPDataError: the server does not take it
        :raises aiosmtplib.SMTPServerDisconnected: the connection ended before the reply
        """
        reply = await self.execute_command(b"DATA")
        if reply.code != aiosmtplib.SMTPStatus.start_input:
            raise aiosmtplib.SMTPDataError(reply.code, reply.message)

    async def send_content(self, content: bytes) -> None:
        """Send the mail that the server agreed to take.

        :param content: headers and body, with any kind of line ends
        :raises aiosmtplib.SMTPDataError: the server refuses it
        :raises aiosmtplib.SMTPException: the connection ended, or was silent for too long: nobody knows
        """
        if self.protocol is None:
            ended = "the connection ended before the mail was sent"
            raise aiosmtplib.SMTPServerDisconnected(ended)
        self.protocol.write(as_data(content))
        try:
            reply = await self.protocol.read_response(timeout=self.timeout)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError):
            self.close()
            raise
        if reply.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPDataError(reply.code, reply.message)

    def close(self) -> None:
        """Drop the connection."""
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


def as_data(content: bytes) -> bytes:
    """Return a mail as it travels after DATA: lines end in CRLF, a first dot is doubled, a line of one dot ends it.

    RFC 5321, section 4.5.2.
    """
    lines = _LINE_END.sub(b"\r\n", content)
    ended = lines if lines.endswith(b"\r\n") else lines + b"\r\n"
    return _FIRST_DOT.sub(b"..", ended) + b".\r\n"


class MailConnection:
    """A connection to the server, how long it has been idle, and whether it was used for another mail."""

    def __init__(self, client: MailClient) -> None:
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
