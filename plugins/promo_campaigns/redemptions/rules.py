"""A code that was used in a shop, and the rules for what a shop says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.contact_rules import clean_external_id, clean_field_id, clean_locator
from promo_campaigns.model.errors import ContactError, FileError
from promo_campaigns.tables.sheet_text import find_damage, undo_harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from promo_campaigns.model.events import Event

EVENT_TYPE = "PromoCodeRedeemed"
"""The type of the event by which a shop tells of a redemption."""

MAX_TEXT = 255
"""Characters of a code, and of an order's id."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_DATE_LENGTH = len("yyyy-MM-dd")
_AMOUNT = re.compile(r"\d{1,15}(?:\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """One code that was used for one order. Never logged.

    :ivar order_id: as the shop calls the order; with the code it makes the redemption one
    :ivar redeemed_at: in UTC
    :ivar amount: what was paid, in ``currency``; both or neither
    :ivar contact_id: whose order it was, if the shop knows our id
    :ivar external_id: likewise, the external id
    :ivar channel: likewise, type and value of a locator
    """

    code: str = field(repr=False)
    order_id: str
    redeemed_at: datetime
    amount: Decimal | None = None
    currency: str | None = None
    contact_id: int | None = None
    external_id: str | None = field(default=None, repr=False)
    channel: tuple[str, str] | None = field(default=None, repr=False)


class RedemptionFileError(FileError):
    """A file of redemptions cannot be loaded at all; nothing of it was."""


class RedemptionRuleError(ValueError):
    """A value breaks a rule; the message holds no value.

    :param column: which one
    """

    def __init__(self, column: str, reason: str) -> None:
        self.column = column
        super().__init__(reason)


COLUMNS = ("code", "orderId", "redeemedAt", "amount", "currency", "contactId", "externalId", "email", "sms")
"""What may be told of a redemption; the first three must be."""
NEEDED = COLUMNS[:3]


def parse_redemption(told: Mapping[str, Any], zone: tzinfo = timezone.utc) -> Redemption:
    """Return the redemption that values by the names of ``COLUMNS`` tell of; an empty one says nothing.

    A day without a time stands for its end: its first moment may be before the code was sent.

    :param zone: in which a time without an offset is read
    :raises RedemptionRuleError: a value is missing or wrong
    """
    sent: dict[str, Any] = {}
    for name in COLUMNS:
        value = told.get(name)
        if value is not None and str(value).strip():
            sent[name] = _cleaned(name, value, zone)
        elif name in NEEDED:
            raise RedemptionRuleError(name, "empty")
    if ("amount" in sent) != ("currency" in sent):
        raise RedemptionRuleError("currency" if "amount" in sent else "amount", "amount and currency go together")
    channel = next(((kind, sent[kind]) for kind in ("email", "sms") if kind in sent), None)
    return Redemption(
        code=sent["code"],
        order_id=sent["orderId"],
        redeemed_at=sent["redeemedAt"],
        amount=sent.get("amount"),
        currency=sent.get("currency"),
        contact_id=sent.get("contactId"),
        external_id=sent.get("externalId"),
        channel=channel,
    )


def redemption_of(event: Event) -> Redemption:
    """Return the redemption that an event of the type ``EVENT_TYPE`` tells of; without a time it was just now.

    :raises ContactError: a parameter is missing or wrong; it says which, and no value
    """
    told = {name: event.params.get(name) for name in ("code", "orderId", "redeemedAt", "amount", "currency")}
    try:
        parsed = parse_redemption({**told, "redeemedAt": told["redeemedAt"] or datetime.now(timezone.utc)})
    except RedemptionRuleError as broken:
        problem = f"{broken.column}: {broken}"
        raise ContactError(problem, place=f"params.{broken.column}") from None
    channel = next(((one.type, one.value) for one in event.identity.channels), None)
    return replace(
        parsed, contact_id=event.identity.contact_id, external_id=event.identity.external_id, channel=channel
    )


def _cleaned(name: str, value: object, zone: tzinfo) -> object:
    try:
        return _moment(value, zone) if name == "redeemedAt" else _CLEAN[name](str(value).strip())
    except ValueError as error:
        raise RedemptionRuleError(name, str(error)) from error


def _text(text: str) -> str:
    bare = undo_harmless(text)
    if damage := find_damage(bare):
        raise ValueError(damage)
    if not bare or len(bare) > MAX_TEXT or not bare.isprintable():
        msg = f"it has 1 to {MAX_TEXT} visible characters"
        raise ValueError(msg)
    return bare


def _moment(value: object, zone: tzinfo) -> datetime:
    if isinstance(value, datetime):
        moment = value
    else:
        text = str(value).strip()
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            msg = "not a time: write 2027-03-31T18:05:00, with +02:00 or Z behind it if it is in another zone"
            raise ValueError(msg) from None
        if len(text) == _DATE_LENGTH:
            moment += timedelta(days=1, microseconds=-1)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(timezone.utc)
    except OverflowError:
        msg = "past the end of the calendar"
        raise ValueError(msg) from None


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        msg = "not an amount: write digits, with a point before the cents"
        raise ValueError(msg)
    return Decimal(text)


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text.upper()):
        msg = "not a currency: write its three letters, such as EUR"
        raise ValueError(msg)
    return text.upper()


def _contact_id(text: str) -> int:
    try:
        return clean_field_id(text)
    except ValueError:
        msg = "a contact id is a whole number above 0"
        raise ValueError(msg) from None


_CLEAN: Mapping[str, Callable[[str], Any]] = {
    "code": _text,
    "orderId": _text,
    "amount": _amount,
    "currency": _currency,
    "contactId": _contact_id,
    "externalId": clean_external_id,
    "email": partial(clean_locator, "email"),
    "sms": partial(clean_locator, "sms"),
}
