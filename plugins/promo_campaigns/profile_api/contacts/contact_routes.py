"""The resources of one contact."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse, PlainTextResponse, Response

from promo_campaigns.contacts.deletion import delete_contact
from promo_campaigns.contacts.orders import count_orders
from promo_campaigns.contacts.search import read_shown
from promo_campaigns.contacts.subscription import Subscription, subscribe
from promo_campaigns.model.contact_rules import clean_external_id
from promo_campaigns.model.events import request_token
from promo_campaigns.profile_api.contacts import examples
from promo_campaigns.profile_api.keys.scopes import Scope, client_of, demand
from promo_campaigns.profile_api.models import ContactIn, SubscribeIn, contact_out, orders_info
from promo_campaigns.profile_api.requests import RequestError, is_true, read_json
from promo_campaigns.profile_api.resources import Resource
from promo_campaigns.profile_api.store_slots import contact_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

CONTACT_BYTES = 256 * 1024
_ID_DIGITS = 18
NO_CONTACT = "contact not found"
"""Clients of the vendor look for ``not found`` in the message of an error."""
_WHETHER = {"type": "boolean"}


def parse_id(text: str) -> int | None:
    """Return the id that a path names, or None if it can be no id."""
    is_id = text.isdecimal() and text.isascii() and len(text) <= _ID_DIGITS
    return int(text) if is_id else None


class ContactRoutes:
    """The resources of one contact, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots

    def resources(self) -> Sequence[Resource]:
        """Return the resources."""
        return [*self._writes(), *self._by_id()]

    def _writes(self) -> Sequence[Resource]:
        made = {"id": 17}
        return [
            Resource(
                method="POST",
                path="/api/v1/contact",
                call=self.put_contact,
                scope=Scope.CONTACTS,
                body=ContactIn,
                sent=examples.CONTACT,
                answer=made,
                errors=(409,),
            ),
            Resource(
                method="DELETE",
                path="/api/v1/contact",
                call=self.remove_by_external_id,
                scope=Scope.CONTACTS,
                or_scope=Scope.ERASE,
                query={"externalCustomerId": {"type": "string"}, "erase": _WHETHER},
                answer=made,
                errors=(400, 404, 409),
            ),
            Resource(
                method="POST",
                path="/api/v1/contact/subscribe",
                call=self.subscribe,
                scope=Scope.CONTACTS,
                body=SubscribeIn,
                sent=examples.SUBSCRIPTION,
                answer=made,
                errors=(409,),
            ),
        ]

    def _by_id(self) -> Sequence[Resource]:
        path = "/api/v1/contact/{contact_id}"
        return [
            Resource(
                method="GET",
                path=path,
                call=self.get_contact,
                scope=Scope.READ,
                query={"full": _WHETHER},
                answer=examples.SHOWN,
                errors=(404,),
            ),
            Resource(
                method="PUT",
                path=path,
                call=self.update_contact,
                scope=Scope.CONTACTS,
                body=ContactIn,
                sent=examples.CONTACT,
                answer="Contact with id='17' has been updated",
                errors=(404, 409),
            ),
            Resource(
                method="DELETE",
                path=path,
                call=self.remove_by_id,
                scope=Scope.CONTACTS,
                or_scope=Scope.ERASE,
                query={"erase": _WHETHER},
                answer="Contact with id='17' has been deleted",
                errors=(404, 409),
            ),
        ]

    async def put_contact(self, request: Request) -> JSONResponse:
        """Create a contact, or update the one that holds an identifier of the request; it is stored when answered."""
        sent = await read_json(request, ContactIn, most_bytes=CONTACT_BYTES)
        contact, groups = sent.contact(), sent.group_names()
        return JSONResponse({"id": await self._slots.write(contact_name(contact), self._store.put, contact, groups)})

    async def update_contact(self, request: Request, contact_id: str) -> Response:
        """Update a contact that is named by its own id; what is not sent stays as it is."""
        known_id = parse_id(contact_id)
        sent = await read_json(request, ContactIn, most_bytes=CONTACT_BYTES)
        if known_id is None:
            raise RequestError(404, NO_CONTACT)
        contact, groups = sent.contact(), sent.group_names()
        name = contact_name(contact) or str(known_id)
        if await self._slots.write(name, self._store.update, known_id, contact, groups) is None:
            raise RequestError(404, NO_CONTACT)
        return PlainTextResponse(f"Contact with id='{known_id}' has been updated")

    async def get_contact(self, request: Request, contact_id: str) -> JSONResponse:
        """Return a contact with channels, fields and groups; ``full=true`` adds what the vendor's answer has not."""
        known_id = parse_id(contact_id)
        found = await self._slots.read(self._store.run, partial(read_shown, contact_ids=[known_id or 0]))
        if not found:
            raise RequestError(404, NO_CONTACT)
        full = is_true(request, "full")
        orders = partial(count_orders, contact_ids=[found[0]["contact_id"]])
        bought = await self._slots.read(self._store.run, orders) if full else {}
        return JSONResponse(contact_out(found[0], full=full) | orders_info(bought.get(found[0]["contact_id"])))

    async def remove_by_external_id(self, request: Request) -> JSONResponse:
        """Delete the contact with an external id, or erase it with ``erase=true``; doing it again changes nothing."""
        try:
            external_id = clean_external_id(request.query_params.get("externalCustomerId", ""))
        except ValueError as error:
            place = {"place": "externalCustomerId", "message": str(error)}
            raise RequestError(400, "the contact to delete is not named", [place]) from error
        eraser = _eraser(request)
        removed = await self._slots.write(external_id, self._remove, None, external_id, eraser)
        return JSONResponse({"id": removed})

    async def remove_by_id(self, request: Request, contact_id: str) -> Response:
        """Delete a contact that is named by its own id, or erase it with ``erase=true``."""
        eraser = _eraser(request)
        known_id = parse_id(contact_id)
        if not known_id:
            raise RequestError(404, NO_CONTACT)
        removed = await self._slots.write(str(known_id), self._remove, known_id, None, eraser)
        return PlainTextResponse(f"Contact with id='{removed}' has been deleted")

    def _remove(self, contact_id: int | None, external_id: str | None, eraser: str) -> int:
        found = self._store.find(contact_id, external_id)
        if found is None:
            raise RequestError(404, NO_CONTACT)
        if eraser:
            self._store.erase(found, eraser)
        else:
            self._store.run(partial(delete_contact, contact_id=found))
        return found

    async def subscribe(self, request: Request) -> JSONResponse:
        """Subscribe a contact through a form: its channels are open from then on, and an event says so."""
        sent = await read_json(request, SubscribeIn, most_bytes=CONTACT_BYTES)
        contact = sent.contact.contact()
        form = Subscription(
            contact=contact,
            groups=sent.group_names(),
            categories=sent.subscriptions,
            params=sent.params(),
            token=request_token(request.headers.get("idempotency-key", "")),
        )
        self._store.check_values(contact)
        made = await self._slots.write(contact_name(contact), self._store.run, partial(subscribe, form=form))
        return JSONResponse({"id": made})


def _eraser(request: Request) -> str:
    """Return who erases, for the audit, once it is known that the key allows it; empty if nothing is to be erased."""
    is_erased = is_true(request, "erase")
    demand(request, Scope.ERASE if is_erased else Scope.CONTACTS)
    name = client_of(request).name
    return (f"profile API, client {name}" if name else "profile API") if is_erased else ""
