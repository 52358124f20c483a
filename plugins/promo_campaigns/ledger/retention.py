"""Erases personal data that is no longer needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.contacts.audience_values import erase_match_values, erase_values
from promo_campaigns.contacts.event_store import purge_events
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

DAYS = 30
_ANSWER = queries("promo_campaigns.ledger.answers")


def erase_old(connection: Connection, *, days: int = DAYS) -> dict[str, int]:
    """Erase data that is no longer needed, and return how many rows of each kind.

    Answers of data sources go once their run is closed, but for a contact whose send is unknown: it may be sent the
    same again. They go in any case after so many days, and so do keys and parameters of events, see ``purge_events``,
    what audiences of other databases told of contacts, and by what codes matched them, so many days after their run was
    opened.
    Doing it again changes nothing.

    :return: ``answers``, ``audience_values``, ``match_values``, and ``refused``, ``erased`` and ``deleted`` events
    :raises ConfigurationError: fewer than one day
    """
    events = purge_events(connection, days=days)
    answers = connection.execute(_ANSWER["erase_answers"], {"days": days}).rowcount
    values = {
        "audience_values": erase_values(connection, days=days),
        "match_values": erase_match_values(connection, days=days),
    }
    return {"answers": answers, **values, **events}
