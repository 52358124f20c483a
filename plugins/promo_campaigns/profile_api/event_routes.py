"""The event resources of the profile API, in both versions."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.contacts.event_store import add_past_event
from promo_campaigns.model.errors import ContactError
from promo_campaigns.model.events import request_token
from promo_campaigns.profile_api.event_models import MOST_PAST_EVENTS, EventIn, PastEventIn, PastEventsIn
from promo_campaigns.profile_api.keys.scopes import Scope
from promo_campaigns.profile_api.requests import RequestError, first_problem, read_json
from promo_campaigns.profile_api.resources import Resource
from promo_campaigns.redemptions.rules import EVENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.events import Event
    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

EVENT_BYTES = 20 * 1024
PAST_BYTES = MOST_PAST_EVENTS * EVENT_BYTES


class EventRoutes:
    """The event routes, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots

    def resources(self) -> Sequence[Resource]:
        """Return the resources."""
        sent = {"eventTypeKey": "orderCreated", "keyValue": "order-1", "params": {"email": "ada@example.com"}}
        now = [
            Resource(
                method="POST",
                path=f"/api/{version}/event",
                call=call,
                scope=Scope.EVENTS,
                body=EventIn,
                sent=sent,
                answer={"id": 5},
            )
            for version, call in (("v1", self.add_escaped), ("v2", self.add_nested))
        ]
        past = [
            Resource(
                method="POST",
                path=f"/api/{version}/past_events",
                call=call,
                scope=Scope.EVENTS,
                body=PastEventsIn,
                element=PastEventIn,
                sent={"events": [{**sent, "occurred": "2026-05-14T10:11"}]},
                answer={"ids": [5], "failedEvents": []},
            )
            for version, call in (("v1", self.add_escaped_past), ("v2", self.add_nested_past))
        ]
        return [*now, *past]

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

    async def add_escaped_past(self, request: Request) -> JSONResponse:
        """Store events that happened earlier, nested parameters as JSON in a text; no workflow answers them."""
        return await self._add_past(request, escaped=True)

    async def add_nested_past(self, request: Request) -> JSONResponse:
        """Store events that happened earlier, parameters as plain JSON; no workflow answers them."""
        return await self._add_past(request, escaped=False)

    async def _add_past(self, request: Request, *, escaped: bool) -> JSONResponse:
        sent = await read_json(request, PastEventsIn, most_bytes=PAST_BYTES)
        told = [await self._add_one_past(raw, escaped=escaped) for raw in sent.events]
        failed = [{"position": position, **one} for position, one in enumerate(told) if isinstance(one, dict)]
        return JSONResponse({"ids": [one for one in told if isinstance(one, int)], "failedEvents": failed})

    async def _add_one_past(self, raw: dict[str, Any], *, escaped: bool) -> int | dict[str, str]:
        """Return the id of an event, or what is wrong with it."""
        try:
            one = PastEventIn.model_validate(raw)
            event = _checked(one, escaped=escaped)
            work = partial(add_past_event, event=event, occurred_at=one.occurred)
            return await self._slots.write(event.identity.key, self._store.run, work)
        except (ValidationError, RequestError, ContactError) as error:
            return first_problem(error)


def _checked(one: PastEventIn, *, escaped: bool) -> Event:
    if one.occurred > datetime.now(timezone.utc):
        problem = "an event of the past happened before now"
        raise ContactError(problem, place="occurred")
    if one.eventTypeKey == EVENT_TYPE:
        problem = "a redemption is sent to /event, or loaded by promo redemptions load"
        raise ContactError(problem, place="eventTypeKey")
    return one.past_event(escaped=escaped)
