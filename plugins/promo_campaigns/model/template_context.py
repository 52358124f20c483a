"""The names that a template can read, and their values."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promo_campaigns.model.run import Recipient


def message_context(recipient: Recipient) -> dict[str, object]:
    """Build the context in which ``$data.get('name')``, ``$name`` and ``$!{data.name}`` are one value.

    Names and language beat a data source's answer of the same name, which beats an additional field; a parameter of the
    event beats a field and a name, but neither an answer nor who the contact is and which code it holds.
    A value that is not known is left out, so that a template sees it as missing.
    """
    answers = recipient.answers or {}
    event = recipient.event
    told = {name: event[name] for name in event if event[name] is not None and name not in answers} if event else {}
    known: dict[str, object | None] = {
        **(recipient.fields or {}),
        **answers,
        "first_name": recipient.first_name,
        "last_name": recipient.last_name,
        "language": recipient.language,
        **told,
        "contact_id": recipient.contact_id,
        "external_id": recipient.external_id,
        "contact_unique_identifier": recipient.locator,
        "promocode": recipient.code,
        "promocode_type": recipient.code_type,
        "discount": recipient.discount,
        "expiration_date": _shown(recipient.expires_at),
    }
    values: dict[str, object] = {name: value for name, value in known.items() if value is not None}
    return {**values, "data": values}


@lru_cache(maxsize=1024)  # codes come in files, and those of one file mostly end on one day
def _shown(expires_at: datetime) -> str:
    return f"{expires_at.astimezone(timezone.utc):%Y-%m-%dT%H:%MZ}"
