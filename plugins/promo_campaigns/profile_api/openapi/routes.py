"""Serves the documentation to every client with a key, whatever the key allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse

from promo_campaigns.profile_api.openapi.document import describe
from promo_campaigns.profile_api.openapi.page import HEADERS, draw_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI

    from promo_campaigns.profile_api.resources import Resource

DOCUMENT, PAGE = "/api/v1/openapi.json", "/docs"


def serve_documentation(app: FastAPI, resources: Sequence[Resource], version: str) -> None:
    """Add the document and its page to an application; both are made once."""
    document = describe(resources, version)
    page = draw_page(document)

    async def get_document() -> JSONResponse:
        return JSONResponse(document)

    async def get_page() -> HTMLResponse:
        return HTMLResponse(page, headers=HEADERS)

    app.add_api_route(DOCUMENT, get_document, methods=["GET"], include_in_schema=False)
    app.add_api_route(PAGE, get_page, methods=["GET"], include_in_schema=False)
