"""The FastAPI application of the profile API, compatible with the vendor's."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse
from starlette.routing import Match

from promo_campaigns.model.contact_rules import clean_external_id
from promo_campaigns.model.errors import (
    ConfigurationError,
    ContactError,
    LeaseHeldError,
    StoreError,
    StoreUnavailableError,
)
from promo_campaigns.profile_api.bulk import bulk_request
from promo_campaigns.profile_api.event_routes import EventRoutes
from promo_campaigns.profile_api.import_worker import ImportWorker
from promo_campaigns.profile_api.middleware import (
    AccessLogMiddleware,
    AuthenticationMiddleware,
    TrailingSlashMiddleware,
)
from promo_campaigns.profile_api.models import (
    BulkIn,
    ContactIn,
    address_book_out,
    contact_out,
    failures_out,
    import_out,
)
from promo_campaigns.profile_api.picture_routes import PictureRoutes
from promo_campaigns.profile_api.requests import RequestError, read_json
from promo_campaigns.profile_api.store import ProfileStore
from promo_campaigns.profile_api.store_slots import CONNECTIONS, StoreSlots, contact_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.types import Scope

    from promo_campaigns.profile_api.limits import Limits

CONTACT_BYTES = 256 * 1024
BULK_BYTES = 16 * 1024 * 1024

_ID_DIGITS = 18
NO_CONTACT = "contact not found"
"""Clients of the vendor look for ``not found`` in the message of an error."""


def create_app(dsn: str, api_key: str, limits: Limits) -> FastAPI:
    """Create the application. Its start-up opens the store and continues queued imports.

    :param dsn: ``postgresql://`` URI of the database
    :param api_key: the password of HTTP Basic; without it only signed links to pictures are answered
    :param limits: the application itself applies those on wrong keys
    :raises ConfigurationError: the key is empty
    """
    if not api_key:
        problem = "the profile API needs a key"
        raise ConfigurationError(problem)
    store = ProfileStore(dsn, connections=sum(CONNECTIONS.values()))
    worker = ImportWorker(store)
    app = FastAPI(
        title="Profile API",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(store, worker),
    )
    slots = StoreSlots()
    app.include_router(ProfileRoutes(store, slots, worker).router)
    app.include_router(EventRoutes(store, slots).router)
    app.include_router(PictureRoutes(store, slots).router)
    _answer_errors(app)
    app.add_middleware(TrailingSlashMiddleware)
    app.add_middleware(AuthenticationMiddleware, api_key=api_key, limits=limits)
    app.add_middleware(AccessLogMiddleware)
    return app


def _lifespan(store: ProfileStore, worker: ImportWorker) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(store.open)
        worker.start()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(worker.stop)
            await anyio.to_thread.run_sync(store.close)

    return lifespan


class ProfileRoutes:
    """The contact routes, on an open store."""

    def __init__(self, store: ProfileStore, slots: StoreSlots, worker: ImportWorker) -> None:
        self._store = store
        self._worker = worker
        self._slots = slots
        self.router = APIRouter(prefix="/api/v1")
        add = self.router.add_api_route
        add("/contact", self.put_contact, methods=["POST"])
        add("/contact", self.erase_contact, methods=["DELETE"])
        add("/contact/{contact_id}", self.get_contact, methods=["GET"])
        add("/contacts", self.put_contacts, methods=["POST"])
        add("/importstatus/{session_id}", self.get_import, methods=["GET"])
        add("/addressbooks", self.get_address_books, methods=["GET"])

    async def put_contact(self, request: Request) -> JSONResponse:
        """Create a contact, or update the one that holds an identifier of the request; it is stored when answered."""
        sent = await read_json(request, ContactIn, most_bytes=CONTACT_BYTES)
        contact = sent.contact()
        return JSONResponse({"id": await self._slots.write(contact_name(contact), self._store.put, contact)})

    async def get_contact(self, request: Request, contact_id: str) -> JSONResponse:
        """Return a contact with its channels and fields; ``full=true`` adds what the vendor's answer has not."""
        is_id = contact_id.isdecimal() and contact_id.isascii() and len(contact_id) <= _ID_DIGITS
        found = await self._slots.read(self._store.read, int(contact_id)) if is_id else None
        if found is None:
            raise RequestError(404, NO_CONTACT)
        return JSONResponse(contact_out(found, full=request.query_params.get("full") == "true"))

    async def erase_contact(self, request: Request) -> JSONResponse:
        """Erase the contact with an external id; erasing it again changes nothing."""
        if request.query_params.get("erase") != "true":
            raise RequestError(400, "a contact is erased or kept, never hidden: send erase=true")
        try:
            external_id = clean_external_id(request.query_params.get("externalCustomerId", ""))
        except ValueError as error:
            place = {"place": "externalCustomerId", "message": str(error)}
            raise RequestError(400, "the contact to erase is not named", [place]) from error
        erased = await self._slots.write(external_id, self._store.erase, external_id)
        if erased is None:
            raise RequestError(404, NO_CONTACT)
        return JSONResponse({"id": erased})

    async def put_contacts(self, request: Request) -> JSONResponse:
        """Accept many contacts; they are stored when ``importstatus`` says so."""
        sent = await read_json(request, BulkIn, most_bytes=BULK_BYTES)

        def accept() -> dict[str, Any]:
            wanted, failures = bulk_request(sent, self._store.field_types(sent.customFieldsIDs))
            session_id = self._store.accept(wanted, total=len(sent.contacts), failures=failures)
            return {"id": 0, "asyncSessionId": session_id, "failedContacts": failures_out(failures)}

        answer = await self._slots.write(None, accept)
        self._worker.wake()
        return JSONResponse(answer)

    async def get_import(self, session_id: str) -> JSONResponse:
        """Return the status of a bulk request."""
        found = await self._slots.read(self._store.read_import, session_id)
        if found is None:
            raise RequestError(404, "import not found")
        return JSONResponse(import_out(found))

    async def get_address_books(self) -> JSONResponse:
        """Return the additional fields with their ids, names and types."""
        return JSONResponse(address_book_out(await self._slots.read(self._store.fields)))


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
