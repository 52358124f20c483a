"""The names that a template can read, and their values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from promo_campaigns.model.audience.columns import AUDIENCE
from promo_campaigns.model.typed.field_values import field_values
from promo_campaigns.model.typed.moment import Moment

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
"""What a template reads of the contact itself; additional fields and event parameters are added to it."""
CODE = "promocode"
CODE_NAMES = (CODE, "promocode_type", "discount", "expiration_date", "expires")
"""What a template reads of the code that the contact was given."""
VALUE_NAMES = (*CONTACT_NAMES, *CODE_NAMES)
"""What every text for a contact can read; fields, answers and parameters of an event are added to it."""
BARCODE_NAMES = ("barcodeTool", "barcode")
"""The tool that draws codes, by its names; see ``delivery.pictures``."""
TOOL_NAMES = ("esc", "mathTool", "math", "numberTool", "number", "dateTool", "date", *BARCODE_NAMES)
"""Tools of the template language, there for every contact; a value of the same name comes first."""
LOOP_NAMES = ("foreach", "velocityCount", "velocityHasNext")
"""What a template reads inside of a ``#foreach``."""
DATA = "data"
"""Holds each value of the contact, the code, fields, event and answers under its name."""
KNOWN_NAMES = frozenset({*VALUE_NAMES, *TOOL_NAMES, DATA})
"""The names that exist for every contact, wherever a template of a message or of a data source reads them."""


_LAST_INSTANT = timedelta(microseconds=1)


def message_context(recipient: Recipient) -> dict[str, object]:
    """Build the context in which ``$data.get('name')``, ``$name`` and ``$!{data.name}`` are one value.

    Names and language beat a data source's answer of the same name, which beats an additional field; a parameter of the
    event beats a field and a name, but neither an answer nor who the contact is and which code it holds.
    Columns of the run's audience are one value, ``$audience``, which beats all others of that name.
    A value that is not known is left out, so that a template sees it as missing.
    """
    answers = recipient.answers or {}
    event = recipient.event
    told = {name: event[name] for name in event if event[name] is not None and name not in answers} if event else {}
    language, zone = recipient.language or "", recipient.time_zone or recipient.pool_zone
    known: dict[str, object | None] = {
        **(field_values(recipient.fields, language, _zone(zone)) if recipient.fields else {}),
        **answers,
        "first_name": recipient.first_name,
        "last_name": recipient.last_name,
        "language": recipient.language,
        "time_zone": recipient.time_zone,
        **told,
        "contact_id": recipient.contact_id,
        "external_id": recipient.external_id,
        "contact_unique_identifier": recipient.locator,
        CODE: recipient.code,
        "promocode_type": recipient.code_type,
        "discount": recipient.discount,
        "expiration_date": _sold(recipient.expires_at, recipient.pool_zone),
        "expires": _expires(recipient.expires_at, recipient.pool_zone, zone, language),
    }
    values: dict[str, object] = {name: value for name, value in known.items() if value is not None}
    if recipient.audience is not None:
        columns = field_values(recipient.audience, language, _zone(zone))
        values[AUDIENCE] = {name: value for name, value in columns.items() if value is not None}
    return {**values, DATA: values}


# Codes come in files, and those of one file mostly end on one day: what is said of it is worked out once.


@lru_cache(maxsize=1024)
def _sold(expires_at: datetime, pool_zone: str) -> str:
    """Return the last valid minute in the zone in which the code was sold."""
    last, _ = _last_valid(expires_at, pool_zone)
    text = last.isoformat(timespec="minutes")
    return text.replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def _expires(expires_at: datetime, pool_zone: str, zone: str, language: str) -> Moment:
    """Return the last valid moment as a contact is told it; what is sold for a day is never said to last longer."""
    last, whole_day = _last_valid(expires_at, pool_zone)
    here = last.astimezone(_zone(zone))
    if whole_day and here.date() > last.date():
        here = last.replace(tzinfo=here.tzinfo)
    return Moment(here, language, has_time=not whole_day)


def _last_valid(expires_at: datetime, pool_zone: str) -> tuple[datetime, bool]:
    """Return the last valid moment in the pool's zone, and whether that is the end of a day."""
    end = expires_at.astimezone(_zone(pool_zone))
    last = (expires_at.astimezone(timezone.utc) - _LAST_INSTANT).astimezone(end.tzinfo)
    return (last, True) if last.date() < end.date() else (end, False)


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo:
    """Return a time zone; the store may know one that this machine's files do not have."""
    try:
        return timezone.utc if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return timezone.utc
