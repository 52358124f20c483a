"""Reads and writes contacts one by one, and creates fields; ``bulk_store`` writes thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import errors
from psycopg.types.json import Jsonb

from promo_campaigns.contacts.deletion import restore_contact
from promo_campaigns.model.contact_rules import (
    FIELD_TYPES,
    clean_channel_type,
    clean_external_id,
    clean_field_name,
    clean_locator,
)
from promo_campaigns.model.contacts import (
    OTHER_CONTACT,
    UNKNOWN_ZONE,
    WAS_ERASED,
    Contact,
    Field,
    Owner,
    check_identity,
    choose_owner,
)
from promo_campaigns.model.errors import ConfigurationError, ContactError, StoreUnavailableError
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_ERASURE = queries("promo_campaigns.contacts.erasure")
BY_ID, BY_EXTERNAL_ID = "id", "external-id"
COMMON_CHANNELS = ("email", "sms", "mobilepush")
_LAST_ID = 2**63 - 1
TRIES = 8
"""How often a write that lost against another writer is tried before the caller is told to come back later."""


def put_contact(connection: Connection, contact: Contact) -> int:
    """Create the contact, or update the one that holds an identifier of it; return its id.

    A contact that is found keeps values that are not sent. One statement reads and one writes, so no reader sees half.

    :param contact: cleaned by the rules of ``model.contact_rules``; its field values are checked by ``clean_values``
    :raises ContactError: its identifiers belong to different contacts, one of them was erased, a field or the time
        zone is unknown, or there is no identifier
    :raises StoreUnavailableError: other writers were faster each time
    """
    check_identity(contact)
    return _written(connection, contact, None)


def update_contact(connection: Connection, contact_id: int, contact: Contact) -> int | None:
    """Update a contact that is named by its own id; return the id, or None if there is no such contact.

    Like ``put_contact``, which also creates contacts; a locator of the contact may be another than before.
    """
    if contact.channels or contact.external_id:
        check_identity(contact)
    found = connection.execute(_SQL["is_there"], {"contact_id": contact_id}).fetchone()
    return None if found is None else _written(connection, contact, contact_id)


def find_owner(connection: Connection, contact: Contact) -> int | None:
    """Return the id of the contact that holds an identifier of this one, also of one that was deleted, or None.

    :raises ContactError: its identifiers belong to different contacts
    """
    found = connection.execute(_SQL["find_owners"], _parameters(contact)).fetchall()
    return choose_owner(contact, [Owner(**row) for row in found])


def _written(connection: Connection, contact: Contact, known_id: int | None) -> int:
    parameters = _parameters(contact)
    for _ in range(TRIES):
        try:
            contact_id = _put_once(connection, contact, parameters, known_id)
        except (errors.UniqueViolation, errors.DeadlockDetected):
            continue
        except errors.InvalidParameterValue as error:
            raise ContactError(UNKNOWN_ZONE, place="timeZone") from error
        except errors.ForeignKeyViolation as error:
            if error.diag.constraint_name == "contact_field_value_contact_field_id_fkey":
                problem = "one of the fields does not exist; create it first"
                raise ContactError(problem, place="fields") from error
            continue
        if contact_id is not None:
            return contact_id
    problem = "another transaction is writing the contact; try again"
    raise StoreUnavailableError(problem)


def _put_once(connection: Connection, contact: Contact, parameters: dict[str, Any], known_id: int | None) -> int | None:
    """Return the contact's id, or None if it was removed meanwhile."""
    found = connection.execute(_SQL["find_owners"], parameters).fetchall()
    owners = [Owner(**row) for row in found]
    contact_id = choose_owner(contact, owners)
    if known_id is not None:
        if contact_id not in {None, known_id}:
            raise ContactError(OTHER_CONTACT)
        contact_id = known_id
    parameters["contact_id"] = contact_id
    if contact_id is not None and any(owner.is_deleted for owner in owners):
        restore_contact(connection, contact_id)
    if contact_id is not None and not _changes_profile(contact, owners):
        # The common case of a campaign: one value for a known contact.
        if contact.values:
            connection.execute(_SQL["put_values"], parameters)
        return contact_id
    _refuse_erased(connection, parameters)
    statement = _SQL["insert_contact" if contact_id is None else "update_contact"]
    row = connection.execute(statement, parameters).fetchone()
    return None if row is None else int(row["contact_id"])


def _refuse_erased(connection: Connection, parameters: dict[str, Any]) -> None:
    erased = connection.execute(_ERASURE["find_erased"], parameters).fetchone()
    if erased is not None:
        place = f"channels[{erased['position'] - 1}]" if erased["position"] else "externalCustomerId"
        raise ContactError(WAS_ERASED, place=place)


def _changes_profile(contact: Contact, owners: Sequence[Owner]) -> bool:
    said = (contact.first_name, contact.last_name, contact.language, contact.time_zone)
    named = any(name is not None for name in said)
    identifiers = len(contact.channels) + (contact.external_id is not None)
    return named or len(owners) < identifiers or not all(owner.as_sent for owner in owners)


