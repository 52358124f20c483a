"""The resources of messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4, uuid5

from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.contacts.groups import find_group
from promo_campaigns.delivery.transports.inbox import known_messages
from promo_campaigns.profile_api.contacts.contact_routes import parse_id
from promo_campaigns.profile_api.keys.scopes import Scope
from promo_campaigns.profile_api.messages.message_models import EmailIn, SmartsendIn, SmsIn
from promo_campaigns.profile_api.messages.sending import MOST_RECIPIENTS, Recipient, deliver, members_of
from promo_campaigns.profile_api.requests import RequestError, read_json
from promo_campaigns.profile_api.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

MESSAGE_BYTES = 16 * 1024 * 1024
_MESSAGES = UUID("3e9a3f0c-2f2c-4a63-8d0b-6f1b1f8f9f02")
_KEY = "1f0e3dad-9990-4f3e-8d2b-1e0c5a7b9c11"


class MessageRoutes:
    """The resources of messages, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots

    def resources(self) -> Sequence[Resource]:
        """Return the resources."""
        return [*self._sends(), *self._states()]

    def _sends(self) -> Sequence[Resource]:
        result = {"id": 0, "locator": "ada@example.com", "status": "OK", "requestId": _KEY}
        mail = {"from": "Shop <shop@example.com>", "subject": "Hello", "htmlText": "<p>Hello", "plainText": "Hello"}
        recipient = {"locator": "ada@example.com", "jsonParam": '{"code": "ABC-123"}'}
        sends = (
            ("email", self.send_email, EmailIn, {**mail, "emails": ["ada@example.com"]}, ()),
            ("sms", self.send_sms, SmsIn, {"from": "Shop", "text": "Hello", "phoneNumbers": ["447700900017"]}, (404,)),
            ("{message_id}/smartsend", self.smartsend, SmartsendIn, {"recipients": [recipient], "email": True}, (404,)),
        )
        return [
            Resource(
                method="POST",
                path=f"/api/v1/message/{path}",
                call=call,
                scope=Scope.MESSAGES,
                body=body,
                sent=sent,
                answer={"id": 0, "results": [result]},
                errors=errors,
            )
            for path, call, body, sent, errors in sends
        ]

    def _states(self) -> Sequence[Resource]:
        state = {"id": 0, "status": "DELIVERED", "requestId": _KEY, "failed": False, "delivered": True}
        return [
            Resource(
                method="GET",
                path=f"/api/v1/message/{kind}status",
                call=self.get_states,
                scope=Scope.MESSAGES,
                query={"ids": {"type": "string"}},
                answer={"results": [state]},
                errors=(400,),
            )
            for kind in ("", "email/", "sms/")
        ]

    async def send_email(self, request: Request) -> JSONResponse:
        """Send a mail to addresses; each that nobody has becomes a contact."""
        sent = await read_json(request, EmailIn, most_bytes=MESSAGE_BYTES)
        return await self._send(sent.recipients(_keys(request, sent.externalRequestId)))

    async def send_sms(self, request: Request) -> JSONResponse:
        """Send a text to numbers, or to the members of a group."""
        sent = await read_json(request, SmsIn, most_bytes=MESSAGE_BYTES)
        members = [] if sent.groupId is None else await self._members(sent.groupId)
        recipients = sent.recipients(_keys(request, sent.externalRequestId), members)
        if not 0 < len(recipients) <= MOST_RECIPIENTS:
            problem = {"place": "phoneNumbers", "message": f"1 to {MOST_RECIPIENTS} recipients are needed"}
            raise RequestError(400, "the request is not valid", [problem])
        return await self._send(recipients)

    async def _members(self, group_id: int) -> list[int]:
        if await self._slots.read(self._store.run, partial(find_group, group_id=group_id)) is None:
            raise RequestError(404, "group not found")
        return await self._slots.read(self._store.run, partial(members_of, group_id=group_id))

    async def smartsend(self, request: Request, message_id: str) -> JSONResponse:
        """Send a prepared message to recipients: the inbox keeps its number, and the values of each recipient."""
        sent = await read_json(request, SmartsendIn, most_bytes=MESSAGE_BYTES)
        number = parse_id(message_id)
        if not number:
            raise RequestError(404, "message not found")
        try:
            recipients = sent.messages(f"message {number}", _keys(request, str(sent.externalRequestId or "")))
        except ValueError as error:
            raise RequestError(
                400, "the request is not valid", [{"place": "recipients", "message": str(error)}]
            ) from None
        if any(one.contact_id is None and not one.locator for one in recipients):
            problem = {"place": "recipients", "message": "each needs a contactId or a locator"}
            raise RequestError(400, "the request is not valid", [problem])
        return await self._send(recipients)

    async def _send(self, recipients: Sequence[Recipient]) -> JSONResponse:
        results = await self._slots.write(None, self._store.run, partial(deliver, recipients=recipients))
        return JSONResponse({"id": 0, "results": results})

    async def get_states(self, request: Request) -> JSONResponse:
        """Return what became of messages, by the ``requestId`` of each; unknown ones are left out."""
        named = [one.strip() for one in request.query_params.get("ids", "").split(",") if one.strip()]
        keys = [_key(one) for one in named]
        if not keys or None in keys or len(keys) > MOST_RECIPIENTS:
            problem = {"place": "ids", "message": f"1 to {MOST_RECIPIENTS} requestIds are needed"}
            raise RequestError(400, "the request is not valid", [problem])
        asked = [one for one in keys if one is not None]
        known = await self._slots.read(self._store.run, partial(known_messages, keys=asked))
        told = {"id": 0, "status": "DELIVERED", "failed": False, "delivered": True}
        return JSONResponse({"results": [{**told, "requestId": one} for one in asked if one in known]})


def _key(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _keys(request: Request, request_id: str) -> Callable[[int], str]:
    """Return what gives the message of each recipient its key: that of a request that is sent again is the same."""
    seed = request.headers.get("idempotency-key", "") or request_id

    def key(number: int) -> str:
        return str(uuid5(_MESSAGES, f"{seed}\n{number}") if seed else uuid4())

    return key
