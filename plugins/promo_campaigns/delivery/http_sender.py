"""Sends the requests of a data source, several at a time, and says what each answer proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.http.client import Call, HttpClient
from promo_campaigns.http.rate_limit_port import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from promo_campaigns.delivery.success_rule import SuccessRule
    from promo_campaigns.http.rate_limit_port import RateLimiter
    from promo_campaigns.http.target import Endpoint
    from promo_campaigns.model.outcome import DeliveryResult, OutgoingRequest

KEY_HEADER = "Idempotency-Key"
MAX_IN_FLIGHT = 1000
"""A write of unknown outcome is simply made again, so more may be under way than of messages."""


class HttpSender:
    """Sends requests to one endpoint; the status of an answer decides.

    :param success_rule: the rules of a data source that asks for more
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        name: str = "http",
        limiter: RateLimiter = UNLIMITED,
        success_rule: SuccessRule | None = None,
    ) -> None:
        self._client = HttpClient(endpoint, limiter=limiter)
        self._success_rule = success_rule
        self.name = name
        self.in_flight = limiter.budget.chunk(MAX_IN_FLIGHT)

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Keep connections open from one ``send`` to the next, until the block ends."""
        return self._client.connected()

    async def send(self, requests: Sequence[OutgoingRequest], *, deadline: float) -> Sequence[DeliveryResult]:
        """Send each request once; a request that has not begun by the deadline is put off.

        :raises SendError: the host has a private address and the endpoint does not allow one
        """
        calls = [as_call(request) for request in requests]
        async with self.connected():
            answers = await self._client.send_all(calls, deadline=deadline)
        success_rule = self._success_rule
        return [
            success_rule.result(request.contact_id, answer) if success_rule else answer.result(request.contact_id)
            for request, answer in zip(requests, answers, strict=True)
        ]


def as_call(request: OutgoingRequest) -> Call:
    """Return the call that a request is made with."""
    return Call(
        method=request.method,
        path=request.path,
        headers={**request.headers, KEY_HEADER: request.idempotency_key},
        body=request.body,
    )
