"""Records the codes of many contacts in one request, and finds the contacts at fault when it is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from promo_campaigns.delivery.pictures import contexts_of
from promo_campaigns.delivery.retry_loop import THE_RECEIVER, RetryLoop
from promo_campaigns.delivery.throttle.breaker import receiver_fault
from promo_campaigns.model.errors import PromoError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_key import idempotency_key, joint_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from promo_campaigns.delivery.ports import Breaker, ProfileLedger
    from promo_campaigns.delivery.rendering import RequestTemplates
    from promo_campaigns.delivery.retry_loop import BackgroundExecutor, Tally
    from promo_campaigns.delivery.throttle.breaker import Admission
    from promo_campaigns.model.run import Lease, Recipient, Run

REQUESTS_UNDER_WAY = 2
MOST_EXTRA_CALLS = 250
"""Made for one request to find out who of its contacts is at fault; a few in three thousand are found with less."""
BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """A rendered request for several contacts. Never logged."""

    method: str
    path: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: str = field(repr=False)
    idempotency_key: str
    recipients: Sequence[Recipient] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAnswer:
    """The result of a request for several contacts.

    :ivar outcome: for all but the ``failed``
    :ivar failed: contacts whom the answer names as refused, with the reason
    :ivar divisible: some may be at fault whom the answer does not name; the others are fine
    :ivar called: False if nothing has left for the receiver
    """

    outcome: Outcome
    detail: str = ""
    failed: Mapping[int, str] = field(default_factory=dict)
    divisible: bool = False
    retry_after_s: float = 0.0
    locked_out: bool = False
    look_at: str = ""
    called: bool = True


class BulkSender(Protocol):
    """Interface of what sends requests for several contacts.

    :ivar lease_s: how long one request may need, twice
    """

    lease_s: float

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Keep connections open until the block ends; within an open one this does nothing."""

    async def call(self, request: BulkRequest, *, deadline: float) -> BulkAnswer:
        """Make one request, inside ``connected``, follow it to its end by the deadline, and say what is known."""


async def record_profiles_in_bulk(  # noqa: PLR0913  (the ports and the work, one keyword each)
    *,
    ledger: ProfileLedger,
    breaker: Breaker,
    sender: BulkSender,
    templates: RequestTemplates,
    run: Run,
    contact_ids: Sequence[int],
    repair: bool = False,
    background: BackgroundExecutor | None = None,
    receiver: str = THE_RECEIVER,
) -> Tally:
    """Record the codes of those contacts whose message was accepted, as ``record_profiles`` does, many in one request.

    :param receiver: as for messages
    :raises ReceiverRefusesError: as for messages
    :raises ReceiverUnavailableError: as ``record_profiles``
    """
    counting = _CountsCalls(breaker)

    def begin(chunk: Sequence[int], limit: int | None) -> Lease:
        return ledger.begin_profiles(
            run.run_id, chunk, lease_s=sender.lease_s, repair=repair, source=templates.source, limit=limit
        )

    async def call(lease: Lease, deadline: float) -> Sequence[DeliveryResult]:
        size = templates.records_per_request
        groups = [lease.recipients[first : first + size] for first in range(0, len(lease.recipients), size)]
        searches = [_Search(sender, templates, run, deadline, counting) for _ in groups]
        found = await asyncio.gather(*(search.record(group) for search, group in zip(searches, groups, strict=True)))
        return [result for results in found for result in results]

    loop = RetryLoop(
        begin=begin,
        call=call,
        record=ledger.record_profile_outcomes,
        count_alike=ledger.count_alike,
        breaker=counting,
        size=REQUESTS_UNDER_WAY * templates.records_per_request,
        first_calls=REQUESTS_UNDER_WAY * templates.records_per_request,
        background=background,
        receiver=receiver,
    )
    async with sender.connected():
        return await loop.run(contact_ids)


