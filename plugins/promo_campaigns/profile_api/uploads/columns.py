"""The columns of a file of contacts as the vendor names them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from promo_campaigns.contacts.file import CHANNELS, COLUMNS, ContactLayout, FileColumn
from promo_campaigns.model.contact_rules import clean_address_part, clean_field_id
from promo_campaigns.model.contacts import ADDRESS_PARTS, Matching, check_recognisable
from promo_campaigns.profile_api.bulk import BY_ID
from promo_campaigns.profile_api.models import PROFILE_KEY, field_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.contacts import Contact, Field

_NAMES = {
    "First name": "firstName",
    "Last name": "lastName",
    "Language code": "language",
    "Timezone": "timeZone",
    "externalCustomerId": "externalId",
}
"""The vendor's names of columns that our own files have by another name; the last one is ours."""
_PARTS = dict(zip(("Region", "City", "Address", "Postcode"), ADDRESS_PARTS, strict=True))
_OWN = {column.key: column for column in COLUMNS}


def upload_layout(file: str, fields: Sequence[Field], matching: Matching, named: str) -> ContactLayout:
    """Return what a file may hold; other columns are passed over, as the vendor does.

    An additional field is a column by its name, or by its keys in ``addressbooks``: ``ADDITIONAL.PROMO_CODE``.

    :param named: what ``dedupeOn`` says
    """

    def identify(contact: Contact, contact_id: int | None) -> int | None:
        known_id = contact_id if named == BY_ID and not contact.external_id else None
        check_recognisable(contact, known_id, matching, named)
        return known_id

    keyed = [replace(one, name=f"{PROFILE_KEY}.{field_key(one.name)}") for one in fields]
    return ContactLayout(file, [*fields, *keyed], built_in=_columns(), skips_unknown=True, identify=identify)


def _columns() -> list[FileColumn]:
    return [
        *(replace(_OWN[key], name=name) for name, key in _NAMES.items()),
        *(_OWN[channel] for channel in CHANNELS),
        *(FileColumn(name, part, clean_address_part) for name, part in _PARTS.items()),
        FileColumn("Contact ID", "contactId", _contact_id, is_identity=True),
    ]


def _contact_id(text: str) -> str:
    try:
        return str(clean_field_id(text.strip()))
    except ValueError:
        msg = "the id of a contact is a whole number above 0"
        raise ValueError(msg) from None
