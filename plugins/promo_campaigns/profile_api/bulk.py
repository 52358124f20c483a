"""Turns a bulk request into an import: how contacts are recognised, and which of their values are written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from promo_campaigns.contacts.import_request import ContactImport
from promo_campaigns.model.contact_rules import clean_values
from promo_campaigns.model.contacts import Matching, Rejected, Row, check_recognisable
from promo_campaigns.model.errors import ContactError
from promo_campaigns.profile_api.models import BulkIn, ContactIn
from promo_campaigns.profile_api.requests import RequestError, problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

BY_ID = "id"
CHANNELS_OF: Mapping[str, tuple[str, ...]] = {
    "email": ("email",),
    "sms": ("sms",),
    "email_or_sms": ("email", "sms"),
    BY_ID: (),
    "fieldId": (),
    "externalCustomerId": (),
}
"""Types of the channels that name a contact, by what ``dedupeOn`` says."""


def bulk_request(
    sent: BulkIn, types: Mapping[int, str], groups: tuple[Sequence[int], Sequence[int]] = ((), ())
) -> tuple[ContactImport, list[Rejected]]:
    """Return the import, and the contacts that are refused at once.

    :param types: type by id of the additional fields that exist
    :param groups: ids of the groups that the contacts are put into, and of those that they are taken out of
    :raises RequestError: 400, the request as a whole cannot be carried out
    """
    if sent.dedupeOn not in CHANNELS_OF:
        _refuse("dedupeOn", f"one of {', '.join(CHANNELS_OF)} is needed")
    if (sent.fieldId is None) == (sent.dedupeOn == "fieldId"):
        _refuse("fieldId", "it goes with dedupeOn fieldId, and only with it")
    matching = _matching(sent, groups)
    written = {*sent.customFieldsIDs, *([sent.fieldId] if sent.fieldId else [])}
    for field_id in sorted(written):
        if field_id not in types:
            _refuse("customFieldsIDs", "one of the fields does not exist; create it first")
    writable = {key: types[key] for key in written}
    tried = [_try_row(position, raw, sent.dedupeOn, matching, writable) for position, raw in enumerate(sent.contacts)]
    rows = [one for one in tried if isinstance(one, Row)]
    failures = [one for one in tried if isinstance(one, Rejected)]
    return ContactImport(rows, matching), failures


def _matching(sent: BulkIn, groups: tuple[Sequence[int], Sequence[int]]) -> Matching:
    return Matching(
        channels=CHANNELS_OF[sent.dedupeOn],
        field_id=sent.fieldId,
        listed=tuple(sent.contactFields) if sent.contactFields else None,
        row_noun="position",
        restores=bool(sent.restoreDeleted),
        joins=tuple(groups[0]),
        leaves=tuple(groups[1]),
        event_type=sent.eventKeyForNewContacts or "",
    )


def _refuse(place: str, message: str) -> None:
    raise RequestError(400, "the request is not valid", [{"place": place, "message": message}])


def _try_row(
    position: int, raw: Mapping[str, Any], named: str, matching: Matching, types: Mapping[int, str]
) -> Row | Rejected:
    try:
        return _row(position, raw, named, matching, types)
    except ContactError as error:
        return Rejected(position, error.place, error.problem)


def _row(position: int, raw: Mapping[str, Any], named: str, matching: Matching, types: Mapping[int, str]) -> Row:
    try:
        one = ContactIn.model_validate(raw)
    except ValidationError as error:
        first = problems(error)[0]
        raise ContactError(first["message"], place=first["place"]) from None
    whole = one.contact()
    # Additional fields are written only if they are listed.
    values = clean_values({key: value for key, value in whole.values.items() if key in types}, types)
    contact = replace(whole, values=values)
    contact_id = one.id if named == BY_ID and not contact.external_id else None
    check_recognisable(contact, contact_id, matching, named)
    return Row(position, contact, contact_id)