def _parameters(contact: Contact) -> dict[str, Any]:
    return {
        "external_id": contact.external_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "language": contact.language,
        "time_zone": contact.time_zone,
        "types": [channel.type for channel in contact.channels],
        "locators": [channel.value for channel in contact.channels],
        "devices": [None if channel.device is None else Jsonb(dict(channel.device)) for channel in contact.channels],
        "field_ids": list(contact.values.keys()),
        "values": list(contact.values.values()),
    }


def read_contacts(connection: Connection, contact_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return the contacts that exist among these ids, in no particular order.

    Each is ``contact_id, external_id, first_name, last_name, language, time_zone, channels: [{type, value, device}],
    values: [{id, name, type, value}]``; a channel that is closed has ``closed_at, closed_for, closed_by`` as well. They
    hold addresses: never log them.
    """
    return connection.execute(_SQL["read_contacts"], {"contact_ids": list(contact_ids)}).fetchall()


def find_contacts(connection: Connection, value: str, *, by: str = "") -> dict[int, list[str]]:
    """Return the ids of contacts that a value names, each with the kinds of name that it is: ``external-id``, ``sms``.

    :param by: ``id``, ``external-id`` or the type of a channel; empty for each that the value can be
    :raises ConfigurationError: the value can be none of that kind
    """
    kinds = [by] if by else [BY_ID, BY_EXTERNAL_ID, *COMMON_CHANNELS]
    names = {kind: name for kind in kinds if (name := _cleaned(kind, value, strict=bool(by))) is not None}
    channels = [kind for kind in names if kind not in {BY_ID, BY_EXTERNAL_ID}]
    asked = {
        "external_id": names.get(BY_EXTERNAL_ID),
        "types": channels,
        "locators": [names[kind] for kind in channels],
        "devices": [None for _ in channels],
    }
    found: dict[int, list[str]] = {}
    if BY_ID in names:
        found = {one["contact_id"]: [BY_ID] for one in read_contacts(connection, [int(names[BY_ID])])}
    for row in connection.execute(_SQL["find_owners"], asked).fetchall():
        ways = found.setdefault(row["contact_id"], [])
        ways.append(channels[row["position"] - 1] if row["position"] else BY_EXTERNAL_ID)
    return found


def _cleaned(kind: str, value: str, *, strict: bool) -> str | None:
    """Return a value as the store keeps a name of some kind; None if it cannot be one."""
    try:
        if kind == BY_ID:
            return str(_contact_id(value))
        return clean_external_id(value) if kind == BY_EXTERNAL_ID else clean_locator(clean_channel_type(kind), value)
    except ValueError as error:
        if strict:
            msg = f"this can be no {kind}: {error}"
            raise ConfigurationError(msg) from error
        return None


def _contact_id(text: str) -> int:
    """Return a contact's own id.

    :raises ValueError: it is none
    """
    value = text.strip()
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value[:20]) <= _LAST_ID:
        msg = "not a contact id"
        raise ValueError(msg)
    return int(value)


def list_fields(connection: Connection) -> list[Field]:
    """Return the additional fields, ordered by id."""
    return [Field(**row) for row in connection.execute(_SQL["list_fields"]).fetchall()]


def create_field(
    connection: Connection, name: str, field_type: str, *, field_id: int | None = None, description: str = ""
) -> Field:
    """Create an additional field, or return the one that is there under this name.

    :param name: compared without regard to case
    :param field_type: one of ``model.contacts.FIELD_TYPES``
    :param field_id: numeric id to give it; None for the next free one
    :raises ConfigurationError: the name or the type is invalid, or another field has the name or the id
    """
    try:
        name = clean_field_name(name)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    if field_type not in FIELD_TYPES:
        problem = f"a field has one of the types {', '.join(FIELD_TYPES)}"
        raise ConfigurationError(problem)
    wanted = {"name": name, "type": field_type, "field_id": field_id, "description": description}
    with connection.transaction():
        connection.execute(_SQL["lock_fields"])
        existing = connection.execute(_SQL["find_field"], wanted).fetchone()
        if existing is not None:
            return _same_field(Field(**existing), wanted)
        connection.execute(_SQL["insert_field"], wanted)
        connection.execute(_SQL["pass_field_ids"])
        return Field(**connection.execute(_SQL["find_field"], wanted).fetchall()[0])


def _same_field(existing: Field, wanted: dict[str, Any]) -> Field:
    if existing.name.lower() != wanted["name"].lower():
        problem = f"id {existing.field_id} belongs to the field {existing.name!r}; choose another id, or none"
        raise ConfigurationError(problem)
    if wanted["field_id"] not in {None, existing.field_id}:
        problem = f"the field {existing.name!r} has the id {existing.field_id}, which cannot be changed"
        raise ConfigurationError(problem)
    if existing.type != wanted["type"]:
        problem = f"the field {existing.name!r} has the type {existing.type}, which cannot be changed"
        raise ConfigurationError(problem)
    return existing
