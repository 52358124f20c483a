"""Calls one endpoint over open connections, and tells the result of each call."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDict

from promo_campaigns.http.content_encoding import decoded, read_through
from promo_campaigns.http.kept_connections import KeptConnections
from promo_campaigns.http.no_connection import NoConnection, explain, explain_proxy, wants_certificate
from promo_campaigns.http.outcome import classify_status, is_locked_out, receivers_now, retry_after_s, what_to_look_at
from promo_campaigns.http.rate_limit_port import UNLIMITED, NoPermitError
from promo_campaigns.http.request_paths import holds_control_character, request_url
from promo_campaigns.http.ssrf import VettedResolver, require_public_literal
from promo_campaigns.http.target import NotSignedError
from promo_campaigns.http.tls import tls_context
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if sys.version_info >= (3, 11):
    from asyncio import timeout
else:
    from async_timeout import timeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from yarl import URL

    from promo_campaigns.http.rate_limit_port import RateLimiter
    from promo_campaigns.http.target import Endpoint

USER_AGENT = "promo-campaigns"
MAX_ANSWER_BYTES = 1_000_000
MAX_CONNECT_S = 10.0
KEEP_ALIVE_S = 3.0
"""A connection that was idle for longer may be closed by the other side just when it is used."""
_UNAUTHORIZED = 401


@dataclass(slots=True, kw_only=True)  # made once per contact: freezing would triple what that costs
class Call:
    """One HTTP request. Never logged.

    :ivar path: path and query, from the slash on
    """

    method: str
    path: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)  # likewise
class Answer:
    """The result of a call, with or without an answer.

    :ivar outcome: what the status, or its absence, proves
    :ivar detail: why it is not ok, in words free of addresses, codes and answers
    :ivar status: of the answer, 0 without one
    :ivar body: the answer's first million bytes. Never logged
    :ivar unread: why the body is not all of the answer; empty if it is
    :ivar retry_after_s: seconds for which the receiver asks for no calls, 0 if it names none
    :ivar locked_out: the receiver refuses every caller, and no waiting helps
    :ivar look_at: what a person is to look at if every caller gets it
    :ivar called: False if nothing has left for the receiver
    """

    outcome: Outcome
    detail: str = ""
    status: int = 0
    body: bytes = field(default=b"", repr=False)
    unread: str = ""
    retry_after_s: float = 0.0
    locked_out: bool = False
    look_at: str = ""
    called: bool = True

    def result(self, contact_id: int) -> DeliveryResult:
        """Say what it means for a contact: what its status, or its absence, proves."""
        return DeliveryResult(
            contact_id=contact_id,
            outcome=self.outcome,
            detail=self.detail,
            retry_after_s=self.retry_after_s,
            locked_out=self.locked_out,
            look_at=self.look_at,
            called=self.called,
        )


def not_begun(wait_s: float = 0.0) -> Answer:
    """Return the answer of a call that had not begun by its deadline.

    :param wait_s: seconds after which it may begin
    """
    return Answer(outcome=Outcome.LATER, detail="not begun in time", retry_after_s=wait_s, called=False)


@dataclass(slots=True, eq=False)
class _Batch:
    """Calls of one ``send_all``, and the answers so far."""

    calls: Sequence[Call]
    deadline: float
    answers: list[Answer | None]
    left: int
    done: asyncio.Future[None]

    def count_off(self) -> None:
        """One more is answered."""
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)

    def fail(self, error: Exception) -> None:
        """End the waiting with an error."""
        if not self.done.done():
            self.done.set_exception(error)


class HttpClient:
    """Calls one endpoint, several times at once. Redirects are not followed and no proxy of the environment is used.

    An answer is read to its end, up to a limit: one that breaks off proves nothing.

    :param limiter: holds every call back until the receiver's rate budget has room for it
    """

    def __init__(self, endpoint: Endpoint, *, limiter: RateLimiter = UNLIMITED) -> None:
        self.endpoint = endpoint
        self._limiter = limiter
        self._fixed = CIMultiDict({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        self._fixed.update(endpoint.fixed_headers)
        self._session: aiohttp.ClientSession | None = None
        self._users = 0
        self._waiting: deque[tuple[_Batch, int]] = deque()
        self._callers: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep connections open until the last of the blocks that are open at a time ends.

        :raises SendError: the host has a private address and the endpoint does not allow one
        """
        if self._session is None:
            self._session = self._open()
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                await self._close(self._session)

    async def _close(self, session: aiohttp.ClientSession) -> None:
        self._session = None
        self._waiting.clear()
        for caller in tuple(self._callers):
            caller.cancel()
        await session.close()

    async def send_all(self, calls: Sequence[Call], *, deadline: float) -> list[Answer]:
        """Make each call once, inside ``connected``, and return the answers in the order of the calls.

        :param deadline: on the clock of ``time.monotonic``; a call that has not begun by then is put off
        :raises SendError: the host's name leads to private addresses only and the endpoint does not allow them
        """
        if self._session is None:
            msg = "a call needs open connections: use it inside `async with client.connected()`"
            raise RuntimeError(msg)
        if not calls:
            return []
        done = asyncio.get_running_loop().create_future()
        batch = _Batch(calls, deadline, [None] * len(calls), len(calls), done)
        self._waiting.extend((batch, place) for place in range(len(calls)))
        for _ in range(min(self.endpoint.concurrency - len(self._callers), len(calls))):
            self._callers.add(asyncio.create_task(self._call_until_none_waits(self._session)))
        await done
        return [answer for answer in batch.answers if answer is not None]

    async def _call_until_none_waits(self, session: aiohttp.ClientSession) -> None:
        try:
            await self._call_in_turn(session)
        finally:
            self._callers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _call_in_turn(self, session: aiohttp.ClientSession) -> None:
        """Make one call after the other, from any batch."""
        while self._waiting:
            batch, place = self._waiting.popleft()
            if batch.done.done():
                continue
            try:
                batch.answers[place] = await self._one(session, batch.calls[place], batch.deadline)
            except asyncio.CancelledError:
                batch.done.cancel()
                raise
            except Exception as error:  # noqa: BLE001  (whatever it is, the caller of send_all gets it)
                batch.fail(error)
            else:
                batch.count_off()

    async def _one(self, session: aiohttp.ClientSession, call: Call, deadline: float) -> Answer:
        try:
            async with self._limiter.permit(deadline=deadline) as permit:
                answer = await self._call(session, call, deadline)
                permit.back_off(answer.retry_after_s)
                return answer
        except NoPermitError as refused:
            return not_begun(refused.wait_s)

    async def _call(self, session: aiohttp.ClientSession, call: Call, deadline: float) -> Answer:
        if time.monotonic() >= deadline:
            return not_begun()
        try:
            url, body = self._addressed(call)
        except ValueError:
            detail = "the path or a header is not one that can be sent"
            return Answer(outcome=Outcome.REFUSED, detail=detail, called=False)
        begun = time.monotonic()
        try:
            signature = await self._signature(call, url, body)
        except NotSignedError as none:
            return _no_connection(NoConnection(detail=str(none), look_at=none.look_at))
        try:
            async with timeout(self.endpoint.timeout_s - (time.monotonic() - begun)):
                answer = await _called(session, call.method, url, body, self._headers(call, signature))
        except asyncio.TimeoutError:
            return Answer(outcome=Outcome.UNKNOWN, detail="no answer in time")
        return self._heard(answer, signature)

    def _headers(self, call: Call, signature: Mapping[str, str]) -> CIMultiDict[str]:
        """Return the headers of a request. None are the session's own: those aiohttp shows to a proxy as well."""
        headers: CIMultiDict[str] = self._fixed.copy()
        headers.update(call.headers)
        headers.update(signature)
        return headers

    async def _signature(self, call: Call, url: URL, body: bytes | None) -> Mapping[str, str]:
        signer = self.endpoint.signer
        return await signer.sign(call.method, url, body) if signer else {}

    def _heard(self, answer: Answer, signature: Mapping[str, str]) -> Answer:
        """Tell the signer of an answer. A 401 locks nobody out whose next request is signed anew."""
        signer = self.endpoint.signer
        if signer is None or not answer.status:
            return answer
        if answer.status != _UNAUTHORIZED:
            signer.taken(signature)
        if answer.status != _UNAUTHORIZED or not signer.refused(signature):
            return answer
        detail = f"{answer.detail}, the access token has ended; the next request has a new one"
        return replace(answer, detail=detail, locked_out=False, look_at="")

    def _open(self) -> aiohttp.ClientSession:
        endpoint, proxy = self.endpoint, self.endpoint.proxy
        if not endpoint.allow_private:
            require_public_literal(urlsplit(endpoint.base_url).hostname or "", by_proxy=proxy is not None)
        # The resolver is asked for the proxy's own name where there is one: a named proxy is meant to be reached.
        unvetted = endpoint.allow_private or proxy is not None
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(MAX_CONNECT_S, endpoint.timeout_s / 2)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            connector=KeptConnections(
                limit=endpoint.concurrency,
                resolver=None if unvetted else VettedResolver(),
                keepalive_timeout=KEEP_ALIVE_S,
                ssl=tls_context(endpoint.tls) if endpoint.is_tls else True,
                tunnel_headers={"User-Agent": USER_AGENT, **proxy.headers} if proxy and endpoint.is_tls else None,
            ),
            trust_env=False,
            proxy=proxy.url if proxy else None,
        )

    def _addressed(self, call: Call) -> tuple[URL, bytes | None]:
        """Return address and body; whatever can be found wrong with a request is found here, before a byte leaves.

        :raises ValueError: it cannot be sent, or its path could lead to another host or path
        """
        headers = "".join((*call.headers, *call.headers.values()))
        if holds_control_character(headers):
            msg = "a control character in a header"
            raise ValueError(msg)
        headers.encode()
        url = request_url(self.endpoint.base_url, call.path, self.endpoint.query)
        return url, call.body.encode() if call.body else None


