"""Which run sent a message that a receiver keeps by its idempotency key alone, as the inbox does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from promo_campaigns.model.run import Purpose
from promo_campaigns.model.run_key import idempotency_key
from promo_campaigns.postgres.arrays import bigint_array
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
RUNS_LOOKED_AT = 50
"""The newest runs of a contact among which the run of a message is looked for."""


class Sent(NamedTuple):
    """Where a message came from.

    :ivar codes: every code that the run ever gave the contact. Never shown in full
    """

    workflow: str
    run_key: str
    codes: tuple[str, ...]


def read_senders(connection: Connection, contact_ids: Iterable[int]) -> dict[str, Sent]:
    """Return which run sent a message, by the idempotency key that the message bears.

    :param contact_ids: whose messages they are; the newest runs of each are looked at
    """
    asked = {"contact_ids": bigint_array(sorted(set(contact_ids))), "limit": RUNS_LOOKED_AT}
    found: dict[str, Sent] = {}
    for row in connection.execute(_SQL["sends"], asked).fetchall():
        sent = Sent(row["workflow"], row["run_key"], tuple(row["codes"]))
        for counter in range(row["resend_counter"] + 1):
            found[idempotency_key(row["run_key"], row["contact_id"], Purpose.MESSAGE, counter)] = sent
    return found
