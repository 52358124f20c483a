"""Messages as the profile API takes them, in the vendor's names. Further members are accepted and not stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from promo_campaigns.model.contact_rules import clean_field_id, clean_locator
from promo_campaigns.profile_api.json_values import storable, text_of
from promo_campaigns.profile_api.messages.sending import MOST_RECIPIENTS, Recipient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOST_TEXT = 200_000


def _text(value: object) -> str:
    return "" if value is None else str(storable(text_of(value)))


def _id(value: object) -> int | None:
    return None if value in (None, "") else clean_field_id(value if isinstance(value, int | float) else text_of(value))


def _locators(channel_type: str) -> BeforeValidator:
    def validate(value: object) -> object:
        listed = [value] if isinstance(value, str | int) else value
        if not isinstance(listed, list):
            return listed if listed is not None else []
        return [clean_locator(channel_type, text_of(one)) for one in listed]

    return BeforeValidator(validate)


Text = Annotated[str, Field(max_length=_MOST_TEXT), BeforeValidator(_text)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class EmailIn(_Sent):
    """A mail to addresses."""

    emails: Annotated[list[str], Field(min_length=1, max_length=MOST_RECIPIENTS), _locators("email")]
    subject: Text
    htmlText: Text = ""  # noqa: N815  (the vendor's name, as those below)
    plainText: Text = ""  # noqa: N815
    externalRequestId: Text = ""  # noqa: N815

    def recipients(self, key: Callable[[int], str]) -> list[Recipient]:
        """Return the message of each address."""
        return [
            Recipient(
                channel="email",
                locator=address,
                title=self.subject,
                body=self.plainText,
                html=self.htmlText,
                key=key(number),
            )
            for number, address in enumerate(self.emails)
        ]


class SmsIn(_Sent):
    """A text to numbers, or to the members of a group."""

    text: Text
    sender: Annotated[Text, Field(validation_alias="from")] = ""
    phoneNumbers: Annotated[list[str], Field(max_length=MOST_RECIPIENTS), _locators("sms")] = []  # noqa: N815
    groupId: Annotated[int | None, BeforeValidator(_id)] = None  # noqa: N815
    externalRequestId: Text = ""  # noqa: N815

    def recipients(self, key: Callable[[int], str], members: Sequence[int]) -> list[Recipient]:
        """Return the message of each number, and of each member of the group."""
        named: list[tuple[int | None, str]] = [
            *((None, number) for number in self.phoneNumbers),
            *((member, "") for member in members),
        ]
        return [
            Recipient(
                contact_id=contact_id,
                channel="sms",
                locator=locator,
                title=self.sender,
                body=self.text,
                key=key(number),
            )
            for number, (contact_id, locator) in enumerate(named)
        ]


class RecipientIn(_Sent):
    """One recipient of a prepared message."""

    contactId: Annotated[int | None, BeforeValidator(_id)] = None  # noqa: N815
    locator: Text = ""
    jsonParam: Text = ""  # noqa: N815
    externalRequestId: Text = ""  # noqa: N815


class SmartsendIn(_Sent):
    """A prepared message to recipients, with the values that each of them gets."""

    recipients: Annotated[
        list[RecipientIn],
        Field(min_length=1, max_length=MOST_RECIPIENTS),
        BeforeValidator(lambda value: [value] if isinstance(value, dict) else value),
    ]
    email: Annotated[bool, BeforeValidator(lambda value: True if value is None else value)] = True
    externalRequestId: Annotated[Any, AfterValidator(storable)] = ""  # noqa: N815

    def messages(self, name: str, key: Callable[[int], str]) -> list[Recipient]:
        """Return the message of each recipient: its values as they came.

        :raises ValueError: an address has a wrong form; the message does not hold it
        """
        return [
            Recipient(
                contact_id=one.contactId,
                channel="email" if self.email else "",
                locator=_locator("email" if self.email else "", one.locator),
                title=name,
                body=one.jsonParam,
                key=key(number),
            )
            for number, one in enumerate(self.recipients)
        ]


def _locator(channel_type: str, text: str) -> str:
    if not text.strip():
        return ""
    return clean_locator(channel_type or ("sms" if text.isdecimal() else "mobilepush"), text)
