"""Notices of channels that are closed: signed ones of any gateway, and the vendor's activities."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.profile_api.closings.models import MOST_CLOSINGS, ActivitiesIn, NoticeIn
from promo_campaigns.profile_api.closings.signature import (
    HEADER,
    KEEP_S,
    PATH,
    BadSignatureError,
    check_signature,
)
from promo_campaigns.profile_api.requests import RequestError, parse_json, read_body, read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.contacts.closing import Closed
    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

NOTICE_BYTES = 256 * 1024
ACTIVITY_BYTES = 1024 * 1024


class NoticeRoutes:
    """The routes of notices, on an open store.

    :param slots: of this store
    :param keys: those that signed notices may be signed with; none if nobody sends any
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots, keys: Sequence[bytes]) -> None:
        self._store = store
        self._slots = slots
        self._keys = keys
        self.router = APIRouter()
        add = self.router.add_api_route
        add(PATH, self.hear, methods=["POST"])
        add("/api/v1/activities", self.hear_vendor, methods=["POST"])
        add("/api/v1/activities", self.probe, methods=["GET"])

    async def hear(self, request: Request) -> JSONResponse:
        """Close the channels of a signed notice; the same notice again changes nothing.

        Nothing of the body is looked at before its signature is right. A channel that nobody has is no error.
        """
        if not self._keys:
            raise RequestError(404, "nobody may send notices here: the key PROMO_NOTICE_KEYS is not set")
        body = await read_body(request, NOTICE_BYTES)
        try:
            signature = check_signature(request.headers.get(HEADER, ""), body, self._keys, now=time.time())
        except BadSignatureError as error:
            raise RequestError(401, str(error)) from None
        notice = parse_json(NoticeIn, body)
        lasting = [place for place, one in enumerate(notice.closings) if one.permanent]
        closings = [notice.closings[place].closing(notice.gateway) for place in lasting]
        heard = await self._slots.write(None, self._store.hear_notice, signature, closings, KEEP_S)
        if heard is None:
            return JSONResponse({"closed": 0, "unchanged": len(notice.closings), "unknown": [], "repeated": True})
        answer = _told(heard, lasting)
        answer["unchanged"] += len(notice.closings) - len(lasting)
        return JSONResponse({**answer, "repeated": False})

    async def hear_vendor(self, request: Request) -> JSONResponse:
        """Close the channels that activities of the vendor's webhook close, and pass over all others."""
        sent = await read_json(request, ActivitiesIn, most_bytes=ACTIVITY_BYTES)
        try:
            closings = sent.closings()
        except ValidationError:
            raise RequestError(400, "an activity is not as the vendor documents it") from None
        heard: list[Closed] = []
        for first in range(0, len(closings), MOST_CLOSINGS):
            part = closings[first : first + MOST_CLOSINGS]
            heard += await self._slots.write(None, self._store.close_channels, part)
        return JSONResponse(_told(heard, range(len(heard))))

    async def probe(self) -> JSONResponse:
        """Answer the vendor, who looks whether the address is there before it sends."""
        return JSONResponse({"message": "activities are posted here"})


def _told(heard: Sequence[Closed], places: Sequence[int]) -> dict[str, Any]:
    return {
        "closed": sum(one.closed for one in heard),
        "unchanged": sum(one.known and not one.closed for one in heard),
        "unknown": [place for place, one in zip(places, heard, strict=True) if not one.known],
    }
