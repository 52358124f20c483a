"""Events: their types and keys, the contact they are about, and which of them a workflow answers (docs/vendor.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4, uuid5

from promo_campaigns.model.contact_rules import clean_external_id, clean_field_id, clean_locator
from promo_campaigns.model.contacts import Channel
from promo_campaigns.model.errors import ConfigurationError, ContactError
from promo_campaigns.model.parameters import optional_text
from promo_campaigns.model.run_spec import Audience

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE_LENGTH = 100
KEY_LENGTH = 300
NAME_LENGTH = 255

_FORBIDDEN = re.compile("[<;\u2019\\\\/|\"`'^?!,>\x00-\x1f\x7f\ud800-\udfff]")
_TOKENS = UUID("5b0e9c0e-93b5-4d0a-8a3a-0a6f6f2f6d54")
_CONTACT_ID = frozenset({"contactid", "contact_id"})
_EXTERNAL_ID = "externalcustomerid"
_LOCATORS = {
    "email": "email",
    "emailaddress": "email",
    "useremail": "email",
    "contactemail": "email",
    "phone": "sms",
    "sms": "sms",
    "phonenumber": "sms",
    "pushtoken": "mobilepush",
    "mobpushtoken": "mobilepush",
    "telegrambottoken": "telegram",
}
"""Type of channel by the name of a parameter, any case; the one that comes first in a request is looked up first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The identifiers of the contact an event is about; all empty if it names none."""

    contact_id: int | None = None
    external_id: str | None = field(default=None, repr=False)
    channels: tuple[Channel, ...] = field(default=(), repr=False)

    @property
    def key(self) -> str | None:
        """The key of an event that was sent without one: its first identifier."""
        if self.contact_id is not None:
            return str(self.contact_id)
        return self.external_id or next((channel.value for channel in self.channels), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as it was received. Never logged.

    :ivar params: by name, as JSON values
    :ivar token: the same for a request that is sent again
    """

    type: str
    key: str | None = field(repr=False)
    identity: Identity
    params: Mapping[str, Any] = field(repr=False)
    token: UUID


def request_token(idempotency_key: str) -> UUID:
    """Return the token under which a repeated request is the same event; without an idempotency key each is its own."""
    return uuid5(_TOKENS, idempotency_key) if idempotency_key else uuid4()


def clean_event_type(text: str) -> str:
    """Return the type of an event, trimmed.

    :raises ValueError: empty, over 100 characters, or with a forbidden one
    """
    return _clean(text, "an event type", TYPE_LENGTH)


def clean_event_key(text: str) -> str:
    """Return the key of an event, trimmed.

    :raises ValueError: empty, over 300 characters, or with a forbidden one
    """
    return _clean(text, "an event key", KEY_LENGTH)


def _clean(text: str, what: str, length: int) -> str:
    value = text.strip()
    if not value or len(value) > length:
        msg = f"{what} has 1 to {length} characters"
        raise ValueError(msg)
    if _FORBIDDEN.search(value):
        msg = f"{what} holds none of < ; \u2019 \\ / | \" ` ' ^ ? ! , > and no control characters"
        raise ValueError(msg)
    return value


def parse_identity(params: Mapping[str, Any]) -> Identity:
    """Return the identifiers among the parameters; names are compared without regard to case.

    An external id that is empty or the text ``null`` is none, as is every other identifier that is null or empty.

    :raises ContactError: an identifier has a wrong form; the message does not hold it
    """
    contact_id: int | None = None
    external_id: str | None = None
    channels: dict[str, Channel] = {}
    for name, value in params.items():
        known = name.lower()
        if known not in _LOCATORS and known not in _CONTACT_ID and known != _EXTERNAL_ID:
            continue
        try:
            text = _text(value)
            if text and known in _CONTACT_ID:
                contact_id = clean_field_id(text) if contact_id is None else contact_id
            elif text and known == _EXTERNAL_ID:
                external_id = None if text == "null" else clean_external_id(text)
            elif text:
                kind = _LOCATORS[known]
                channels.setdefault(kind, Channel(kind, clean_locator(kind, text)))
        except ValueError as error:
            problem = "a contact id is a whole number above 0" if known in _CONTACT_ID else str(error)
            raise ContactError(problem, place=f"params.{name}") from error
    return Identity(contact_id=contact_id, external_id=external_id, channels=tuple(channels.values()))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        msg = "an identifier is a text or a number"
        raise ValueError(msg)  # noqa: TRY004  (of the caller's JSON, told like its other faults)
    return str(value).strip()


class Reentry(str, Enum):
    """How often an event makes a contact enter a workflow."""

    EACH_TIME = "each_time"
    """Every event."""
    ONCE = "once"
    """The first event only."""
    PERIOD = "period"
    """No event within a period of one that made the contact enter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTerms:
    """Which events a workflow answers.

    :ivar period_s: for ``Reentry.PERIOD``: seconds between the events of two entries of a contact
    :ivar alone: refuse an event while its contact is in an open run of the workflow
    :ivar max_age_s: seconds after which an event is not answered any more
    :ivar most: most events of one run
    """

    workflow: str
    type: str
    reentry: Reentry = Reentry.EACH_TIME
    period_s: float = 0.0
    alone: bool = False
    max_age_s: float = 86_400.0
    most: int = 10_000

    @property
    def audience(self) -> Audience:
        """The audience in the definition of a run: the same for every run of the workflow."""
        return Audience(name=f"event {self.type}")


def parse_event_type(value: object) -> str:
    """Return the type of the events a workflow answers.

    :raises ConfigurationError: it is not a type that an event can have
    """
    try:
        return clean_event_type(optional_text(value))
    except ValueError as error:
        msg = f"event: {error}"
        raise ConfigurationError(msg) from error
