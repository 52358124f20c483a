"""What transports over HTTP share: one HTTP client of the connection's host, and a result made of an answer."""

from __future__ import annotations

import json
import math
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from promo_campaigns.delivery.transports.base import BaseTransport
from promo_campaigns.http.client import Call, HttpClient, not_begun
from promo_campaigns.http.endpoint import parse_endpoint
from promo_campaigns.http.rate_limit_port import NoPermitError
from promo_campaigns.http.shown_call import show_call
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

    from promo_campaigns.delivery.transports.base import TransportSettings
    from promo_campaigns.http.client import Answer
    from promo_campaigns.http.shown_call import ShownCall
    from promo_campaigns.http.target import Endpoint
    from promo_campaigns.model.outcome import OutgoingMessage

MAX_ANSWER_S = 40.0
"""One call may have to wait for another, such as for an access token."""
MAX_PERMIT_S = 60.0
"""A question that has no permit within a minute can be asked another time."""


class HttpTransport(BaseTransport):
    """A transport whose calls are HTTP requests to the connection's host, signed as the connection says.

    :cvar more_extras: names of extras of the connection that a subclass reads itself
    """

    more_extras: tuple[str, ...] = ()

    def __init__(self, settings: TransportSettings) -> None:
        super().__init__(settings)
        endpoint = self.endpoint()
        self._leads_to = endpoint
        self.concurrency = endpoint.concurrency
        self._client = HttpClient(replace(endpoint, timeout_s=min(endpoint.timeout_s, MAX_ANSWER_S)))
        self._open = AsyncExitStack()

    def endpoint(self) -> Endpoint:
        """Return where calls go."""
        return parse_endpoint(self.connection, more_extras=self.more_extras)

    async def __aenter__(self) -> Self:
        """Keep connections open from one batch to the next."""
        await self._open.enter_async_context(self._client.connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        await self._open.aclose()

    async def post(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Post JSON once."""
        (answer,) = await self._client.send_all([_post(path, body, headers or {})], deadline=math.inf)
        return answer

    def show_post(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> ShownCall:
        """Return what ``post`` would send."""
        return show_call(self._leads_to, _post(path, body, headers or {}))

    async def get(self, path: str) -> Answer:
        """Get JSON, within the limits of the receiver; a question that has no permit soon is put off."""
        call = Call(method="GET", path=path, headers={"Accept": "application/json"})
        try:
            async with self.settings.limiter.permit(deadline=time.monotonic() + MAX_PERMIT_S):
                (answer,) = await self._client.send_all([call], deadline=math.inf)
                return answer
        except NoPermitError as refused:
            return not_begun(refused.wait_s)

    def result(self, message: OutgoingMessage, answer: Answer, *, taken: bool = False) -> DeliveryResult:
        """Say what an answer means for a message: what its status proves.

        :param taken: the receiver says that it has taken the message, whatever the status
        """
        if taken:
            return DeliveryResult(contact_id=message.contact_id, outcome=Outcome.OK)
        return answer.result(message.contact_id)


def _post(path: str, body: object, headers: Mapping[str, str]) -> Call:
    told = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    return Call(method="POST", path=path, headers=told, body=json.dumps(body))
