"""Middleware before every route of the profile API: authentication, access log, unexpected errors."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import time
from typing import TYPE_CHECKING

import anyio
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from promo_campaigns.model.picture_link import PATH
from promo_campaigns.profile_api.client_connections import CONNECTION
from promo_campaigns.profile_api.limits import WrongKeys, find_peer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from promo_campaigns.profile_api.client_connections import LimitedConnection
    from promo_campaigns.profile_api.limits import Limits

_access = logging.getLogger("promo_campaigns.access")
_log = logging.getLogger(__name__)

_NOBODY_THERE = 499
"""Status in the log for an answer whose client had gone, as other servers write it."""
_TAKE_BODY_S = 0.5
_TAKE_BYTES = 256 * 1024


class AuthenticationMiddleware:
    """Authentication: passes requests on that carry the key as the password of HTTP Basic, under any user name.

    It wraps the whole application, so without the key an unknown path is answered like any other. A peer with many
    wrong keys is slowed: on a connection that has not shown the key it waits for the result of its next key, right or
    wrong, so that the time tells nothing. A client with the key behind the same address waits once for each connection.
    A picture of a code needs no key: what may be seen is signed in its link.

    :param api_key: the key, compared in constant time
    :param limits: number of wrong keys after which a peer is slowed, and the length of the wait
    """

    def __init__(self, app: ASGIApp, *, api_key: str, limits: Limits) -> None:
        self._app = app
        self._key = api_key.encode()
        self._wrong_keys = WrongKeys(limits.wrong_keys)
        self._wait_s = limits.wrong_key_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on."""
        if scope["type"] == "lifespan" or _is_of_picture(scope):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        connection: LimitedConnection | None = scope.get("state", {}).get(CONNECTION)
        peer = find_peer(scope.get("client"))
        if not self._is_known(headers):
            self._wrong_keys.count(peer)
            if connection is not None:
                connection.refuse()
            await _take_body(headers, receive, self._wait_s if self._wrong_keys.are_many(peer) else 0.0)
            await _refuse(scope, receive, send)
            return
        if connection is not None and not connection.is_known:
            connection.know()
            if self._wrong_keys.are_many(peer):
                await anyio.sleep(self._wait_s)
        await self._app(scope, receive, send)

    def _is_known(self, headers: Mapping[bytes, bytes]) -> bool:
        scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"basic":
            return False
        try:
            _, _, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
        except binascii.Error:
            return False
        return hmac.compare_digest(password, self._key)


def _is_of_picture(scope: Scope) -> bool:
    is_read = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
    return is_read and str(scope["path"]).startswith(PATH)


async def _take_body(headers: Mapping[bytes, bytes], receive: Receive, wait_s: float) -> None:
    """Read the body of a refused request for a moment: closing with unread bytes would reset the answer."""
    until = anyio.current_time() + wait_s
    # A client that sent Expect: 100-continue waits to be asked for its body, and reading it would ask.
    more = b"expect" not in headers and bool({b"transfer-encoding", b"content-length"} & headers.keys())
    with anyio.move_on_after(_TAKE_BODY_S):
        length = 0
        while more and length < _TAKE_BYTES:
            message = await receive()
            length += len(message.get("body", b""))
            more = bool(message.get("more_body"))
    await anyio.sleep_until(until)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = JSONResponse(
        {"message": "send the API key as the password of HTTP Basic"},
        status_code=401,
        headers={"WWW-Authenticate": 'Basic realm="profile API", charset="UTF-8"', "Connection": "close"},
    )
    await refusal(scope, receive, send)


class AccessLogMiddleware:
    """Logs each request as method, route, status and milliseconds, and answers 500 where nothing else did.

    The log holds the route's pattern, never the path or the query, which may hold an address; and an unforeseen error
    by its type, never its message, which may quote a value.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and log its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            # The client has gone; the connection's own log counts those that were closed by the server.
            status = _NOBODY_THERE
        except Exception as error:  # noqa: BLE001  (the last resort: its traceback would quote values)
            _log.error("unforeseen %s at %s", type(error).__name__, _origin(error))
            if not status:
                await JSONResponse({"message": "internal error"}, status_code=500)(scope, receive, watch)
        route = getattr(scope.get("route"), "path", "-")
        _access.info("%s %s %d %.1f ms", scope["method"], route, status, (time.perf_counter() - started) * 1000)


def _origin(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "-"


class TrailingSlashMiddleware:
    """Takes one slash off the end of a path: some clients send it, and would not follow a redirect with a body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and len(scope["path"]) > 1 and scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"][:-1]}
        await self._app(scope, receive, send)
