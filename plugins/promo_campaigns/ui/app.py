"""The application of the pages: every route behind Airflow's sign-in, and refused unless a right allows it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from airflow.configuration import conf
from fastapi import APIRouter, Depends, FastAPI, Response

from promo_campaigns import __version__
from promo_campaigns.ui.page_errors import answer_errors
from promo_campaigns.ui.page_store import PageStore
from promo_campaigns.ui.rights import Right, needs
from promo_campaigns.ui.routes import me
from promo_campaigns.ui.same_origin import SameOriginMiddleware
from promo_campaigns.ui.static_files import VersionedFiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_ROUTERS = (me.router,)
"""One a page. What every route needs, being signed in and the right to view, is asked in one place below."""


def create_app(store: PageStore | None = None) -> FastAPI:
    """Create the application that Airflow mounts. It opens the store when a page first asks for something.

    :param store: where the pages read; by default what Airflow's connection ``promo_db`` leads to
    """
    app = FastAPI(
        title="Promo campaigns",
        version=__version__,
        description="What the pages of promo campaigns show and do. Times are in UTC, codes are masked.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.store = store or PageStore()
    api = APIRouter(prefix="/api", dependencies=[Depends(needs(Right.VIEW)), Depends(_never_kept)])
    for router in _ROUTERS:
        api.include_router(router)
    app.include_router(api)
    app.mount("/static", VersionedFiles(), name="static")
    answer_errors(app)
    app.add_middleware(SameOriginMiddleware, base_url=lambda: str(conf.get("api", "base_url", fallback="")))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await anyio.to_thread.run_sync(app.state.store.close)


async def _never_kept(response: Response) -> None:
    """Keep answers out of caches on the way, and browsers from guessing what they are."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
