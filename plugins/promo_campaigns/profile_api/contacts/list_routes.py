"""The resources of many contacts: search, addresses, the list of the unsubscribed, groups."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.contacts.groups import Group, attach, detach, find_group, list_groups
from promo_campaigns.contacts.search import Place, Wanted, find_page, read_emails, read_shown
from promo_campaigns.contacts.subscription import unsubscribe_addresses
from promo_campaigns.contacts.unsubscribed import open_locators
from promo_campaigns.model.contact_rules import clean_locator
from promo_campaigns.profile_api.contacts import examples
from promo_campaigns.profile_api.contacts.contact_routes import CONTACT_BYTES, parse_id
from promo_campaigns.profile_api.contacts.paging import MOST_ROWS, QUERY, Pages, count_in, number_of
from promo_campaigns.profile_api.keys.scopes import Scope
from promo_campaigns.profile_api.models import EmailsIn, MembersIn, contact_out, group_out
from promo_campaigns.profile_api.requests import RequestError, is_true, read_json
from promo_campaigns.profile_api.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

NO_GROUP = "group not found"
_FAR = 2**31 - 1
_MOST_IDS = 1_000
_TEXT = {"type": "string"}
_EMAILS = {"emails": ["ada@example.com"]}
_MEMBERS = {"contactIds": [17]}


class ListRoutes:
    """The resources of many contacts, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots
        self._contacts: Pages[Wanted, Place] = Pages(Place(), self._read_places)
        self._groups: Pages[str, Group] = Pages(Group(0, ""), self._read_groups)

    def _read_places(self, wanted: Wanted, after: Place, limit: int) -> Sequence[Place]:
        return self._store.run(lambda connection: find_page(connection, wanted, after, limit=limit))

    def _read_groups(self, name: str, after: Group, limit: int) -> Sequence[Group]:
        return self._store.run(lambda connection: list_groups(connection, name=name, after=after.group_id, limit=limit))

    def resources(self) -> Sequence[Resource]:
        """Return the resources."""
        return [*self._searches(), *self._unsubscribed(), *self._group_resources()]

    def _searches(self) -> Sequence[Resource]:
        named = dict.fromkeys(("email", "sms", "firstname", "lastname"), _TEXT)
        return [
            Resource(
                method="GET",
                path="/api/v1/contacts",
                call=self.search,
                scope=Scope.READ,
                query={**named, **QUERY, "full": {"type": "boolean"}},
                answer=[examples.SHOWN],
                errors=(400,),
            ),
            Resource(
                method="GET",
                path="/api/v1/contacts/email",
                call=self.get_emails,
                scope=Scope.READ,
                query={"ids": _TEXT},
                answer={"results": [{"contactId": 17, "email": "ada@example.com"}]},
                errors=(400,),
            ),
        ]

    def _unsubscribed(self) -> Sequence[Resource]:
        add = Resource(
            method="POST",
            path="/api/v1/emails/unsubscribed/add",
            call=self.add_unsubscribed,
            scope=Scope.CONTACTS,
            body=EmailsIn,
            sent=_EMAILS,
            answer={"unsubscribed": 1},
            errors=(409,),
            alias="/api/v1/emails/unsubscribe/add",
        )
        delete = Resource(
            method="POST",
            path="/api/v1/emails/unsubscribed/delete",
            call=self.delete_unsubscribed,
            scope=Scope.CONTACTS,
            body=EmailsIn,
            sent=_EMAILS,
            answer={"subscribed": 1},
            errors=(409,),
            alias="/api/v1/emails/unsubscribe/delete",
        )
        return [add, delete]

    def _group_resources(self) -> Sequence[Resource]:
        path = "/api/v1/group/{group_id}/contacts"
        changes = [
            Resource(
                method="POST",
                path=f"{path}/{word}",
                call=call,
                scope=Scope.CONTACTS,
                body=MembersIn,
                sent=_MEMBERS,
                answer=_MEMBERS,
                errors=(404, 409),
            )
            for word, call in (("attach", self.attach), ("detach", self.detach))
        ]
        listed = Resource(
            method="GET",
            path="/api/v1/groups",
            call=self.get_groups,
            scope=Scope.READ,
            query={"name": _TEXT, **QUERY},
            answer=[{"id": 3, "name": "Newsletter", "type": "Static"}],
            errors=(400,),
        )
        members = Resource(
            method="GET",
            path=path,
            call=self.get_members,
            scope=Scope.READ,
            query={**QUERY, "full": {"type": "boolean"}},
            answer=[examples.SHOWN],
            errors=(400, 404),
        )
        return [listed, members, *changes]

    async def search(self, request: Request) -> JSONResponse:
        """Search contacts by address, number and names; without any of them, list all."""
        asked = {name.lower(): value.strip() for name, value in request.query_params.items()}
        wanted = Wanted(
            email=_locator("email", asked.get("email", "")),
            sms=_locator("sms", asked.get("sms", "")),
            first_name=_name(asked.get("firstname", "")),
            last_name=_name(asked.get("lastname", "")),
        )
        return await self._page(request, wanted)

    async def get_members(self, request: Request, group_id: str) -> JSONResponse:
        """List the contacts of a group."""
        return await self._page(request, Wanted(group_id=await self._group_id(group_id)))

    async def _page(self, request: Request, wanted: Wanted) -> JSONResponse:
        start = number_of(request, "startindex", 1, _FAR)
        rows = number_of(request, "maxrows", MOST_ROWS, MOST_ROWS)
        page = await self._slots.read(self._contacts.page, wanted, start, rows)
        ids = [place.contact_id for place in page.rows]
        found = await self._slots.read(self._store.run, partial(read_shown, contact_ids=ids))
        shown = {one["contact_id"]: one for one in found}
        full = is_true(request, "full")
        answer = JSONResponse([contact_out(shown[one], full=full) for one in ids if one in shown])
        count_in(answer, page.total)
        return answer

    async def get_emails(self, request: Request) -> JSONResponse:
        """Return the addresses of contacts that are named by their ids."""
        # One client sends the ids under another name.
        text = request.query_params.get("ids") or request.query_params.get("emails") or ""
        ids = [parse_id(one.strip()) for one in text.split(",") if one.strip()]
        if not ids or None in ids or len(ids) > _MOST_IDS:
            problem = {"place": "ids", "message": f"1 to {_MOST_IDS} contact ids are needed, with commas between them"}
            raise RequestError(400, "the request is not valid", [problem])
        named = [one for one in ids if one is not None]
        found = await self._slots.read(self._store.run, partial(read_emails, contact_ids=named))
        return JSONResponse({"results": [{"contactId": one["contact_id"], "email": one["email"]} for one in found]})

    async def add_unsubscribed(self, request: Request) -> JSONResponse:
        """Never write to these addresses again, whether a contact has them yet or not."""
        sent = await read_json(request, EmailsIn, most_bytes=CONTACT_BYTES)
        await self._slots.write(None, self._store.run, partial(unsubscribe_addresses, addresses=sent.emails))
        return JSONResponse({"unsubscribed": len(set(sent.emails))})

    async def delete_unsubscribed(self, request: Request) -> JSONResponse:
        """Take addresses off the list of the unsubscribed: they are written to again."""
        sent = await read_json(request, EmailsIn, most_bytes=CONTACT_BYTES)
        opened = await self._slots.write(
            None, self._store.run, partial(open_locators, channel_type="email", locators=sent.emails)
        )
        return JSONResponse({"subscribed": len(opened)})

    async def get_groups(self, request: Request) -> JSONResponse:
        """List groups, those whose names have a part in common if one is given."""
        start = number_of(request, "startindex", 1, _FAR)
        rows = number_of(request, "maxrows", MOST_ROWS, MOST_ROWS)
        name = _name(request.query_params.get("name", ""))
        page = await self._slots.read(self._groups.page, name, start, rows)
        answer = JSONResponse([group_out(one.group_id, one.name) for one in page.rows])
        count_in(answer, page.total)
        return answer

    async def attach(self, request: Request, group_id: str) -> JSONResponse:
        """Put contacts into a group; those that were put into it are answered."""
        known_id, sent = await self._members(request, group_id)
        added = await self._slots.write(
            None, self._store.run, partial(attach, group_id=known_id, contact_ids=sent.contactIds)
        )
        return JSONResponse({"contactIds": added})

    async def detach(self, request: Request, group_id: str) -> JSONResponse:
        """Take contacts out of a group; those that were in it are answered."""
        known_id, sent = await self._members(request, group_id)
        left = await self._slots.write(
            None, self._store.run, partial(detach, group_id=known_id, contact_ids=sent.contactIds)
        )
        return JSONResponse({"contactIds": left})

    async def _members(self, request: Request, group_id: str) -> tuple[int, MembersIn]:
        sent = await read_json(request, MembersIn, most_bytes=CONTACT_BYTES)
        return await self._group_id(group_id), sent

    async def _group_id(self, text: str) -> int:
        group_id = parse_id(text) or 0
        if await self._slots.read(self._store.run, partial(find_group, group_id=group_id)) is None:
            raise RequestError(404, NO_GROUP)
        return group_id


def _locator(channel_type: str, text: str) -> str:
    """Return a locator as the store keeps it; what can be none is searched for as it is, and found nowhere."""
    try:
        return clean_locator(channel_type, text) if text else ""
    except ValueError:
        return text.replace("\0", "")


def _name(text: str) -> str:
    return text.replace("\0", "").strip().lower()
