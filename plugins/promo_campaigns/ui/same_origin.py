"""Refuses writes that another site had the browser make.

Airflow has no token against it: its cookie is sent with a request from any port of the same host, and in all-admins
mode no credential is needed at all. A page elsewhere can send forms and plain text, never JSON or bytes unasked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
JSON = "application/json"
BYTES = "application/octet-stream"
_FOREIGN = (
    "this request changes something and does not come from a page of this Airflow, so it was refused; a script sends "
    "the header Origin with the address of this Airflow"
)


class SameOriginMiddleware:
    """Lets a write pass only from a page of this Airflow, and only as JSON or as bytes.

    :param base_url: returns the address under which the operator says that Airflow is reached; empty if it is not said
    """

    def __init__(self, app: ASGIApp, *, base_url: Callable[[], str]) -> None:
        self._app = app
        self._base_url = base_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 or 415, or hand the request on."""
        if scope["type"] == "http" and scope["method"] not in _READS:
            headers = Headers(scope=scope)
            if not self._is_own(headers):
                await JSONResponse({"detail": _FOREIGN}, status_code=403)(scope, receive, send)
                return
            if _kind(headers) not in {JSON, BYTES}:
                detail = f"send the content type {JSON}, or {BYTES} for a file"
                await JSONResponse({"detail": detail}, status_code=415)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_own(self, headers: Headers) -> bool:
        """Tell whether the browser says so; one that says nothing of the site (plain http) names the origin."""
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        origin = urlsplit(headers.get("origin", ""))
        if not origin.netloc:
            return False
        stated = urlsplit(self._base_url())
        return origin.netloc == headers.get("host") or (origin.scheme, origin.netloc) == (stated.scheme, stated.netloc)


def _kind(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
