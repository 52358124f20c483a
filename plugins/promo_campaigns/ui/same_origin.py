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
MOST_JSON = 1_000_000
_FOREIGN = (
    "this request changes something and does not come from a page of this Airflow, so it was refused; a script sends "
    "the header Origin with the address of this Airflow"
)


class SameOriginMiddleware:
    """Lets a write pass only from a page of this Airflow, and only as JSON of a modest size or as bytes.

    JSON is read before anybody is asked who they are, so its size is looked at here; bytes are counted as they come.

    :param base_url: returns the address under which the operator says that Airflow is reached; empty if it is not said
    """

    def __init__(self, app: ASGIApp, *, base_url: Callable[[], str]) -> None:
        self._app = app
        self._base_url = base_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403, 413 or 415, or hand the request on."""
        refused = self._refusal(Headers(scope=scope)) if _is_write(scope) else None
        if refused is not None:
            status, detail = refused
            await JSONResponse({"detail": detail}, status_code=status)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        if not self._is_own(headers):
            return 403, _FOREIGN
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in {JSON, BYTES}:
            return 415, f"send the content type {JSON}, or {BYTES} for a file"
        size = headers.get("content-length", "")
        if kind == JSON and (not size.isdecimal() or int(size) > MOST_JSON):
            return 413, f"say the size of the JSON, of {MOST_JSON:,} bytes at most"
        return None

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


def _is_write(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] not in _READS
