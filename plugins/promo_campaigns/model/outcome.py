"""The outcome of a call, and the messages and requests that are sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promo_campaigns.model.contacts import Closing


class Outcome(str, Enum):
    """What a call proved."""

    OK = "ok"
    """The receiver took it."""
    REFUSED = "refused"
    """The receiver definitely did not take it, and will not take it later."""
    LATER = "later"
    """The receiver definitely did not take it, and may take it later."""
    UNKNOWN = "unknown"
    """Nobody knows."""


@dataclass(slots=True, kw_only=True)  # made once per contact: freezing would triple what that costs
class DeliveryResult:
    """The outcome of one call for one contact.

    :ivar detail: why, in words free of addresses, codes and answers; kept in the ledger
    :ivar retry_after_s: seconds for which the receiver asks for no calls, 0 if it names none
    :ivar locked_out: the receiver refuses every caller, not this contact, and no waiting helps
    :ivar look_at: what a person is to look at who finds every contact's call refused so
    :ivar called: False if the fault was found before any call, so it says nothing about the receiver
    :ivar answer: what a data source answered before the message, as JSON. Never logged
    :ivar closes: the channel that is closed if this is the last word: the receiver says that its locator is dead
    """

    contact_id: int
    outcome: Outcome
    detail: str = ""
    retry_after_s: float = 0.0
    locked_out: bool = False
    look_at: str = ""
    called: bool = True
    answer: str = field(default="", repr=False)
    closes: Closing | None = None

    @property
    def reason(self) -> str:
        """Why, and what to look at."""
        return f"{self.detail}; {self.look_at}" if self.look_at else self.detail


@dataclass(slots=True, kw_only=True)  # made once per contact: freezing would triple what that costs
class OutgoingMessage:
    """A rendered message on its way to a transport. Never logged.

    :ivar locator: the address, number or token it goes to
    :ivar html: the body as HTML, empty for none
    :ivar options: what the message says to its transport alone
    :ivar unsubscribe_link: by which its contact unsubscribes with one click; empty for none
    """

    contact_id: int
    channel: str
    locator: str = field(repr=False)
    title: str = field(repr=False)
    body: str = field(repr=False)
    idempotency_key: str
    html: str = field(default="", repr=False)
    options: dict[str, str] = field(default_factory=dict, repr=False)
    unsubscribe_link: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)  # made once per contact: freezing would triple what that costs
class OutgoingRequest:
    """A rendered HTTP request of a data source. Never logged."""

    contact_id: int
    method: str
    path: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: str = field(repr=False)
    idempotency_key: str
