"""The FastAPI application of the profile API, compatible with the vendor's."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse
from starlette.routing import Match

from promo_campaigns.model.errors import (
    ConfigurationError,
    ContactError,
    LeaseHeldError,
    StoreError,
    StoreUnavailableError,
)
from promo_campaigns.profile_api.account_routes import AccountRoutes, product_version
from promo_campaigns.profile_api.closings.activity_routes import ActivityRoutes
from promo_campaigns.profile_api.closings.notice_routes import NoticeRoutes
from promo_campaigns.profile_api.closings.unsubscribe_routes import UnsubscribeRoutes
from promo_campaigns.profile_api.contacts.bulk_routes import BulkRoutes
from promo_campaigns.profile_api.contacts.contact_routes import ContactRoutes
from promo_campaigns.profile_api.contacts.list_routes import ListRoutes
from promo_campaigns.profile_api.contacts.subscription_routes import SubscriptionRoutes
from promo_campaigns.profile_api.event_routes import EventRoutes
from promo_campaigns.profile_api.import_worker import ImportWorker
from promo_campaigns.profile_api.keys.ring import KeyRing
from promo_campaigns.profile_api.keys.store import read_keys
from promo_campaigns.profile_api.messages.message_routes import MessageRoutes
from promo_campaigns.profile_api.middleware import (
    AccessLogMiddleware,
    AuthenticationMiddleware,
    TrailingSlashMiddleware,
)
from promo_campaigns.profile_api.openapi.routes import serve_documentation
from promo_campaigns.profile_api.picture_routes import PictureRoutes
from promo_campaigns.profile_api.requests import RequestError
from promo_campaigns.profile_api.resources import Resource, serve
from promo_campaigns.profile_api.shop.order_routes import OrderRoutes
from promo_campaigns.profile_api.store import ProfileStore
from promo_campaigns.profile_api.store_slots import CONNECTIONS, StoreSlots
from promo_campaigns.profile_api.uploads.upload_routes import UploadRoutes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager

    from starlette.types import Scope

    from promo_campaigns.profile_api.limits import Limits


def create_app(dsn: str, api_key: str, limits: Limits, *, notice_keys: Sequence[bytes] = ()) -> FastAPI:
    """Create the application. Its start-up opens the store and continues queued imports.

    :param dsn: ``postgresql://`` URI of the database
    :param api_key: a password of HTTP Basic that allows everything; clients have keys of their own in the store
    :param limits: the application itself applies those on wrong keys and on uploads
    :param notice_keys: those that notices of closed channels may be signed with; none if nobody sends any
    :raises ConfigurationError: the key is empty
    """
    if not api_key:
        problem = "the profile API needs a key"
        raise ConfigurationError(problem)
    store = ProfileStore(dsn, connections=sum(CONNECTIONS.values()))
    worker = ImportWorker(store)
    slots = StoreSlots()
    keys = KeyRing(api_key)
    app = FastAPI(
        title="Profile API",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(store, worker, lambda: keys.follow(lambda: slots.read(store.run, read_keys))),
    )
    resources = all_resources(store, slots, worker, limits.upload_hosts)
    serve(app, resources)
    serve_documentation(app, resources, product_version())
    app.include_router(PictureRoutes(store, slots).router)
    app.include_router(UnsubscribeRoutes(store, slots).router)
    app.include_router(NoticeRoutes(store, slots, notice_keys).router)
    _answer_errors(app)
    app.add_middleware(TrailingSlashMiddleware)
    app.add_middleware(AuthenticationMiddleware, keys=keys, limits=limits)
    app.add_middleware(AccessLogMiddleware)
    return app


def all_resources(
    store: ProfileStore, slots: StoreSlots, worker: ImportWorker, upload_hosts: Sequence[str] = ()
) -> list[Resource]:
    """Return the resources that ask for a key."""
    return [
        *AccountRoutes(store, slots).resources(),
        *ContactRoutes(store, slots).resources(),
        *SubscriptionRoutes(store, slots).resources(),
        *ListRoutes(store, slots).resources(),
        *BulkRoutes(store, slots, worker).resources(),
        *UploadRoutes(store, slots, worker, upload_hosts).resources(),
        *ActivityRoutes(store, slots).resources(),
        *EventRoutes(store, slots).resources(),
        *OrderRoutes(store, slots).resources(),
        *MessageRoutes(store, slots).resources(),
    ]


def _lifespan(
    store: ProfileStore, worker: ImportWorker, follow_keys: Callable[[], Coroutine[Any, Any, None]]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(store.open)
        worker.start()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(follow_keys)
                yield
                tasks.cancel_scope.cancel()
        finally:
            await anyio.to_thread.run_sync(worker.stop)
            await anyio.to_thread.run_sync(store.close)

    return lifespan


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestError)
    async def refuse(_: Request, error: RequestError) -> JSONResponse:
        return _problem(error.status, error.message, error.errors)

    @app.exception_handler(ContactError)
    async def refuse_contact(_: Request, error: ContactError) -> JSONResponse:
        errors = [{"place": error.place, "message": error.problem}]
        return _problem(400, "the contact cannot be stored", errors)

    @app.exception_handler(LeaseHeldError)
    async def wait_for_sender(_: Request, error: LeaseHeldError) -> JSONResponse:
        headers = {"Retry-After": str(math.ceil(error.wait_s))}
        return JSONResponse({"message": "the contact is being sent to; try again"}, status_code=409, headers=headers)

    @app.exception_handler(StoreError)
    async def come_back(_: Request, error: StoreError) -> JSONResponse:
        if not isinstance(error, StoreUnavailableError):
            return _problem(500, str(error), [])
        return JSONResponse({"message": str(error)}, status_code=503, headers={"Retry-After": "1"})

    @app.exception_handler(HTTPException)
    async def name_status(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _methods_of(app, request.scope)
        message = str(error.detail) if error.status_code != HTTPStatus.NOT_FOUND else "resource not found"
        return JSONResponse({"message": message}, status_code=error.status_code, headers=headers)


def _methods_of(app: FastAPI, scope: Scope) -> str:
    """Return what can be done with a path; each of its methods is a route of its own."""
    found = [route for route in app.routes if route.matches(scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in found for method in getattr(route, "methods", None) or ()}))


def _problem(status: int, message: str, errors: list[dict[str, str]]) -> JSONResponse:
    return JSONResponse({"message": message, "errors": errors}, status_code=status)
