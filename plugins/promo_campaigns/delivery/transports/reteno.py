"""The vendor's transport: a prepared message, sent to up to 1,000 recipients a request."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from promo_campaigns.delivery.transports.http_transport import HttpTransport
from promo_campaigns.http.outcome import MAY_MEAN_ONE
from promo_campaigns.model.errors import CallRefusedError, CannotCarryError
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.delivery.transports.base import TransportSettings
    from promo_campaigns.http.client import Answer
    from promo_campaigns.http.shown_call import ShownCall
    from promo_campaigns.model.outcome import OutgoingMessage
    from promo_campaigns.model.run_spec import Message

TEMPLATE = "template"
FROM_NAME = "from_name"
RECIPIENTS = 1000
_NO_TEMPLATE = 404
_TEMPLATE = re.compile(r"[0-9]{1,19}")
_REQUESTS = uuid.UUID("0b1f4a63-7c1d-4a45-8a1b-8f5d0a7e6f11")


class RetenoTransport(HttpTransport):
    """Sends the prepared message whose id is the option ``template``, with title, body and the other options as values.

    The extra ``recipients`` says how many go into a request. The vendor publishes no idempotency key. It can be asked
    for a request by the id we gave it, which is the message's key where a request has one recipient; so only
    ``recipients: 1`` lets an unknown outcome be looked up.
    """

    name = "reteno"
    options = None
    more_extras = ("recipients",)

    def __init__(self, settings: TransportSettings) -> None:
        super().__init__(settings)
        self.batch_size = int(self.connection.number("recipients", RECIPIENTS, least=1, most=RECIPIENTS))
        self.looks_up = self.batch_size == 1

    def check(self, message: Message) -> None:
        """Refuse a message that does not say which prepared message it is."""
        super().check(message)
        template = message.options.get(TEMPLATE, "").strip()
        if not _TEMPLATE.fullmatch(template) and "$" not in template:
            problem = "the transport 'reteno' needs the id of a prepared message"
            raise CannotCarryError(problem, setting="options", hint="Write it as the option template, such as 1853402")

    def batches(self, messages: Sequence[OutgoingMessage]) -> Iterator[Sequence[OutgoingMessage]]:
        """Cut messages into requests of one prepared message each."""
        for _, group in groupby(sorted(messages, key=_one_request), key=_one_request):
            yield from super().batches(list(group))

    async def call(self, messages: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
        """Make one request for messages of one template."""
        template = messages[0].options.get(TEMPLATE, "").strip()
        if not _TEMPLATE.fullmatch(template):
            detail = "the option template is no id of a prepared message"
            return [
                DeliveryResult(contact_id=message.contact_id, outcome=Outcome.REFUSED, detail=detail, called=False)
                for message in messages
            ]
        answer = await self.post(_path(template), _request(messages))
        if answer.outcome is Outcome.OK:
            return _item_results(messages, answer.body)
        if answer.status in MAY_MEAN_ONE:
            raise CallRefusedError(answer.detail)
        if answer.status == _NO_TEMPLATE:
            missing = replace(
                answer,
                outcome=Outcome.LATER,
                detail=f"HTTP 404: there is no message {template}",
                locked_out=True,
                look_at="look at the option template of the message, and at the host of the connection",
            )
            return [self.result(message, missing) for message in messages]
        return [self.result(message, answer) for message in messages]

    def show(self, message: OutgoingMessage) -> ShownCall:
        """Return the request for this recipient alone."""
        return self.show_post(_path(message.options.get(TEMPLATE, "").strip()), _request([message]))

    async def look_up(self, keys: Sequence[str]) -> set[str]:
        """Return those of the keys by which the vendor knows a request."""
        known = set()
        for key in keys:
            if _knows(await self.get(f"/api/v2/contact/activity?externalRequestId={quote(key, safe='')}"), key):
                known.add(key)
        return known


def _path(template: str) -> str:
    return f"/api/v1/message/{template}/smartsend"


def _one_request(message: OutgoingMessage) -> tuple[str, str, str]:
    return message.options.get(TEMPLATE, ""), message.options.get(FROM_NAME, ""), message.channel


def _request(messages: Sequence[OutgoingMessage]) -> dict[str, object]:
    request: dict[str, object] = {
        "recipients": [{"locator": message.locator, "jsonParam": _values(message)} for message in messages],
        "email": messages[0].channel == "email",
        "externalRequestId": _request_id(messages),
    }
    if from_name := messages[0].options.get(FROM_NAME, "").strip():
        request["fromName"] = from_name
    return request


def _values(message: OutgoingMessage) -> str:
    """Return what the prepared message reads, as the text of a JSON object, which is how the vendor takes it."""
    options = {name: value for name, value in message.options.items() if name not in {TEMPLATE, FROM_NAME}}
    return json.dumps({"title": message.title, "body": message.body, **options})


def _request_id(messages: Sequence[OutgoingMessage]) -> str:
    """Return a name for a request that is the same whenever these messages are sent together."""
    if len(messages) == 1:
        return messages[0].idempotency_key
    return str(uuid.uuid5(_REQUESTS, "\0".join(sorted(message.idempotency_key for message in messages))))


def _item_results(messages: Sequence[OutgoingMessage], body: bytes) -> list[DeliveryResult]:
    """Classify each recipient by the results of its locator; a recipient without a result is unknown."""
    said: dict[str, set[str]] = {}
    for result in _results(body):
        said.setdefault(_plain(str(result.get("locator", ""))), set()).add(
            str(result.get("status", "")).strip().upper()
        )
    found = ((message, said.get(_plain(message.locator))) for message in messages)
    return [_item_result(message.contact_id, statuses) for message, statuses in found if statuses]


def _item_result(contact_id: int, statuses: set[str]) -> DeliveryResult:
    """Classify one recipient; two contacts of one locator have two results, which count only where they agree."""
    if statuses == {"OK"}:
        return DeliveryResult(contact_id=contact_id, outcome=Outcome.OK)
    if statuses == {"ERROR"}:
        return DeliveryResult(contact_id=contact_id, outcome=Outcome.REFUSED, detail="the vendor did not queue it")
    return DeliveryResult(
        contact_id=contact_id, outcome=Outcome.UNKNOWN, detail="the vendor's results have no one status"
    )


def _results(body: bytes) -> list[dict[str, Any]]:
    """Return the results of an answer; the vendor may answer a list of one with the item itself."""
    try:
        results = json.loads(body).get("results")
    except (ValueError, AttributeError):
        return []
    found = results if isinstance(results, list) else [results]
    return [result for result in found if isinstance(result, dict)]


def _plain(locator: str) -> str:
    """Return a locator as it can be compared: the vendor may write a number or an address in a form of its own."""
    folded = locator.strip().casefold()
    return re.sub(r"[\s()+-]", "", folded) if re.fullmatch(r"[\d\s()+-]+", folded) else folded


def _knows(answer: Answer, key: str) -> bool:
    """Whether an answer holds an activity of the request asked for; anything that is no such answer proves nothing."""
    if answer.outcome is not Outcome.OK:
        return False
    try:
        activities = json.loads(answer.body)
    except ValueError:
        return False
    if isinstance(activities, dict):
        activities = [activities]
    return isinstance(activities, list) and any(
        isinstance(activity, dict) and str(activity.get("externalRequestId", "")) == key for activity in activities
    )
