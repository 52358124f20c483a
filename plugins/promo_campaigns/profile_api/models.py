"""Requests and answers of the profile API, in the vendor's names (docs/vendor.md).

Further members of a request, such as the contact key, are accepted, as the vendor's API does, and not stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from typing_extensions import Self

from promo_campaigns.contacts.groups import clean_group_name
from promo_campaigns.contacts.import_request import MOST_CONTACTS
from promo_campaigns.model.contact_rules import (
    clean_address_part,
    clean_channel_type,
    clean_external_id,
    clean_field_id,
    clean_language,
    clean_locator,
    clean_name,
    clean_time_zone,
)
from promo_campaigns.model.contacts import Channel, Contact
from promo_campaigns.model.events import clean_event_type
from promo_campaigns.profile_api.json_values import storable, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.contacts.import_request import ImportStatus
    from promo_campaigns.model import contacts
    from promo_campaigns.model.contacts import Rejected

_MOST_CHANNELS = 100
_MOST_FIELDS = 500
_MOST_GROUPS = 100
_MOST_IDS = 3_000
_GroupName = Annotated[str, BeforeValidator(lambda value: clean_group_name(_text(value)))]
ADDRESS_BOOK = 1
"""Id of the one address book there is."""
PROFILE_KEY = "ADDITIONAL"
"""Key of the one group of additional fields there is."""
_STATUSES = {"queued": "STARTED", "finished": "FINISHED", "failed": "ERROR"}
"""The vendor's words for the states of an import."""


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else text_of(value)


def _cleaned(clean: Callable[[str], str], *, empty_is_absent: bool = False) -> BeforeValidator:
    def validate(value: object) -> str | None:
        if value is None or is_blank(value) or (empty_is_absent and value == ""):
            return None
        return clean(_text(value))

    return BeforeValidator(validate)


def is_blank(value: object) -> bool:
    """Return whether a text holds nothing but white space: what a shop's plugin sends for a value it has not."""
    return isinstance(value, str) and value != "" and not value.strip()


def _listed(value: object) -> object:
    """Return a list: clients of the older XML form send one element as itself, and null for none."""
    if value is None:
        return []
    return [value] if isinstance(value, dict) else value


def _listed_names() -> BeforeValidator:
    def validate(value: object) -> object:
        if value is None:
            return []
        return [value] if isinstance(value, str) else value

    return BeforeValidator(validate)


_Categories = Annotated[
    list[_GroupName],
    Field(max_length=_MOST_GROUPS),
    BeforeValidator(lambda value: [one for one in value if one != ""] if isinstance(value, list) else value),
    _listed_names(),
]
"""Keys of categories; one that is empty is left out."""
Listed = BeforeValidator(_listed)
"""A list, of which a single element may come as itself."""


def _field_id(value: object) -> int:
    return clean_field_id(value if isinstance(value, int | float) else _text(value))


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class ChannelIn(_Sent):
    """A channel; its value is checked by its type. One whose value is blank is not sent at all."""

    type: Annotated[str, BeforeValidator(lambda value: clean_channel_type(_text(value)))]
    value: Annotated[str, BeforeValidator(lambda value: "" if value is None else _text(value))]
    device: Annotated[dict[str, Any] | None, AfterValidator(storable)] = None

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        self.value = clean_locator(self.type, self.value) if self.value.strip() else ""
        return self


class FieldIn(_Sent):
    """The value of an additional field, whose id comes as a number or a string; null empties the field."""

    id: Annotated[int, BeforeValidator(_field_id)]
    value: Annotated[str | None, BeforeValidator(lambda value: None if value is None else _text(value))] = None


class GroupIn(_Sent):
    """A group that a contact is put into, by its name. One without a name is left out."""

    name: Annotated[str | None, _cleaned(clean_group_name, empty_is_absent=True)] = None


class AddressIn(_Sent):
    """A postal address; parts that are blank are not sent."""

    region: Annotated[str | None, _cleaned(clean_address_part, empty_is_absent=True)] = None
    town: Annotated[str | None, _cleaned(clean_address_part, empty_is_absent=True)] = None
    address: Annotated[str | None, _cleaned(clean_address_part, empty_is_absent=True)] = None
    postcode: Annotated[str | None, _cleaned(clean_address_part, empty_is_absent=True)] = None


