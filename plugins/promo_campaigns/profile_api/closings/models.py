"""What gateways and the vendor tell of channels."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, model_validator
from typing_extensions import Self

from promo_campaigns.contacts.closing import parse_closed_for
from promo_campaigns.model.contact_rules import clean_channel_type, clean_locator
from promo_campaigns.model.contacts import ClosedFor, Closing, status_of_dead

MOST_CLOSINGS = 1_000
_NO_WORD = re.compile(r"[^A-Za-z0-9 ._:-]")
_PERSON = re.compile(r"\S*@\S*|\+?[0-9][0-9 ()-]{6,}[0-9]")


def _word(value: object) -> str:
    """Return a gateway's word for something, without addresses and numbers of persons."""
    return _NO_WORD.sub("", _PERSON.sub("", str(value)))[:60].strip()


_Word = Annotated[str, BeforeValidator(_word)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class ClosingIn(_Told):
    """One channel that is closed: named by its locator, or by its contact's id in the store.

    ``permanent`` is false for what may pass, such as a full mailbox: that closes nothing.
    """

    type: Annotated[str, BeforeValidator(lambda value: clean_channel_type(str(value)))]
    value: str = ""
    contactId: Annotated[int | None, Field(ge=1, lt=2**63)] = None  # noqa: N815  (named as in the rest of the API)
    reason: Annotated[ClosedFor, BeforeValidator(lambda value: parse_closed_for(str(value)))]
    permanent: bool = True
    at: AwareDatetime | None = None
    detail: _Word = ""

    @model_validator(mode="after")
    def _check_named(self) -> Self:
        if not self.value and self.contactId is None:
            msg = "neither value nor contactId: whose channel it is cannot be known"
            raise ValueError(msg)
        if self.value:
            self.value = clean_locator(self.type, self.value)
        return self

    def closing(self, gateway: str) -> Closing:
        """Return what is closed, as told by a gateway."""
        by = f"{gateway or 'webhook'}: {self.detail}" if self.detail else gateway or "webhook"
        return Closing(
            type=self.type, value=self.value, contact_id=self.contactId, reason=self.reason, by=by, at=self.at
        )


class NoticeIn(_Told):
    """A notice of a gateway."""

    gateway: _Word = ""
    closings: Annotated[list[ClosingIn], Field(min_length=1, max_length=MOST_CLOSINGS)]


class ActivityIn(_Told):
    """One activity of the vendor's webhook, in its names; the members by which a channel may be closed."""

    email: Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))] = ""
    activityStatus: Annotated[str, BeforeValidator(str)] = ""  # noqa: N815  (the vendor's names)
    activityDateTime: Annotated[str, BeforeValidator(str)] = ""  # noqa: N815
    statusDescription: Annotated[str, BeforeValidator(str)] = ""  # noqa: N815

    def closing(self) -> Closing | None:
        """Return what is closed; None where nothing is.

        The vendor does not say whether an undelivered message may arrive another time. It closes a channel only where
        the reason holds a mail server's status by which the address is dead.
        """
        status = self.activityStatus.strip().upper()
        reason = {"UNSUBSCRIBED": ClosedFor.UNSUBSCRIBED, "SPAM": ClosedFor.COMPLAINED}.get(status)
        by = f"vendor: {status}"
        if status == "UNDELIVERED" and (code := status_of_dead(self.statusDescription)):
            reason, by = ClosedFor.BOUNCED, f"{by} {code}"
        try:
            address = clean_locator("email", self.email) if reason else ""
        except ValueError:
            return None
        if reason is None or not address:
            return None
        return Closing(type="email", value=address, reason=reason, by=by, at=_moment(self.activityDateTime))


class ActivitiesIn(RootModel[list[dict[str, Any]]]):
    """The activities of one request of the vendor's."""

    def closings(self) -> list[Closing]:
        """Return what they close; one that cannot be read closes nothing."""
        return [closing for one in self.root if (closing := ActivityIn.model_validate(one).closing())]


def _moment(text: str) -> datetime | None:
    """Return a moment that says its time zone; None for every other text, whose zone nobody documents."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
