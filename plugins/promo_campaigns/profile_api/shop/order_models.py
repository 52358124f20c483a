"""Orders as the profile API takes and shows them, in the vendor's names."""

from __future__ import annotations

import re
from datetime import datetime  # noqa: TC003  (pydantic reads the annotation)
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from promo_campaigns.contacts.orders import STATUSES, Order
from promo_campaigns.model.contact_rules import clean_external_id
from promo_campaigns.model.events import parse_identity
from promo_campaigns.profile_api.json_values import storable, text_of
from promo_campaigns.profile_api.moments import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ORDERS = 1_000
_COST = re.compile(r"-?\d{1,15}(?:\.\d{1,20})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
_OWN = frozenset({"externalOrderId", "externalCustomerId", "totalCost", "status", "date", "currency", "email", "phone"})


def _currency(value: object) -> str:
    text = text_of(value).strip().upper()
    if not _CURRENCY.fullmatch(text):
        msg = "expected the three letters of a currency, such as EUR"
        raise ValueError(msg)
    return text


def _cost(value: object) -> Decimal:
    text = text_of(value).strip()
    if not _COST.fullmatch(text):
        msg = "expected an amount such as 19.90"
        raise ValueError(msg)
    return Decimal(text)


def _status(value: object) -> str:
    text = text_of(value).strip()
    if text not in STATUSES:
        msg = f"expected one of {', '.join(STATUSES)}"
        raise ValueError(msg)
    return text


class OrderIn(BaseModel):
    """One order. Further members are kept as they are, and are parameters of the event."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    externalOrderId: Annotated[str, BeforeValidator(lambda value: clean_external_id(text_of(value)))]  # noqa: N815  (the vendor's name, as those below)
    totalCost: Annotated[Decimal, BeforeValidator(_cost)]  # noqa: N815
    status: Annotated[str, BeforeValidator(_status)]
    date: Annotated[datetime, BeforeValidator(lambda value: parse_moment(text_of(value)))]
    currency: Annotated[str, BeforeValidator(_currency)]
    externalCustomerId: str | int | None = None  # noqa: N815
    email: str | None = None
    phone: str | int | None = None

    def order(self, sent: Mapping[str, Any]) -> Order:
        """Return the order as a value of the model.

        :param sent: the order as it was sent
        :raises ContactError: an identifier has a wrong form
        """
        named = {"externalCustomerId": self.externalCustomerId, "email": self.email, "phone": self.phone}
        return Order(
            external_id=self.externalOrderId,
            identity=parse_identity(named),
            status=self.status,
            ordered_at=self.date,
            total=self.totalCost,
            currency=self.currency,
            details={name: value for name, value in sent.items() if name not in _OWN and value not in (None, "")},
        )


class OrdersIn(BaseModel):
    """Orders; each is checked by itself, so that a wrong one does not refuse the others."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    orders: Annotated[
        list[Annotated[dict[str, Any], AfterValidator(storable)]],
        Field(min_length=1, max_length=MOST_ORDERS),
        BeforeValidator(lambda value: [value] if isinstance(value, dict) else value),
    ]


def order_out(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order in the form in which it was sent, with the id of its contact.

    :param order: as ``contacts.orders.read_order`` returns it
    """
    return {
        **order["details"],
        "externalOrderId": order["external_id"],
        "contactId": order["contact_id"],
        "status": order["status"],
        "date": order["ordered_at"].isoformat(),
        "totalCost": str(order["total"]),
        "currency": order["currency"],
    }