class ContactIn(_Sent):
    """One contact. What is absent or null is not sent."""

    id: Annotated[int | None, BeforeValidator(lambda value: None if value is None else _field_id(value))] = None
    firstName: Annotated[str | None, _cleaned(clean_name)] = None  # noqa: N815  (the vendor's name, as those below)
    lastName: Annotated[str | None, _cleaned(clean_name)] = None  # noqa: N815
    languageCode: Annotated[str | None, _cleaned(clean_language, empty_is_absent=True)] = None  # noqa: N815
    externalCustomerId: Annotated[str | None, _cleaned(clean_external_id, empty_is_absent=True)] = None  # noqa: N815
    timeZone: Annotated[str | None, _cleaned(clean_time_zone, empty_is_absent=True)] = None  # noqa: N815
    address: AddressIn | None = None
    channels: Annotated[list[ChannelIn], Field(max_length=_MOST_CHANNELS), Listed] = []
    fields: Annotated[list[FieldIn], Field(max_length=_MOST_FIELDS), Listed] = []
    groups: Annotated[list[GroupIn], Field(max_length=_MOST_GROUPS), Listed] = []

    def group_names(self) -> list[str]:
        """Return the names of the groups that the contact is put into."""
        return [one.name for one in self.groups if one.name]

    def contact(self) -> Contact:
        """Return the contact as a value of the model; of a field sent twice the last value counts."""
        return Contact(
            channels=tuple(Channel(one.type, one.value, one.device) for one in self.channels if one.value),
            values={one.id: one.value for one in self.fields},
            external_id=self.externalCustomerId,
            first_name=self.firstName,
            last_name=self.lastName,
            language=self.languageCode,
            time_zone=self.timeZone,
            address=self.address.model_dump(exclude_none=True) if self.address else {},
        )


class SubscribeIn(_Sent):
    """A form of a website: who subscribes, and what the event is told of it."""

    contact: ContactIn
    groups: Annotated[list[_GroupName], Field(max_length=_MOST_GROUPS), _listed_names()] = []
    formType: Annotated[str | None, AfterValidator(storable)] = None  # noqa: N815  (the vendor's name)
    subscriptions: _Categories = []

    def group_names(self) -> list[str]:
        """Return the names of the groups that the contact is put into."""
        return [*self.groups, *self.contact.group_names()]

    def params(self) -> dict[str, Any]:
        """Return the parameters of the event besides the contact."""
        told = {"formType": self.formType, "groups": self.group_names(), "subscriptions": self.subscriptions}
        return {name: value for name, value in told.items() if value}


class SubscriptionsIn(_Sent):
    """The categories that a contact is subscribed to from now on, by their keys; of all others it is none."""

    subscriptions: _Categories


class EmailsIn(_Sent):
    """Addresses."""

    emails: Annotated[
        list[Annotated[str, BeforeValidator(lambda value: clean_locator("email", _text(value)))]],
        Field(max_length=_MOST_IDS),
        _listed_names(),
    ]


class MembersIn(_Sent):
    """Contacts by their ids."""

    contactIds: Annotated[list[Annotated[int, BeforeValidator(_field_id)]], Field(max_length=_MOST_IDS)]  # noqa: N815  (the vendor's name)


class BulkIn(_Sent):
    """Many contacts; each is checked by itself, so that a wrong one does not refuse the others."""

    contacts: Annotated[list[dict[str, Any]], Field(max_length=MOST_CONTACTS), Listed]
    dedupeOn: Annotated[str, BeforeValidator(_text)]  # noqa: N815  (the vendor's name, as those below)
    fieldId: Annotated[int | None, BeforeValidator(lambda value: None if value is None else _field_id(value))] = None  # noqa: N815
    contactFields: Annotated[list[str] | None, AfterValidator(storable)] = None  # noqa: N815
    customFieldsIDs: Annotated[list[Annotated[int, BeforeValidator(_field_id)]], Listed] = []  # noqa: N815
    groupNames: Annotated[list[_GroupName], Field(max_length=_MOST_GROUPS), _listed_names()] = []  # noqa: N815
    groupNamesExclude: Annotated[list[_GroupName], Field(max_length=_MOST_GROUPS), _listed_names()] = []  # noqa: N815
    restoreDeleted: bool | None = None  # noqa: N815
    eventKeyForNewContacts: Annotated[str | None, _cleaned(clean_event_type, empty_is_absent=True)] = None  # noqa: N815


