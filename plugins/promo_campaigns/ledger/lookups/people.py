"""Who got which code: by run, by contact, by code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
NEWEST = 2**63 - 1
WINDOW = 50_000
"""Contacts of a run that are looked at for a page of those in one state, so that a rare state costs a page no more."""
_HOLDERS = 100
_FOUND = 50
_LARGEST_ID = 2**63 - 1

Row = dict[str, Any]


def list_people(
    connection: Connection, run_id: int, *, state: str = "", after: int = 0, limit: int = 50
) -> tuple[list[Row], int | None]:
    """Return the next contacts of a run: contact_id, state, reason, code, sent_at, attempts, last_status.

    :param state: of those in this state only
    :param after: the last contact of the page before
    :return: the page, and after whom the next one begins, None if this was the last. A page may be empty and not the
        last one, where none of so many contacts is in the state.
    """
    asked = {"run_id": run_id, "after": after, "limit": limit, "state": state, "window": WINDOW}
    query = "list_people_in_state" if state else "list_people"
    rows = connection.execute(_SQL[query], asked).fetchall()
    if len(rows) == limit:
        return rows, rows[-1]["contact_id"]
    if not state:
        return rows, None
    end = connection.execute(_SQL["last_looked_at"], asked).fetchone()
    return rows, end["contact_id"] if end else None


def read_person(connection: Connection, run_id: int, contact_id: int) -> Row | None:
    """Return a contact of a run as ``list_codes`` shows it; None if it is not in it."""
    return connection.execute(_SQL["read_person"], {"run_id": run_id, "contact_id": contact_id}).fetchone()


def list_attempts(connection: Connection, run_id: int, contact_id: int) -> list[Row]:
    """Return every call that was made for a contact: at, finished_at, purpose, outcome, detail, source."""
    return connection.execute(_SQL["list_attempts"], {"run_id": run_id, "contact_id": contact_id}).fetchall()


def list_codes(connection: Connection, contact_id: int, *, before: int = NEWEST, limit: int = 50) -> list[Row]:
    """Return the runs that a contact was in, newest first, each with the code it was given.

    :param before: the last run of the page before
    """
    asked = {"contact_id": contact_id, "before": before, "limit": limit}
    return connection.execute(_SQL["list_codes_of_contact"], asked).fetchall()


def find_code(connection: Connection, code: str) -> tuple[Row, list[Row]] | None:
    """Return a code, whatever its letter case, and the newest runs in which its contact was given it.

    :return: None if there is no such code in the store
    """
    found = connection.execute(_SQL["find_code"], {"code": code.strip()}).fetchone()
    if found is None:
        return None
    asked = {"contact_id": found["held_by"], "promo_code_id": found["promo_code_id"], "limit": _HOLDERS}
    return found, connection.execute(_SQL["list_holders"], asked).fetchall()


def find_contacts(connection: Connection, text: str) -> list[Row]:
    """Return the contacts that have a text as their id, external id, or locator of any channel.

    :return: contact_id, external_id, erased, and the type and value of the channel that was found
    """
    text = text.strip()
    is_id = text.isdecimal() and text.isascii() and int(text) <= _LARGEST_ID
    asked = {"text": text, "contact_id": int(text) if is_id else None, "limit": _FOUND}
    return connection.execute(_SQL["find_contacts"], asked).fetchall()


def read_code(connection: Connection, run_id: int, contact_id: int) -> Row | None:
    """Return the key of a run, and the code that a contact holds in it or None; None if the contact is not in it."""
    return connection.execute(_SQL["read_code"], {"run_id": run_id, "contact_id": contact_id}).fetchone()
