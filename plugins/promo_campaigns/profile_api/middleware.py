"""Middleware before every route of the profile API: authentication, access log, unexpected errors."""

from __future__ import annotations

import base64
import binascii
import logging
import time
from typing import TYPE_CHECKING

import anyio
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from promo_campaigns.model.links.unsubscribing import PATH as UNSUBSCRIBE
from promo_campaigns.model.picture_link import PATH as PICTURES
from promo_campaigns.profile_api.client_connections import CONNECTION
from promo_campaigns.profile_api.closings.signature import PATH as NOTICES
from promo_campaigns.profile_api.keys.scopes import CLIENT
from promo_campaigns.profile_api.limits import WrongKeys, find_peer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from promo_campaigns.profile_api.client_connections import LimitedConnection
    from promo_campaigns.profile_api.keys.ring import KeyRing, Known
    from promo_campaigns.profile_api.limits import Limits

_access = logging.getLogger("promo_campaigns.access")
_log = logging.getLogger(__name__)

_NOBODY_THERE = 499
"""Status in the log for an answer whose client had gone, as other servers write it."""
_TAKE_BODY_S = 0.5
_TAKE_BYTES = 256 * 1024


class AuthenticationMiddleware:
    """Authentication: passes requests on that carry a key as the password of HTTP Basic, under any user name.

    It wraps the whole application, so without the key an unknown path is answered like any other. A peer with many
    wrong keys is slowed: on a connection that has not shown the key it waits for the result of its next key, right or
    wrong, so that the time tells nothing. A client with the key behind the same address waits once for each connection.
    Pictures, links to unsubscribe and notices of gateways need no key: each is signed by itself.

    :param keys: those that are worth something
    :param limits: number of wrong keys after which a peer is slowed, and the length of the wait
    """

    def __init__(self, app: ASGIApp, *, keys: KeyRing, limits: Limits) -> None:
        self._app = app
        self._keys = keys
        self._wrong_keys = WrongKeys(limits.wrong_keys)
        self._wait_s = limits.wrong_key_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on."""
        if scope["type"] == "lifespan" or _is_signed_itself(scope):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        connection: LimitedConnection | None = scope.get("state", {}).get(CONNECTION)
        peer = find_peer(scope.get("client"))
        known = self._find(headers)
        if known is None:
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
        if known.bucket is not None and not known.bucket.take():
            await _take_body(headers, receive, 0.0)
            await _too_many(known.bucket.per_second)(scope, receive, send)
            return
        scope.setdefault("state", {})[CLIENT] = known.client
        await self._app(scope, receive, send)

    def _find(self, headers: Mapping[bytes, bytes]) -> Known | None:
        scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"basic":
            return None
        try:
            _, _, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
        except binascii.Error:
            return None
        return self._keys.find(password)


def _is_signed_itself(scope: Scope) -> bool:
    """Tell whether what a request may do is decided by a signature in its path, or over its body."""
    if scope["type"] != "http":
        return False
    method, path = scope["method"], str(scope["path"])
    if method == "POST" and path == NOTICES:
        return True
    is_read = method in {"GET", "HEAD"}
    return (is_read and path.startswith(PICTURES)) or ((is_read or method == "POST") and path.startswith(UNSUBSCRIBE))


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


def _too_many(per_second: int) -> JSONResponse:
    message = f"more than {per_second} requests a second with this key; try again"
    return JSONResponse({"message": message}, status_code=429, headers={"Retry-After": "1"})


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