class _CountsCalls:
    """Counts calls for the breaker, not their contacts: an unknown call for a thousand contacts is one failure."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._calls: list[DeliveryResult] = []

    def heard(self, answer: BulkAnswer) -> None:
        """Count a call."""
        self._calls.append(
            DeliveryResult(
                contact_id=0,
                outcome=answer.outcome,
                detail=answer.detail,
                locked_out=answer.locked_out,
                look_at=answer.look_at,
                called=answer.called,
            )
        )

    def admit(self) -> Admission:
        """Say whether this worker may call."""
        return self._breaker.admit()

    def report(self, results: Sequence[DeliveryResult], admission: Admission) -> None:
        """Tell the other workers what the calls since the last report came to, or that the receiver is at fault."""
        calls, self._calls = self._calls, []
        if fault := receiver_fault(results):
            calls = [fault]
        self._breaker.report(calls, admission)


@dataclass(slots=True)
class _Search:
    """Records one group; halves it again and again while a contact that the answer does not name is at fault."""

    sender: BulkSender
    templates: RequestTemplates
    run: Run
    deadline: float
    breaker: _CountsCalls
    calls_left: int = MOST_EXTRA_CALLS

    async def record(self, group: Sequence[Recipient]) -> list[DeliveryResult]:
        request, results = render_bulk(self.templates, self.run, group)
        if request is None:
            return results
        answer = await self.sender.call(request, deadline=self.deadline)
        self.breaker.heard(answer)
        failed = [
            _result(one, Outcome.REFUSED, answer.failed[one.contact_id])
            for one in request.recipients
            if one.contact_id in answer.failed
        ]
        rest = [one for one in request.recipients if one.contact_id not in answer.failed]
        if answer.divisible and self._may_divide(rest):
            middle = (len(rest) + 1) // 2
            halves = await asyncio.gather(*(self.record(half) for half in (rest[:middle], rest[middle:]) if half))
            return [*results, *failed, *(result for half in halves for result in half)]
        return [*results, *failed, *(self._told(one, answer, together=len(rest)) for one in rest)]

    def _may_divide(self, rest: Sequence[Recipient]) -> bool:
        if len(rest) < 2 or self.calls_left < 2:  # noqa: PLR2004  (halves)
            return False
        self.calls_left -= 2
        return True

    def _told(self, recipient: Recipient, answer: BulkAnswer, *, together: int) -> DeliveryResult:
        if not answer.divisible:
            return _result(recipient, answer.outcome, answer.detail, answer)
        others = f", together with {together - 1} others" if together > 1 else ""
        return _result(recipient, Outcome.REFUSED, f"{answer.detail}{others}", answer)


def render_bulk(
    templates: RequestTemplates, run: Run, group: Sequence[Recipient]
) -> tuple[BulkRequest | None, list[DeliveryResult]]:
    """Return the request for those of a group who can be rendered, if there are any, and the refusals of the others."""
    if not group:
        return None, []
    parts, failed = _rendered(templates, run, group)
    if not failed:
        return _request(templates, run, group, parts), []
    alone = [_rendered(templates, run, [one])[1] for one in group]
    refused = [_result(one, Outcome.REFUSED, why) for one, why in zip(group, alone, strict=True) if why]
    sound = [one for one, why in zip(group, alone, strict=True) if not why]
    if not refused or not sound:
        return None, refused or [_result(one, Outcome.REFUSED, failed) for one in group]
    request, more = render_bulk(templates, run, sound)
    return request, [*refused, *more]


def _rendered(templates: RequestTemplates, run: Run, group: Sequence[Recipient]) -> tuple[dict[str, str], str]:
    """Return the parts of a request by name, or why they cannot be rendered."""
    batch = contexts_of(group, run.pictures)
    context = {BATCH: batch, "data": {BATCH: batch}}
    parts: dict[str, str] = {}
    for name, template in {**templates.headers, "path": templates.path, "body": templates.body}.items():
        (text,) = template.render_many([context])
        if isinstance(text, PromoError):
            return {}, f"{name}: {text}"
        parts[name] = text
    return parts, ""


def _request(
    templates: RequestTemplates, run: Run, group: Sequence[Recipient], parts: Mapping[str, str]
) -> BulkRequest:
    keys = [
        idempotency_key(run.run_key, one.contact_id, templates.purpose, one.resend_counter, source=templates.source)
        for one in group
    ]
    return BulkRequest(
        method=templates.method,
        path=parts["path"],
        headers={name: parts[name] for name in templates.headers},
        body=parts["body"],
        idempotency_key=joint_key(keys),
        recipients=group,
    )


def _result(recipient: Recipient, outcome: Outcome, detail: str, answer: BulkAnswer | None = None) -> DeliveryResult:
    return DeliveryResult(
        contact_id=recipient.contact_id,
        outcome=outcome,
        detail=detail,
        retry_after_s=answer.retry_after_s if answer else 0.0,
        locked_out=answer.locked_out if answer else False,
        look_at=answer.look_at if answer else "",
        called=answer.called if answer else False,
    )
