"""Sends the requests of a data source, several at a time, and says what each answer proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.http.client import Call, HttpLine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from promo_campaigns.delivery.success_rule import Judge
    from promo_campaigns.http.client import Endpoint
    from promo_campaigns.http.rate_limit_port import Pace
    from promo_campaigns.model.outcome import OutgoingRequest, Verdict

KEY_HEADER = "Idempotency-Key"
MAX_IN_FLIGHT = 1000
"""A write of unknown outcome is simply made again, so more may be under way than of messages."""


class HttpSender:
    """Sends requests to one endpoint; the status of an answer decides.

    :param judge: the rules of a data source that asks for more
    """

    def __init__(
        self, endpoint: Endpoint, *, name: str = "http", pace: Pace | None = None, judge: Judge | None = None
    ) -> None:
        self._line = HttpLine(endpoint, pace=pace)
        self._judge = judge
        self.name = name
        self.in_flight = MAX_IN_FLIGHT if pace is None else pace.budget.chunk(MAX_IN_FLIGHT)

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Keep connections open from one ``send`` to the next, until the block ends."""
        return self._line.connected()

    async def send(self, requests: Sequence[OutgoingRequest], *, deadline: float) -> Sequence[Verdict]:
        """Send each request once; a request that has not begun by the deadline is put off.

        :raises SendError: the host has a private address and the endpoint does not allow one
        """
        calls = [
            Call(
                method=request.method,
                path=request.path,
                headers={**request.headers, KEY_HEADER: request.idempotency_key},
                body=request.body,
            )
            for request in requests
        ]
        async with self.connected():
            answers = await self._line.exchange(calls, deadline=deadline)
        judge = self._judge
        return [
            judge.verdict(request.contact_id, answer) if judge else answer.verdict(request.contact_id)
            for request, answer in zip(requests, answers, strict=True)
        ]
