"""The event resources of the profile API, in both versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.model.events import request_token
from promo_campaigns.profile_api.event_models import EventIn
from promo_campaigns.profile_api.requests import read_json

if TYPE_CHECKING:
    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

EVENT_BYTES = 20 * 1024


class EventRoutes:
    """The event routes, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots
        self.router = APIRouter(prefix="/api")
        self.router.add_api_route("/v1/event", self.add_escaped, methods=["POST"])
        self.router.add_api_route("/v2/event", self.add_nested, methods=["POST"])

    async def add_escaped(self, request: Request) -> JSONResponse:
        """Store an event whose nested parameters are JSON in a text; it is stored when this is answered."""
        return await self._add(request, escaped=True)

    async def add_nested(self, request: Request) -> JSONResponse:
        """Store an event whose parameters are plain JSON; it is stored when this is answered."""
        return await self._add(request, escaped=False)

    async def _add(self, request: Request, *, escaped: bool) -> JSONResponse:
        sent = await read_json(request, EventIn, most_bytes=EVENT_BYTES)
        event = sent.event(escaped=escaped, token=request_token(request.headers.get("idempotency-key", "")))
        kept = await self._slots.write(event.identity.key, self._store.add_event, event)
        return JSONResponse({"id": kept})
