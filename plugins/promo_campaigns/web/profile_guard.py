"""What stands before every route of the profile API: the key, the log line, and the last resort."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import time
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_access = logging.getLogger("promo_campaigns.access")
_log = logging.getLogger(__name__)


class Guard:
    """Lets requests pass that carry the key as the password of HTTP Basic, under any user name ([reteno] A1).

    It wraps the whole application: a path that does not exist is refused to strangers like any other.

    :param api_key: the key, compared in constant time
    """

    def __init__(self, app: ASGIApp, *, api_key: str) -> None:
        self._app = app
        self._key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or hand on."""
        if scope["type"] != "lifespan" and not self._is_known(dict(scope["headers"])):
            refusal = JSONResponse(
                {"message": "send the API key as the password of HTTP Basic"},
                status_code=401,
                headers={"WWW-Authenticate": 'Basic realm="profile API", charset="UTF-8"'},
            )
            await refusal(scope, receive, send)
            return
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


class Porch:
    """Logs each request as method, route, status and milliseconds, and answers 500 where nothing else did.

    The log holds the route's pattern, never the path or the query, which may hold an address; and an unforeseen error
    by its type, never its message, which may quote a value.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on and watch."""
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