async def _called(
    session: aiohttp.ClientSession, method: str, url: URL, body: bytes | None, headers: CIMultiDict[str]
) -> Answer:
    connections = cast("KeptConnections", session.connector)
    connections.begin()
    try:
        async with session.request(
            method,
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            proxy_headers=connections.tunnel_headers,
        ) as response:
            connections.answered()
            return _answer(response, await read_through(response.content, most=MAX_ANSWER_BYTES))
    except aiohttp.ClientHttpProxyError as error:
        return _no_connection(explain_proxy(error.status))
    except (aiohttp.ClientSSLError, aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        return _no_connection(explain(error, proxy=isinstance(error, aiohttp.ClientProxyConnectionError)))
    except (aiohttp.ClientError, ValueError) as error:
        if not connections.has_connection():  # it broke while it was made, in a proxy's tunnel
            return _no_connection(explain(error))
        if isinstance(error, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError):
            connections.broke()
        if refused := wants_certificate(error):
            return replace(_no_connection(refused), called=True)
        return Answer(outcome=Outcome.UNKNOWN, detail=f"the connection broke ({type(error).__name__})")
    finally:
        connections.end()


def _no_connection(why: NoConnection) -> Answer:
    return Answer(outcome=Outcome.LATER, detail=why.detail, locked_out=why.is_final, look_at=why.look_at, called=False)


def _answer(response: aiohttp.ClientResponse, body: bytes) -> Answer:
    status, headers = response.status, response.headers
    outcome = classify_status(status)
    body, unread = decoded(body, ",".join(headers.getall("Content-Encoding", ())), most=MAX_ANSWER_BYTES)
    if outcome is Outcome.OK:
        return Answer(outcome=outcome, status=status, body=body, unread=unread)
    return Answer(
        outcome=outcome,
        detail=f"HTTP {status}",
        status=status,
        body=body,
        unread=unread,
        retry_after_s=retry_after_s(headers.get("Retry-After"), now=receivers_now(headers)),
        locked_out=is_locked_out(status),
        look_at=what_to_look_at(status, headers.get("Location", "")),
    )
