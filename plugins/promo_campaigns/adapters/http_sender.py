"""Sends the requests of a data source, several at a time, and says what each answer proves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from promo_campaigns.adapters.http_line import Call, HttpLine
from promo_campaigns.core.models import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from promo_campaigns.adapters.http_line import Endpoint
    from promo_campaigns.core.models import OutgoingRequest
    from promo_campaigns.core.ports import Pace

KEY_HEADER = "Idempotency-Key"


class HttpSender:
    """Sends requests to one endpoint; the status of an answer decides."""

    in_flight = 500

    def __init__(self, endpoint: Endpoint, *, name: str = "http", pace: Pace | None = None) -> None:
        self._line = HttpLine(endpoint, pace=pace)
        self.name = name

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Keep connections open from one ``send`` to the next, until the block ends."""
        return self._line.connected()

    async def send(self, requests: Sequence[OutgoingRequest], *, deadline: float) -> Sequence[Verdict]:
        """Send each request once; a request that has not begun by the deadline is put off.

        :raises SendError: the host has a private address and the endpoint does not allow one
        """
        verdicts: list[Verdict | None] = [None] * len(requests)
        waiting = iter(enumerate(requests))

        async def call_in_turn() -> None:
            for place, request in waiting:
                verdicts[place] = await self._one(request, deadline)

        async with self.connected():
            lanes = min(self._line.endpoint.concurrency, len(requests))
            await asyncio.gather(*(call_in_turn() for _ in range(lanes)))
        return [verdict for verdict in verdicts if verdict is not None]

    async def _one(self, request: OutgoingRequest, deadline: float) -> Verdict:
        answer = await self._line.exchange(
            Call(
                method=request.method,
                path=request.path,
                headers={**request.headers, KEY_HEADER: request.idempotency_key},
                body=request.body,
            ),
            deadline=deadline,
        )
        return Verdict(
            contact_id=request.contact_id,
            outcome=answer.outcome,
            detail=answer.detail,
            retry_after_s=answer.retry_after_s,
            locked_out=answer.locked_out,
            called=answer.called,
        )
