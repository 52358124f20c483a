"""The names that a template can read, and their values."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promo_campaigns.model.run import Recipient

CONTACT_NAMES = (
    "contact_id",
    "external_id",
    "first_name",
    "last_name",
    "language",
    "time_zone",
    "contact_unique_identifier",
)
"""What a template reads of the contact itself; additional fields and event parameters come beside it."""
CODE_NAMES = ("promocode", "promocode_type", "discount", "expiration_date", "expires")
"""What a template reads of the code that the contact was given."""
TOOL_NAMES = ("esc", "mathTool", "math", "numberTool", "number", "dateTool", "date")
"""Tools of the template language, there for every contact; a value of the same name comes first."""
LOOP_NAMES = ("foreach", "velocityCount", "velocityHasNext")
"""What a template reads inside of a ``#foreach``."""
DATA = "data"
"""Holds each value of the contact, the code, fields, event and answers under its name."""
KNOWN_NAMES = frozenset({*CONTACT_NAMES, *CODE_NAMES, *TOOL_NAMES, DATA})
"""The names that exist for every contact, wherever a template of a message or of a data source reads them."""


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
