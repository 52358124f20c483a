"""The application of the pages: every route behind Airflow's sign-in, and refused unless a right allows it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from airflow.configuration import conf
from fastapi import APIRouter, Depends, FastAPI

from promo_campaigns import __version__
from promo_campaigns.ui.answer_headers import AnswerHeadersMiddleware
from promo_campaigns.ui.page_errors import answer_errors
from promo_campaigns.ui.page_store import PageStore
from promo_campaigns.ui.rights import Right, needs
from promo_campaigns.ui.routes import codes, export, me, people, run_acts, run_again, runs, strip, unknown, uploads
from promo_campaigns.ui.same_origin import SameOriginMiddleware
from promo_campaigns.ui.shared_reads import SharedReads
from promo_campaigns.ui.static_files import VersionedFiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_ROUTERS = (
    me.router,
    strip.router,
    runs.router,
    run_acts.router,
    run_again.router,
    unknown.router,
    people.router,
    codes.router,
    uploads.router,
    export.router,
)
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
    app.state.shared = SharedReads(app.state.store)
    api = APIRouter(prefix="/api", dependencies=[Depends(needs(Right.VIEW))])
    for router in _ROUTERS:
        api.include_router(router)
    app.include_router(api)
    app.mount("/static", VersionedFiles(), name="static")
    answer_errors(app)
    app.add_middleware(SameOriginMiddleware, base_url=lambda: str(conf.get("api", "base_url", fallback="")))
    app.add_middleware(AnswerHeadersMiddleware)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await anyio.to_thread.run_sync(app.state.store.close)
