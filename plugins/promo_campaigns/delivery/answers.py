"""Asks a data source before the message, whose text reads what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.delivery.batches import THE_RECEIVER, RetryLoop
from promo_campaigns.delivery.rendering import render_requests
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.delivery.batches import BackgroundExecutor, Tally
    from promo_campaigns.delivery.ports import AnswerLedger, Breaker, RequestSender
    from promo_campaigns.delivery.rendering import RequestTemplates
    from promo_campaigns.model.outcome import DeliveryResult
    from promo_campaigns.model.run import Lease, Run


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

    async def call(lease: Lease, deadline: float) -> Sequence[DeliveryResult]:
        ready, refused = render_requests(templates, run, lease.recipients)
        return [*refused, *await sender.send(ready, deadline=deadline)]

    loop = RetryLoop(
        begin=begin,
        call=call,
        settle=ledger.settle_answers,
        count_alike=ledger.count_alike,
        breaker=breaker,
        size=sender.in_flight,
        again={Outcome.LATER, Outcome.UNKNOWN},
        background=background,
        receiver=receiver,
    )
    return await loop.run(contact_ids)
