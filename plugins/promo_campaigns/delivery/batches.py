"""Sends, asks or records for a batch: commits the intent, calls, keeps the evidence, a bounded number at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.delivery.rendering import MessageTemplates, RequestTemplates, render_messages, render_requests
from promo_campaigns.delivery.retry_loop import RETRIED, THE_RECEIVER, RetryLoop
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.delivery.ports import (
        AnswerLedger,
        Breaker,
        MessageLedger,
        ProfileLedger,
        RequestSender,
        Transport,
    )
    from promo_campaigns.delivery.retry_loop import BackgroundExecutor, Tally
    from promo_campaigns.model.outcome import DeliveryResult
    from promo_campaigns.model.run import Lease, Run


async def send_messages(  # noqa: PLR0913  (the ports and the work, one keyword each)
    *,
    ledger: MessageLedger,
    breaker: Breaker,
    transport: Transport,
    templates: MessageTemplates,
    run: Run,
    contact_ids: Sequence[int],
    in_flight: int | None = None,
    background: BackgroundExecutor | None = None,
    receiver: str = THE_RECEIVER,
) -> Tally:
    """Send the run's message to those of the contacts who are due; skip the others.

    A contact whose message cannot be rendered, or who has no locator any more, is refused and gives its code back.

    :param in_flight: contacts with a committed intent and no evidence yet, at most: what a kill can leave unknown; by
        default the transport's
    :param background: runs the ledger's and the breaker's work during the calls, see ``background_executor``; by
        default that work runs between the calls
    :param receiver: what errors call the receiver
    :raises ReceiverRefusesError: the receiver refuses every call, and no waiting helps; no contact is lost
    :raises ReceiverUnavailableError: the breaker is open, or the receiver asks for more patience than a task has, or
        still asks for some after five passes; no contact is lost
    """
    again = RETRIED if transport.resend_within_s else frozenset({Outcome.LATER})

    def begin(chunk: Sequence[int], limit: int | None) -> Lease:
        return ledger.begin_messages(
            run.run_id, chunk, lease_s=LEASE_S, resend_within_s=transport.resend_within_s, limit=limit
        )

    async def call(lease: Lease, deadline: float) -> Sequence[DeliveryResult]:
        ready, refused = render_messages(templates, run, lease.recipients)
        return [*refused, *await transport.send(ready, deadline=deadline)]

    loop = RetryLoop(
        begin=begin,
        call=call,
        record=ledger.record_message_outcomes,
        count_alike=ledger.count_alike,
        breaker=breaker,
        size=in_flight or transport.in_flight,
        again=again,
        background=background,
        receiver=receiver,
    )
    return await loop.run(contact_ids)


async def ask_before_message(  # noqa: PLR0913  (the ports and the work, one keyword each)
    *,
    ledger: AnswerLedger,
    breaker: Breaker,
    sender: RequestSender,
    templates: RequestTemplates,
    run: Run,
    contact_ids: Sequence[int],
    background: BackgroundExecutor | None = None,
    receiver: str = THE_RECEIVER,
) -> Tally:
    """Ask for those of the contacts who hold a code and have no answer yet; skip the others.

    A contact that the data source refuses is rejected before any message; so is one whose request cannot be rendered. A
    call of unknown outcome is made again under the same key.

    :param background: as for messages
    :param receiver: as for messages
    :raises ReceiverRefusesError: as for messages
    :raises ReceiverUnavailableError: the breaker is open, or the receiver asks for more patience than a task has, or
        still asks for some after five passes; no contact is lost
    """

    def begin(chunk: Sequence[int], limit: int | None) -> Lease:
        return ledger.begin_answers(
            run.run_id,
            chunk,
            lease_s=LEASE_S,
            source=templates.source,
            shows_code=templates.shows_code,
            limit=limit,
        )

    loop = request_loop(
        sender,
        templates,
        run,
        begin=begin,
        record=ledger.record_answer_outcomes,
        count_alike=ledger.count_alike,
        breaker=breaker,
        background=background,
        receiver=receiver,
    )
    return await loop.run(contact_ids)


async def record_profiles(  # noqa: PLR0913  (the ports and the work, one keyword each)
    *,
    ledger: ProfileLedger,
    breaker: Breaker,
    sender: RequestSender,
    templates: RequestTemplates,
    run: Run,
    contact_ids: Sequence[int],
    repair: bool = False,
    background: BackgroundExecutor | None = None,
    receiver: str = THE_RECEIVER,
) -> Tally:
    """Record the codes of those contacts whose message was accepted; skip the others.

    A write is an upsert of one value, so one of unknown outcome is simply made again.

    :param repair: write what was recorded before as well
    :param background: as for messages
    :param receiver: as for messages
    :raises ReceiverRefusesError: as for messages
    :raises ReceiverUnavailableError: the breaker is open, or the receiver asks for more patience than a task has, or
        still asks for some after five passes; no contact is lost
    """

    def begin(chunk: Sequence[int], limit: int | None) -> Lease:
        return ledger.begin_profiles(
            run.run_id, chunk, lease_s=LEASE_S, repair=repair, source=templates.source, limit=limit
        )

    loop = request_loop(
        sender,
        templates,
        run,
        begin=begin,
        record=ledger.record_profile_outcomes,
        count_alike=ledger.count_alike,
        breaker=breaker,
        background=background,
        receiver=receiver,
    )
    return await loop.run(contact_ids)


def request_loop(  # noqa: PLR0913  (the ports and the work, one keyword each)
    sender: RequestSender,
    templates: RequestTemplates,
    run: Run,
    *,
    begin: Callable[[Sequence[int], int | None], Lease],
    record: Callable[[Lease, Sequence[DeliveryResult]], None],
    count_alike: Callable[[Lease, str, Sequence[int]], int],
    breaker: Breaker,
    background: BackgroundExecutor | None,
    receiver: str,
) -> RetryLoop:
    """Return a loop that makes a data source's request for each contact, again also after an unknown outcome."""

    async def call(lease: Lease, deadline: float) -> Sequence[DeliveryResult]:
        ready, refused = render_requests(templates, run, lease.recipients)
        return [*refused, *await sender.send(ready, deadline=deadline)]

    return RetryLoop(
        begin=begin,
        call=call,
        record=record,
        count_alike=count_alike,
        breaker=breaker,
        size=sender.in_flight,
        background=background,
        receiver=receiver,
    )
