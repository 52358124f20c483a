"""Sends the requests of a data source, several at a time, and says what each answer proves."""

from __future__ import annotations

import asyncio
import math
import re
import time
from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from promo_campaigns.adapters.vetted_resolver import VettedResolver, require_public_literal
from promo_campaigns.core.models import Outcome, Verdict
from promo_campaigns.core.outcome import LOCKED_OUT, outcome_of_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from promo_campaigns.core.models import OutgoingRequest

USER_AGENT = "promo-campaigns"
KEY_HEADER = "Idempotency-Key"
MAX_ANSWER_BYTES = 1_000_000
MAX_CONNECT_S = 10.0
KEEP_ALIVE_S = 3.0
"""A connection that was idle for longer may be closed by the other side just when it is used."""
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go and how they are signed.

    :ivar base_url: scheme, host and port, without a path
    :ivar headers: sent with every request, credentials among them; never logged
    :ivar allow_private: whether the host may have a private address
    :ivar timeout_s: seconds for one request from start to end
    :ivar concurrency: requests under way at a time
    """

    base_url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    allow_private: bool = False
    timeout_s: float = 30.0
    concurrency: int = 32


def basic_auth(login: str, password: str) -> str:
    """Return the value of an ``Authorization`` header of the Basic scheme (RFC 7617, UTF-8)."""
    return "Basic " + b64encode(f"{login}:{password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class _Line:
    """Open connections, and how many more requests they take."""

    session: aiohttp.ClientSession
    free: asyncio.Semaphore


class HttpSender:
    """Sends requests to one endpoint. Redirects are not followed and no proxy of the environment is used.

    The status of an answer decides. Its body is read, up to a limit and packed as it came, only to see that the answer
    is whole: one that breaks off proves nothing.
    """

    in_flight = 500

    def __init__(self, endpoint: Endpoint, *, name: str = "http") -> None:
        self._endpoint = endpoint
        self._line: _Line | None = None
        self.name = name

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep connections open from one ``send`` to the next, until the block ends."""
        line = self._open()
        async with line.session:
            self._line = line
            try:
                yield
            finally:
                self._line = None

    async def send(self, requests: Sequence[OutgoingRequest], *, deadline: float) -> Sequence[Verdict]:
        """Send each request once; a request that has not begun by the deadline is put off.

        :raises SendError: the host has a private address and the endpoint does not allow one
        """
        if self._line is not None:
            return await self._all(self._line, requests, deadline)
        line = self._open()
        async with line.session:
            return await self._all(line, requests, deadline)

    def _open(self) -> _Line:
        if not self._endpoint.allow_private:
            require_public_literal(urlsplit(self._endpoint.base_url).hostname or "")
        session = aiohttp.ClientSession(
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **self._endpoint.headers},
            timeout=aiohttp.ClientTimeout(
                total=self._endpoint.timeout_s, sock_connect=min(MAX_CONNECT_S, self._endpoint.timeout_s / 2)
            ),
            auto_decompress=False,
            connector=aiohttp.TCPConnector(
                limit=self._endpoint.concurrency,
                resolver=None if self._endpoint.allow_private else VettedResolver(),
                keepalive_timeout=KEEP_ALIVE_S,
            ),
            trust_env=False,
        )
        return _Line(session, asyncio.Semaphore(self._endpoint.concurrency))

    async def _all(self, line: _Line, requests: Sequence[OutgoingRequest], deadline: float) -> Sequence[Verdict]:
        verdicts: list[Verdict | None] = [None] * len(requests)
        waiting = iter(enumerate(requests))

        async def call_in_turn() -> None:
            for place, request in waiting:
                async with line.free:
                    verdicts[place] = await self._one(line.session, request, deadline)

        await asyncio.gather(*(call_in_turn() for _ in range(min(self._endpoint.concurrency, len(requests)))))
        return [verdict for verdict in verdicts if verdict is not None]

    async def _one(self, session: aiohttp.ClientSession, request: OutgoingRequest, deadline: float) -> Verdict:
        if time.monotonic() >= deadline:
            return _verdict(request, Outcome.LATER, "not begun in time")
        try:
            url, body = self._addressed(request)
        except ValueError:
            return _verdict(request, Outcome.REFUSED, "the path or a header is not one that can be sent")
        try:
            return await self._call(session, request, url, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return _verdict(request, Outcome.LATER, "no connection")
        except asyncio.TimeoutError:
            return _verdict(request, Outcome.UNKNOWN, "no answer in time")
        except (aiohttp.ClientError, ValueError) as error:
            return _verdict(request, Outcome.UNKNOWN, f"the connection broke ({type(error).__name__})")

    def _addressed(self, request: OutgoingRequest) -> tuple[URL, bytes | None]:
        """Return address and body; whatever can be found wrong with a request is found here, before a byte leaves.

        :raises ValueError: it cannot be sent, or its path could lead to another host than the endpoint's
        """
        if not request.path.startswith(("/", "?")):
            msg = "not a path"
            raise ValueError(msg)
        for name, value in request.headers.items():
            if _UNSENDABLE.search(name) or _UNSENDABLE.search(value):
                msg = "a control character in a header"
                raise ValueError(msg)
            value.encode()
        return URL(self._endpoint.base_url + request.path), request.body.encode() if request.body else None

    async def _call(
        self, session: aiohttp.ClientSession, request: OutgoingRequest, url: URL, body: bytes | None
    ) -> Verdict:
        async with session.request(
            request.method,
            url,
            data=body,
            headers={**request.headers, KEY_HEADER: request.idempotency_key},
            allow_redirects=False,
        ) as answer:
            await _read_through(answer.content)
            outcome = outcome_of_status(answer.status)
            if outcome is Outcome.OK:
                return Verdict(contact_id=request.contact_id, outcome=outcome)
            return Verdict(
                contact_id=request.contact_id,
                outcome=outcome,
                detail=f"HTTP {answer.status}",
                retry_after_s=retry_after_s(answer.headers.get("Retry-After"), now=_receivers_now(answer.headers)),
                locked_out=answer.status in LOCKED_OUT,
            )


async def _read_through(body: aiohttp.StreamReader) -> None:
    """Read an answer to its end, or as much as anybody could have to say."""
    left = MAX_ANSWER_BYTES
    while left > 0 and (piece := await body.read(left)):
        left -= len(piece)


def retry_after_s(header: str | None, *, now: datetime) -> float:
    """Return the seconds a ``Retry-After`` header asks for, in either of its forms; 0 for none or nonsense."""
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        when = _date_of(header)
        seconds = (when - now).total_seconds() if when else 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _receivers_now(headers: Mapping[str, str]) -> datetime:
    """Return the time by the receiver's own clock, which its dates go by; ours if it does not say."""
    return _date_of(headers.get("Date", "")) or datetime.now(timezone.utc)


def _date_of(header: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return when.replace(tzinfo=when.tzinfo or timezone.utc)


def _verdict(request: OutgoingRequest, outcome: Outcome, detail: str) -> Verdict:
    return Verdict(contact_id=request.contact_id, outcome=outcome, detail=detail)
