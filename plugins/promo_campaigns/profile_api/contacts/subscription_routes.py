"""The resources of categories that contacts subscribe to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse, PlainTextResponse

from promo_campaigns.contacts.groups import list_subscriptions, set_subscriptions, subscriptions_of
from promo_campaigns.contacts.search import read_shown
from promo_campaigns.profile_api.contacts.contact_routes import CONTACT_BYTES, NO_CONTACT, parse_id
from promo_campaigns.profile_api.keys.scopes import Scope
from promo_campaigns.profile_api.models import SubscriptionsIn, category_out
from promo_campaigns.profile_api.requests import RequestError, read_json
from promo_campaigns.profile_api.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

_PATH = "/api/v1/contact/{contact_id}/subscriptions"


class SubscriptionRoutes:
    """The resources of categories, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots

    def resources(self) -> Sequence[Resource]:
        """Return the resources."""
        category = category_out(3, "sales")
        return [
            Resource(
                method="GET", path=_PATH, call=self.get_of_contact, scope=Scope.READ, answer=[category], errors=(404,)
            ),
            Resource(
                method="PUT",
                path=_PATH,
                call=self.put_of_contact,
                scope=Scope.CONTACTS,
                body=SubscriptionsIn,
                sent={"subscriptions": ["sales"]},
                answer="Subscriptions of contact with id='17' have been updated",
                errors=(404, 409),
            ),
            Resource(
                method="GET",
                path="/api/v1/subscriptions",
                call=self.get_all,
                scope=Scope.READ,
                answer=[{**category, "createdDate": "2026-11-29T10:15:00+00:00"}],
            ),
        ]

    async def get_of_contact(self, contact_id: str) -> JSONResponse:
        """Return the categories that a contact is subscribed to."""
        found = await self._slots.read(self._store.run, partial(_read, known_id=parse_id(contact_id) or 0))
        return JSONResponse([category_out(one.group_id, one.name) for one in found])

    async def put_of_contact(self, request: Request, contact_id: str) -> PlainTextResponse:
        """Subscribe a contact to these categories, which are made by naming them, and to no others."""
        known_id = parse_id(contact_id)
        sent = await read_json(request, SubscriptionsIn, most_bytes=CONTACT_BYTES)
        if known_id is None:
            raise RequestError(404, NO_CONTACT)
        write = partial(_write, known_id=known_id, names=sent.subscriptions)
        await self._slots.write(str(known_id), self._store.run, write)
        return PlainTextResponse(f"Subscriptions of contact with id='{known_id}' have been updated")

    async def get_all(self) -> JSONResponse:
        """Return all categories."""
        found = await self._slots.read(self._store.run, list_subscriptions)
        return JSONResponse([_listed(row) for row in found])


def _read(connection: Connection, *, known_id: int) -> Any:  # noqa: ANN401  (groups)
    _require(connection, known_id)
    return subscriptions_of(connection, known_id)


def _write(connection: Connection, *, known_id: int, names: Sequence[str]) -> None:
    _require(connection, known_id)
    set_subscriptions(connection, known_id, names)


def _require(connection: Connection, known_id: int) -> None:
    if not read_shown(connection, [known_id]):
        raise RequestError(404, NO_CONTACT)


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    return {**category_out(row["group_id"], row["name"]), "createdDate": row["created_at"].isoformat()}
