"""Makes requests for several contacts, and follows each to its end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from promo_campaigns.delivery.bulk import BulkAnswer
from promo_campaigns.delivery.failed_items import NAMED, FailedItems, failed_items
from promo_campaigns.delivery.http_sender import KEY_HEADER
from promo_campaigns.delivery.success_rule import NO_JSON, Condition, SuccessRule, is_unreadable, read_json
from promo_campaigns.delivery.templates import compile_path
from promo_campaigns.http.client import Call, HttpClient
from promo_campaigns.http.outcome import MAY_MEAN_ONE
from promo_campaigns.http.rate_limit_port import UNLIMITED
from promo_campaigns.http.request_paths import path_part
from promo_campaigns.model.errors import TemplateError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run import LEASE_S

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from promo_campaigns.delivery.bulk import BulkRequest
    from promo_campaigns.http.client import Answer
    from promo_campaigns.http.rate_limit_port import RateLimiter
    from promo_campaigns.http.target import Endpoint
    from promo_campaigns.model.run_spec import DataSource

SESSION = "asyncSessionId"
FIRST_LOOK_S = 0.05
MOST_BETWEEN_LOOKS_S = 2.0
SHARE_OF_WAIT = 0.2
"""Pauses grow with the wait, so that the end is seen at most so much later than it came."""
_UNFINISHED = "the work was not finished in time"


class HttpBulkSender:
    """Makes the requests of one data source to its endpoint."""

    def __init__(
        self, endpoint: Endpoint, source: DataSource, *, name: str = "http", limiter: RateLimiter = UNLIMITED
    ) -> None:
        self.name = name
        self.lease_s = LEASE_S + 2 * source.poll.wait_s
        self._client = HttpClient(endpoint, limiter=limiter)
        self._success_rule = SuccessRule(source)
        self._path = compile_path(source.poll.path) if source.poll.path else None
        self._done, self._failed = Condition(source.poll.done), Condition(source.poll.failed)

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Keep connections open from one call to the next, until the block ends."""
        return self._client.connected()

    async def call(self, request: BulkRequest, *, deadline: float) -> BulkAnswer:
        """Make one request, inside ``connected``, and follow it to its end.

        :param deadline: on the clock of ``time.monotonic``; nothing begins after it
        :raises SendError: the host has a private address and the endpoint does not allow one
        """
        call = Call(
            method=request.method,
            path=request.path,
            headers={**request.headers, KEY_HEADER: request.idempotency_key},
            body=request.body,
        )
        (answer,) = await self._client.send_all([call], deadline=deadline)
        read = read_json(answer.body)
        outcome, detail = self._success_rule.outcome(answer, read)
        if outcome is not Outcome.OK:
            by_rule = answer.outcome is Outcome.OK
            return _answer(outcome, detail, answer, divisible=by_rule or answer.status in MAY_MEAN_ONE)
        failed = failed_items(read, request.recipients)
        try:
            path = self._follow_up(request.path, read)
        except (TemplateError, ValueError):
            return _answer(
                Outcome.UNKNOWN,
                (answer.unread or NO_JSON) if is_unreadable(read) else "the answer names no work",
                answer,
            )
        if path is None:
            return _told(failed)
        return await self._followed(path, request, failed, deadline)

    def _follow_up(self, path: str, read: Any) -> str | None:  # noqa: ANN401  (whatever was answered)
        """Return where to ask for the end of the work, or None if the answer is the end.

        :raises TemplateError: the answer does not say what the path needs
        :raises ValueError: nor does it say anything, or no name that can be a part of a path
        """
        if self._path is not None:
            if is_unreadable(read):
                raise ValueError(NO_JSON)
            return self._path.render({"answer": read})
        session = read.get(SESSION) if isinstance(read, dict) else None
        if not isinstance(session, str | int) or session in ("", 0):
            return None
        return f"{path.partition('?')[0].rpartition('/')[0]}/importstatus/{path_part(session)}"

    async def _followed(self, path: str, request: BulkRequest, failed: FailedItems, deadline: float) -> BulkAnswer:
        pause_s, begun_at = FIRST_LOOK_S, time.monotonic()
        while True:
            await asyncio.sleep(min(pause_s, max(0.0, deadline - time.monotonic())))
            (answer,) = await self._client.send_all([Call(method="GET", path=path)], deadline=deadline)
            read = read_json(answer.body) if answer.outcome is Outcome.OK else None
            end = self._end(answer, read)
            if end is Outcome.OK:
                return _told(failed | failed_items(read, request.recipients))
            if end is Outcome.REFUSED:
                return _answer(Outcome.REFUSED, "the receiver gave the work up", answer, divisible=True)
            if end is Outcome.UNKNOWN or time.monotonic() >= deadline:
                return _answer(Outcome.UNKNOWN, (answer.detail if answer.status else "") or _UNFINISHED, answer)
            waited_s = time.monotonic() - begun_at
            pause_s = max(min(max(FIRST_LOOK_S, waited_s * SHARE_OF_WAIT), MOST_BETWEEN_LOOKS_S), answer.retry_after_s)

    def _end(self, answer: Answer, read: Any) -> Outcome:  # noqa: ANN401  (whatever was answered)
        """Return how the work ended; ``later`` while it goes on or cannot be asked for just now."""
        if answer.outcome is Outcome.REFUSED:
            return Outcome.UNKNOWN
        if answer.outcome is not Outcome.OK or is_unreadable(read):
            return Outcome.LATER
        context = {"status": answer.status, "answer": read}
        try:
            if self._failed.holds(context):
                return Outcome.REFUSED
            return Outcome.OK if self._done.holds(context) else Outcome.LATER
        except TemplateError:
            return Outcome.UNKNOWN


def _told(failed: FailedItems) -> BulkAnswer:
    """Return the end of work that was done, except for those who failed."""
    named = dict.fromkeys(failed.contact_ids, NAMED)
    if failed.unnamed:
        return BulkAnswer(outcome=Outcome.OK, detail="it failed without being named", failed=named, divisible=True)
    return BulkAnswer(outcome=Outcome.OK, failed=named)


def _answer(outcome: Outcome, detail: str, answer: Answer, *, divisible: bool = False) -> BulkAnswer:
    return BulkAnswer(
        outcome=outcome,
        detail=detail,
        divisible=divisible and outcome is Outcome.REFUSED,
        retry_after_s=answer.retry_after_s,
        locked_out=answer.locked_out,
        look_at=answer.look_at,
        called=answer.called,
    )
