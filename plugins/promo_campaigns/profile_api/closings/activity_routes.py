"""The resource of activities: what is known of closed channels, as the vendor lists the activity of contacts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)
from starlette.responses import JSONResponse

from promo_campaigns.contacts.closing import ClosingsAsked, list_closings
from promo_campaigns.model.contact_rules import clean_locator
from promo_campaigns.model.contacts import ClosedFor
from promo_campaigns.profile_api.contacts.paging import number_of
from promo_campaigns.profile_api.keys.scopes import Scope
from promo_campaigns.profile_api.moments import parse_moment
from promo_campaigns.profile_api.requests import RequestError
from promo_campaigns.profile_api.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.profile_api.store import ProfileStore
    from promo_campaigns.profile_api.store_slots import StoreSlots

MOST_ROWS = 5_000
_STATUSES = {
    ClosedFor.UNSUBSCRIBED: "UNSUBSCRIBED",
    ClosedFor.COMPLAINED: "SPAM",
    ClosedFor.BOUNCED: "UNDELIVERED",
    ClosedFor.UNREGISTERED: "UNDELIVERED",
}
_NOT_KNOWN = ("DELIVERED", "READ", "CLICKED", "SUBSCRIPTION_CHANGED")
_CHANNELS = {"email": "email", "sms": "sms", "mobPushToken": "mobilepush"}
_MEMBERS = {channel: name for name, channel in _CHANNELS.items()}
_OFFSET = re.compile(r"([0-9]{1,17})-([0-9]{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_TEXT = {"type": "string"}
_EXAMPLE = {
    "contactId": 17,
    "externalCustomerId": "customer-17",
    "mediaType": "email",
    "email": "ada@example.com",
    "activityStatus": "UNDELIVERED",
    "activityDateTime": "2026-11-29T10:15:00+00:00",
    "statusDescription": "bounce mail: 5.1.1 run 4",
    "offset": "1795947300000000-17",
}


class ActivityRoutes:
    """The resource of activities, on an open store.

    :param slots: of this store
    """

    def __init__(self, store: ProfileStore, slots: StoreSlots) -> None:
        self._store = store
        self._slots = slots

    def resources(self) -> Sequence[Resource]:
        """Return the resource."""
        named = dict.fromkeys(("dateFrom", "dateTo", *_CHANNELS, "offset"), _TEXT)
        return [
            Resource(
                method="GET",
                path="/api/v2/contacts/activity",
                call=self.get_activity,
                scope=Scope.READ,
                query={
                    **named,
                    "activityStatus": {"type": "string", "enum": [*dict.fromkeys(_STATUSES.values()), *_NOT_KNOWN]},
                    "maxrows": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": MOST_ROWS},
                },
                answer=[_EXAMPLE],
                errors=(400,),
            )
        ]

    async def get_activity(self, request: Request) -> JSONResponse:
        """Return who unsubscribed, complained, or could not be reached from ``dateFrom`` to ``dateTo``, oldest first.

        These are the channels that are closed: one that was opened again is not told of any more. Whether a message
        was delivered or read is not known here, so that no row says so.
        """
        asked = _asked(request)
        limit = number_of(request, "maxrows", MOST_ROWS, MOST_ROWS)
        rows = await self._slots.read(self._store.run, partial(list_closings, asked=asked, limit=limit))
        return JSONResponse([_activity(row) for row in rows])


def _asked(request: Request) -> ClosingsAsked:
    query = request.query_params
    status = query.get("activityStatus", "")
    if status not in {"", *_STATUSES.values(), *_NOT_KNOWN}:
        _refuse("activityStatus", f"one of {', '.join(dict.fromkeys(_STATUSES.values()))} is needed")
    return ClosingsAsked(
        since=_moment(query.get("dateFrom", ""), "dateFrom"),
        until=_moment(query.get("dateTo", ""), "dateTo", is_end=True),
        reasons=[reason for reason, told in _STATUSES.items() if status in {"", told}],
        channel=next((_channel(name, query[name]) for name in _CHANNELS if query.get(name)), None),
        after=_after(query.get("offset", "")),
    )


def _moment(text: str, name: str, *, is_end: bool = False) -> datetime:
    """Return a moment of the query; a date alone is its first moment, or as an end the first one after it."""
    try:
        moment = parse_moment(text)
        return moment + timedelta(days=1) if is_end and len(text.strip()) == len("2026-11-29") else moment
    except (ValueError, OverflowError) as error:
        _refuse(name, str(error) if isinstance(error, ValueError) else "it is too late")


def _channel(name: str, text: str) -> tuple[str, str]:
    try:
        return _CHANNELS[name], clean_locator(_CHANNELS[name], text)
    except ValueError as error:
        _refuse(name, str(error))


def _after(text: str) -> tuple[datetime, int] | None:
    """Return the place that an offset names: a moment in microseconds, and a channel."""
    if not text:
        return None
    found = _OFFSET.fullmatch(text)
    if found is None:
        _refuse("offset", "it is none of an earlier answer")
    return _EPOCH + int(found[1]) * _MICROSECOND, int(found[2])


def _activity(row: dict[str, Any]) -> dict[str, Any]:
    reason = ClosedFor(row["closed_for"])
    whose = {"externalCustomerId": row["external_id"], _MEMBERS.get(row["type"], "locator"): row["value"]}
    why = row["closed_by"] if _STATUSES[reason] == "UNDELIVERED" else None
    return {
        "contactId": row["contact_id"],
        **{name: value for name, value in {**whose, "statusDescription": why}.items() if value is not None},
        "mediaType": row["type"],
        "activityStatus": _STATUSES[reason],
        "activityDateTime": row["closed_at"].isoformat(),
        "offset": f"{(row['closed_at'] - _EPOCH) // _MICROSECOND}-{row['contact_channel_id']}",
    }


def _refuse(place: str, message: str) -> NoReturn:
    raise RequestError(400, "the request is not valid", [{"place": place, "message": message}])
