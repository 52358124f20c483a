"""The queue of bulk requests: they are carried out in order of arrival, also after a restart.

The request and its state live in one row, and the contacts are written in the transaction that marks it finished: a
server that dies in between leaves the request queued and the contacts untouched.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from promo_campaigns.contacts.bulk_store import put_contacts
from promo_campaigns.contacts.import_request import MOST_CONTACTS, ContactImport, ImportStatus
from promo_campaigns.contacts.store import list_fields
from promo_campaigns.model.contact_rules import clean_values
from promo_campaigns.model.contacts import Rejected, Row
from promo_campaigns.model.errors import ContactError, StoreUnavailableError
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from promo_campaigns.model.contacts import Matching
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_LOCK = 0x494D504F5254  # "IMPORT": one import of one database at a time


def accept_import(
    connection: Connection,
    request: ContactImport,
    *,
    total: int,
    failures: Sequence[Rejected],
    session_id: UUID | None = None,
) -> str:
    """Queue a request; return its session id.

    :param total: contacts in the request as it came
    :param failures: contacts refused at once
    :param session_id: that of the file which it is a part of; None for one of its own
    """
    row = connection.execute(
        _SQL["accept_import"],
        {
            "acceptable": bool(request.rows),
            "request": Jsonb(request.as_dict()),
            "total": total,
            "failures": Jsonb([_failure(one) for one in failures]),
            "session_id": session_id,
        },
    ).fetchone()
    return str(row["session_id"]) if row else ""


def accept_rows(connection: Connection, read: Iterable[Row | Rejected], matching: Matching) -> str:
    """Queue the rows of a file, in parts of one session, all of them or none; return its id, empty without a row.

    :param read: the rows, and those that are refused at once, by their numbers
    """
    session_id, pending = uuid4(), iter(read)
    begun = False
    with connection.transaction():
        while part := list(islice(pending, MOST_CONTACTS)):
            begun = True
            request = ContactImport([one for one in part if isinstance(one, Row)], matching)
            refused = [one for one in part if isinstance(one, Rejected)]
            accept_import(connection, request, total=len(part), failures=refused, session_id=session_id)
    return str(session_id) if begun else ""


def run_next_import(connection: Connection, *, refuse_held: bool = False) -> bool:
    """Carry out the oldest request; return whether there may be another.

    A request that can never be carried out is marked as failed.

    :param refuse_held: refuse contacts that are locked, so that the others and later requests are carried out
    :raises StoreUnavailableError: it could not be done now; it stays queued
    :raises LockNotAvailable: (of the driver) a contact of it is locked; it stays queued and locks nothing
    """
    taken: int | None = None
    try:
        with connection.transaction():
            waiting = _next_import(connection)
            if waiting is None:
                return False
            taken = waiting["contact_import_id"]
            _carry_out(connection, waiting, refuse_held=refuse_held)
    except StoreUnavailableError:
        raise
    except (ContactError, LookupError, TypeError, ValueError):
        connection.execute(_SQL["fail_import"], {"contact_import_id": taken})
    return True


def _next_import(connection: Connection) -> dict[str, Any] | None:
    lock = connection.execute(_SQL["lock_imports"], {"key": _LOCK}).fetchone()
    if not lock or not lock["alone"]:
        return None
    return connection.execute(_SQL["next_import"]).fetchone()


def _carry_out(connection: Connection, waiting: Mapping[str, Any], *, refuse_held: bool) -> None:
    request = ContactImport.from_dict(waiting["request"])
    failures: list[Rejected] = []
    types = {field.field_id: field.type for field in list_fields(connection)}
    rows = _checked(request.rows, types, failures)
    report = put_contacts(
        connection,
        rows,
        request.matching,
        rejects_listed=len(request.rows),
        patience_s=0.0 if refuse_held else None,
    )
    connection.execute(
        _SQL["finish_import"],
        {
            "contact_import_id": waiting["contact_import_id"],
            "inserted": report.inserted,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "failures": Jsonb([_failure(one) for one in [*failures, *report.rejects]]),
        },
    )


def _checked(rows: Sequence[Row], types: Mapping[int, str], failures: list[Rejected]) -> Iterator[Row]:
    for row in rows:
        try:
            clean_values(row.contact.values, types)
        except ContactError as error:
            failures.append(Rejected(row.number, error.place, error.problem))
            continue
        yield row


def read_import(connection: Connection, session_id: str) -> ImportStatus | None:
    """Return the status of a request, or None if there is no such session."""
    try:
        wanted = UUID(session_id)
    except ValueError:
        return None
    row = connection.execute(_SQL["read_import"], {"session_id": wanted}).fetchone()
    if row is None:
        return None
    told = {"session_id": wanted, "limit": MOST_CONTACTS}
    failures = connection.execute(_SQL["list_failures"], told).fetchall()
    return ImportStatus(**row, failures=[Rejected(one["row"], one["place"], one["reason"]) for one in failures])


def _failure(one: Rejected) -> dict[str, Any]:
    return {"row": one.row, "place": one.place, "reason": one.reason}
