"""Test sends: a message really sent to named contacts with the placeholder code; no run, pool or profile is touched."""

from __future__ import annotations

import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from promo_campaigns.delivery.rendering import render_messages
from promo_campaigns.ledger.halts import require_no_halt
from promo_campaigns.ledger.interventions import read_stop
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.limits import NO_LIMITS, limit_parameters
from promo_campaigns.model.run import Mode, Run
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.preview.dry_run import REASON, audience_parts, make_recipient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
    from promo_campaigns.delivery.ports import Transport
    from promo_campaigns.model.outcome import DeliveryResult, OutgoingMessage
    from promo_campaigns.model.run import Recipient
    from promo_campaigns.postgres.connection import Connection

MOST = 20
"""Test contacts of one test send: those of a team, not an audience."""
SKIPPED = "skipped"
_WAIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMessages:
    """A test send that is rendered and not sent yet.

    :ivar ready: messages that can be sent
    :ivar left_out: why nothing can be sent to the other contacts, by contact
    """

    ready: list[OutgoingMessage] = field(repr=False)
    left_out: dict[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTestResult:
    """The result of a test send for one contact.

    :ivar outcome: ``ok``, ``refused``, ``later`` or ``unknown``, as of a real send, or ``skipped``
    """

    contact_id: int
    outcome: str
    detail: str = ""


def new_run_key(workflow: str) -> str:
    """Return a new run key for a test send; no run can have it."""
    return make_run_key(workflow, str(uuid.uuid4()))


def make_run_key(workflow: str, occasion: str) -> str:
    """Return the run key of a test send; no run can have it, since run keys of workflows have no such part."""
    return f"{workflow}/test/{occasion}"


def render_test_messages(
    connection: Connection,
    campaign: CompiledCampaign,
    contact_ids: Sequence[int],
    *,
    key: str,
    answers: Mapping[str, object] | None = None,
) -> RenderedMessages:
    """Render the message for the contacts as a run would, with the placeholder for a code.

    Quiet hours, caps and hold-outs are ignored, since the contacts were named.

    :param campaign: whose message it is, as a run would send it
    :param key: see ``make_run_key``
    :param answers: examples of what data sources answer before the message, by their names
    :raises ConfigurationError: no contact is named, or too many are
    """
    named = sorted(set(contact_ids))
    if not 1 <= len(named) <= MOST:
        msg = f"a test send goes to 1 to {MOST} contacts, not to {len(named)}"
        raise ConfigurationError(msg)
    spec = campaign.spec
    expires_at = datetime.now(tz=timezone.utc) + timedelta(days=max(spec.codes.days, 1))
    audience = Audience(name="test contacts", contact_ids=tuple(named), columns=spec.audience.columns)
    wanted = replace(spec, audience=audience, hold_out=0.0)
    left_out = dict.fromkeys(named, "there is no such contact")
    recipients: list[Recipient] = []
    with reading(connection), closing(audience_parts(connection, wanted, limits=limit_parameters(NO_LIMITS))) as parts:
        for row in (row for part in parts for row in part):
            recipient, reason = make_recipient(row, wanted, expires_at, answers), str(row[REASON])
            del left_out[recipient.contact_id]
            if reason:
                left_out[recipient.contact_id] = reason
            else:
                recipients.append(recipient)
    run = Run(run_id=0, run_key=key, spec=wanted, send_by=None, mode=Mode.REFUSE, closed=False)
    run = replace(run, pictures=campaign.pictures, unsubscribing=campaign.unsubscribing)
    ready, refused = render_messages(campaign.message, run, recipients)
    left_out |= {result.contact_id: result.detail for result in refused}
    return RenderedMessages(ready=ready, left_out=left_out)


def require_sending(connection: Connection) -> None:
    """Make sure that nobody has stopped all sending, which holds for a test send as well.

    :raises RunHaltedError: somebody has; it says who, and what lets it go on
    """
    stop = read_stop(connection)
    if stop is not None:
        require_no_halt(stop)


async def send_test_messages(rendered: RenderedMessages, transport: Transport) -> list[SendTestResult]:
    """Send each message that can be sent once, and return a result for each contact, in the order of their ids.

    :param transport: open
    """
    results: Sequence[DeliveryResult] = []
    if rendered.ready:
        results = await transport.send(rendered.ready, deadline=time.monotonic() + _WAIT_S)
    told = [
        SendTestResult(contact_id=result.contact_id, outcome=result.outcome.value, detail=result.reason)
        for result in results
    ]
    told += [SendTestResult(contact_id=who, outcome=SKIPPED, detail=why) for who, why in rendered.left_out.items()]
    return sorted(told, key=lambda one: one.contact_id)
