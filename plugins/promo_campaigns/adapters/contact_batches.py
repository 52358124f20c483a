"""Contacts in the store, thousands at a time: COPY into staging tables, then a fixed number of statements."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from psycopg import errors
from psycopg.types.json import Jsonb

from promo_campaigns.adapters.contacts import TRIES
from promo_campaigns.core.contacts import OTHER_CONTACT, OTHER_EXTERNAL_ID, WAS_ERASED, BatchReport, Matching, Rejected
from promo_campaigns.core.errors import StoreUnavailable
from promo_campaigns.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from promo_campaigns.adapters.postgres import Connection
    from promo_campaigns.core.contacts import Row

_SQL = queries("contact_batch")
_SLICE = 5_000
REJECTS_LISTED = 1_000
"""A report spells out so many refusals and counts the others."""


def put_contacts(
    connection: Connection,
    rows: Iterable[Row],
    matching: Matching | None = None,
    *,
    rejects_listed: int = REJECTS_LISTED,
) -> BatchReport:
    """Create or update all the contacts, in one transaction and with bounded memory.

    A contact that is found keeps what is not sent. A row that names two contacts, the contact of an earlier row, or one
    that was erased, is refused and the others are written.

    :param rows: cleaned by the rules of ``core.contact_rules``; consumed once
    :param rejects_listed: how many refusals the report spells out
    :raises StoreUnavailable: rivals were faster each time; nothing was written
    """
    matching = matching or Matching()
    with connection.transaction():
        connection.execute(_SQL["create_stage"])
        pending = iter(rows)
        while part := list(islice(pending, _SLICE)):
            _stage(connection, part, matching)
        connection.execute(_SQL["analyze_stage"])
        _merge_among_rivals(connection, matching)
        counts = connection.execute(_SQL["count_outcomes"]).fetchone()
        rejects = connection.execute(_SQL["list_rejects"], {"limit": rejects_listed}).fetchall()
    return BatchReport(
        **(counts or {}),
        rejects=[Rejected(row["row_number"], row["place"], row["verdict"]) for row in rejects],
    )


def _stage(connection: Connection, rows: Sequence[Row], matching: Matching) -> None:
    with connection.cursor() as cursor:
        with cursor.copy(_SQL["copy_contacts"]) as copy:
            for row in rows:
                one = row.contact
                names = (one.external_id, one.first_name, one.last_name, one.language, one.time_zone)
                copy.write_row((row.number, row.contact_id, *names))
        with cursor.copy(_SQL["copy_channels"]) as copy:
            for channel in _channels(rows, matching):
                copy.write_row(channel)
        with cursor.copy(_SQL["copy_values"]) as copy:
            for row in rows:
                for field_id, value in row.contact.values.items():
                    copy.write_row((row.number, field_id, value))


def _channels(rows: Sequence[Row], matching: Matching) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        for position, channel in enumerate(row.contact.channels):
            names_contact = matching.channels is None or channel.type in matching.channels
            device = None if channel.device is None else Jsonb(dict(channel.device))
            yield row.number, position, names_contact, channel.type, channel.value, device


def _merge_among_rivals(connection: Connection, matching: Matching) -> None:
    for _ in range(TRIES):
        try:
            with connection.transaction():
                _merge(connection, matching)
        except (errors.UniqueViolation, errors.ForeignKeyViolation, errors.DeadlockDetected):
            continue
        return
    problem = "the contacts are being written by others; try again"
    raise StoreUnavailable(problem)


def _merge(connection: Connection, matching: Matching) -> None:
    parameters = {
        "field_id": matching.field_id,
        "listed": None if matching.listed is None else list(matching.listed),
        "same_contact": f"the same contact as in {matching.row_noun} ",
        "other_contact": OTHER_CONTACT,
        "other_external_id": OTHER_EXTERNAL_ID,
        "was_erased": WAS_ERASED,
    }
    for name in _steps(matching):
        connection.execute(_SQL[name], parameters)


def _steps(matching: Matching) -> Iterator[str]:
    yield from ("match_given_ids", "match_external_ids")
    if matching.field_id is not None:
        yield "match_field_values"
    yield from ("match_channels", "judge_twins")
    if matching.listed is not None:
        yield "drop_unlisted_channels"
    # By now each row has its contact or its refusal, of which the planner knew nothing.
    yield from ("judge_foreign_channels", "judge_erased", "insert_contacts", "analyze_stage", "update_contacts")
    if matching.listed is not None:
        yield "empty_listed_channels"
    yield from ("update_channels", "insert_channels", "delete_values", "upsert_values")
