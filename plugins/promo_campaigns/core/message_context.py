"""The names a message or request body can read, and their values."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promo_campaigns.core.models import Recipient


def message_context(recipient: Recipient) -> dict[str, object]:
    """Build the context in which ``$data.get('name')``, ``$name`` and ``$!{data.name}`` are one value.

    A name of the product beats a data source's of the same name, which beats an additional field ([reteno] V4). What is
    not known is left out, so that a template sees it as missing.
    """
    known: dict[str, object | None] = {
        **(recipient.fields or {}),
        **(recipient.answers or {}),
        "contact_id": recipient.contact_id,
        "external_id": recipient.external_id,
        "first_name": recipient.first_name,
        "last_name": recipient.last_name,
        "language": recipient.language,
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
