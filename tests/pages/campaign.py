"""A run in a real store in which each contact is in a state of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from integration.scenario import CODES, add_codes, add_contacts, open_welcome
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run import Batch

if TYPE_CHECKING:
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """The run and whose state is which; one more contact has no channel, and another waits for a code."""

    run: Run
    accepted: int
    rejected: int
    unknown: list[int]
    assigned: int
    codes: dict[int, str]


def half_sent(store: Connection, key: str = KEY) -> Campaign:
    """Send to some of the contacts of a run: one accepted, one refused, two unknown, one with a code, one without."""
    accepted, rejected, unknown, doubtful, assigned, _pending = contacts = add_contacts(store, 6)
    [stranger] = add_contacts(store, 1, channel=None)
    add_codes(store, 20, prefix=key.rpartition("/")[2].upper())
    run, ledger = open_welcome(store, key), PostgresLedger(store)
    ledger.reachable_contacts(Batch(run_id=run.run_id, first=stranger, last=stranger))
    codes = dict(ledger.assign_codes(run.run_id, contacts[:5], CODES))
    outcomes = {accepted: Outcome.OK, rejected: Outcome.REFUSED, unknown: Outcome.UNKNOWN, doubtful: Outcome.UNKNOWN}
    lease = ledger.begin_messages(run.run_id, list(outcomes), lease_s=60, resend_within_s=0)
    results = [
        DeliveryResult(contact_id=to.contact_id, outcome=outcomes[to.contact_id], detail="HTTP 500")
        for to in lease.recipients
    ]
    ledger.settle_messages(lease, results)
    return Campaign(
        run=run, accepted=accepted, rejected=rejected, unknown=[unknown, doubtful], assigned=assigned, codes=codes
    )
