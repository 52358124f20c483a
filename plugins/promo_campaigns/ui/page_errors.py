"""What the routes answer when something is wrong: one plain sentence, never a value, a code or an address."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from promo_campaigns.hooks.inbox_uploads import NameTakenError
from promo_campaigns.model.errors import (
    ConfigurationError,
    ContactError,
    DatabaseUnavailableError,
    FileError,
    HeldUpError,
    LedgerError,
    PromoError,
    StoreError,
    StoreUnavailableError,
    UnknownCodeFileError,
)

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

_log = logging.getLogger(__name__)


class PageError(PromoError):
    """A request cannot be answered as asked.

    :param status: HTTP status
    :param detail: one plain sentence for the person at the page
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


_STATUSES: tuple[tuple[type[PromoError], int], ...] = (
    (StoreUnavailableError, 503),
    (DatabaseUnavailableError, 503),
    (StoreError, 500),
    (UnknownCodeFileError, 404),
    (ContactError, 404),
    (LedgerError, 409),
    (NameTakenError, 409),
    (FileError, 400),
    (ConfigurationError, 503),
)
"""The first that fits counts."""


def answer_errors(app: FastAPI) -> None:
    """Let an application answer the product's errors, and requests that do not fit a route."""

    @app.exception_handler(PromoError)
    async def tell(_: Request, error: PromoError) -> JSONResponse:
        status = status_of(error)
        headers = {}
        if isinstance(error, HeldUpError) and error.wait_s:
            headers["Retry-After"] = str(math.ceil(error.wait_s))
        if status >= 500:  # noqa: PLR2004  (the statuses of a server's own faults)
            _log.warning("A page was not answered: %s", error)
        return JSONResponse({"detail": str(error)}, status_code=status, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        return JSONResponse({"detail": f"{place}: {first['msg']}"}, status_code=400)


def status_of(error: PromoError) -> int:
    """Return the HTTP status that says what kind of error it is."""
    if isinstance(error, PageError):
        return error.status
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 409)