class UploadIn(_Sent):
    """A file of contacts, by its link."""

    link: str
    dedupeOn: Annotated[str, BeforeValidator(_text)]  # noqa: N815  (the vendor's name, as those below)
    groupNames: Annotated[list[_GroupName], Field(max_length=_MOST_GROUPS), _listed_names()] = []  # noqa: N815
    groupNamesExclude: Annotated[list[_GroupName], Field(max_length=_MOST_GROUPS), _listed_names()] = []  # noqa: N815
    restoreDeleted: bool | None = None  # noqa: N815
    eventKeyForNewContacts: Annotated[str | None, _cleaned(clean_event_type, empty_is_absent=True)] = None  # noqa: N815


def contact_out(contact: dict[str, Any], *, full: bool = False) -> dict[str, Any]:
    """Return a contact in the form of ``GET /api/v1/contact/{id}``.

    :param contact: as ``contacts.search.read_shown`` returns it
    :param full: with what the vendor's recorded answers do not have; a client that knows their members alone would
        refuse others
    """
    more = {
        "languageCode": contact["language"],
        "timeZone": contact["time_zone"],
        "externalCustomerId": contact["external_id"],
    }
    named = {"id": contact["contact_id"], "firstName": contact["first_name"], "lastName": contact["last_name"]}
    sent = {key: value for key, value in {**named, **(more if full else {})}.items() if value is not None}
    told = ("id", "name", "value") if full else ("id", "value")
    lives = {"address": contact["address"]} if contact["address"] else {}
    return {
        **sent,
        **lives,
        "channels": [_channel_out(one, full=full) for one in contact["channels"]],
        "fields": [{key: one[key] for key in told} for one in contact["values"]],
        "groups": [group_out(one["id"], one["name"]) for one in contact["groups"]],
        "addressBookId": ADDRESS_BOOK,
    }


def _channel_out(channel: dict[str, Any], *, full: bool) -> dict[str, Any]:
    """Return a channel; of one that is closed, since when, why, and who told."""
    shown = {"type": channel["type"], "value": channel["value"]}
    if not full:
        return shown
    names = {"device": "device", "closed_at": "closedAt", "closed_for": "closedFor", "closed_by": "closedBy"}
    return {**shown, **{told: channel[key] for key, told in names.items() if channel.get(key) is not None}}


def orders_info(orders: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a contact is told of its orders, if it has any.

    :param orders: as ``contacts.orders.count_orders`` returns them
    """
    if orders is None:
        return {}
    return {"ordersInfo": {"lastDate": orders["last"].isoformat(), "count": orders["count"]}}


def group_out(group_id: int, name: str) -> dict[str, Any]:
    """Return a group in the form of ``GET /api/v1/groups``; contacts are put into it, so it is static."""
    return {"id": group_id, "name": name, "type": "Static"}


def category_out(group_id: int, name: str) -> dict[str, Any]:
    """Return a category that contacts subscribe to; it is a group, and its key is the group's name."""
    return {"id": group_id, "key": name, "groupId": group_id, "name": name}


def address_book_out(fields: Sequence[contacts.Field]) -> dict[str, Any]:
    """Return the additional fields in the form of ``GET /api/v1/addressbooks``: one book, one group."""
    listed = [
        {
            "id": one.field_id,
            "name": one.name,
            "fieldKey": field_key(one.name),
            "description": {"type": one.type, "required": False, "readonly": False},
        }
        for one in fields
    ]
    group = {"name": "Additional fields", "profileKey": PROFILE_KEY, "fields": listed}
    return {"addressBook": {"addressBookId": ADDRESS_BOOK, "name": "Contacts", "fieldGroups": [group]}}


def field_key(name: str) -> str:
    """Return the key of an additional field."""
    return "".join(letter if letter.isalnum() else "_" for letter in name).upper()


def failures_out(failures: Sequence[Rejected]) -> list[dict[str, Any]]:
    """Return refused contacts of a bulk request: their position from 0 and the reason, no value."""
    return [{"position": one.row, "place": one.place, "message": one.reason} for one in failures]


def import_out(status: ImportStatus) -> dict[str, Any]:
    """Return the status of a bulk request or a file; the counts are ours."""
    return {
        "asyncSessionId": status.session_id,
        "status": _STATUSES[status.state],
        "timestamp": status.changed_at.isoformat(),
        "total": status.total,
        "created": status.inserted,
        "updated": status.updated,
        "unchanged": status.unchanged,
        "failed": status.failed,
        "failedContacts": failures_out(status.failures),
    }
