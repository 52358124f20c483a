"""Writes thousands of contacts: COPY into staging tables, then a fixed number of statements for each lot.

A lot is small, so it locks its contacts for a short time only: other writers wait for one lot, never for a file. A
contact that another transaction has locked is taken out of its lot and tried again later.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg import errors
from psycopg.types.json import Jsonb

from promo_campaigns.contacts.store import TRIES
from promo_campaigns.model.contacts import (
    ADDRESS_PARTS,
    HELD_BY_OTHERS,
    OTHER_CONTACT,
    OTHER_EXTERNAL_ID,
    UNKNOWN_ZONE,
    WAS_DELETED,
    WAS_ERASED,
    BatchReport,
    Matching,
    Rejected,
)
from promo_campaigns.model.errors import StoreUnavailableError
from promo_campaigns.postgres.pooler import one_session
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from promo_campaigns.model.contacts import Row
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_LOT = 500
_LOT_WAITS = "200ms"
_PART_WAITS = "20ms"
"""Halves of a lot that met a lock wait shorter, since there may be many of them."""
_ROUND_S = 0.5
_ALL_ROWS = (0, 2**63 - 1)
REJECTS_LISTED = 1_000
"""A report spells out so many refusals and counts the others."""
PATIENCE_S = 30.0
"""How long a load comes back to a contact that others hold."""


class _Lot(NamedTuple):
    """A range of rows: the numbers of the first and the last one."""

    first: int
    last: int


def put_contacts(
    connection: Connection,
    rows: Iterable[Row],
    matching: Matching | None = None,
    *,
    rejects_listed: int = REJECTS_LISTED,
    patience_s: float | None = PATIENCE_S,
) -> BatchReport:
    """Create or update all the contacts, in lots and with bounded memory.

    Nothing is written before the last row was read. Then each lot is a transaction of its own, unless the caller has
    opened one, or a pooler keeps no session for longer; loading the same rows again completes a load that broke off.
    A contact that is found keeps values that are not sent. A row is refused, and the others are written, if it names
    two contacts, the contact of an earlier row, or an erased one, or if its contact stays locked for longer than
    ``patience_s``.

    :param rows: cleaned by the rules of ``model.contact_rules``; consumed once
    :param rejects_listed: how many refusals the report spells out
    :param patience_s: 0 or more; None to raise ``LockNotAvailable`` at the first contact that is locked
    :raises StoreUnavailableError: other writers were faster each time; the lots before are written
    """
    load = _Load(connection, matching or Matching())
    with one_session(connection):
        with connection.transaction():
            lots = load.stage(rows)
        held = [part for lot in lots for part in load.write(lot, _LOT_WAITS, apart=patience_s is not None)]
        load.write_held(held, patience_s or 0.0)
        return load.report(rejects_listed)


class _Load:
    """One load: its staging tables and their lots."""

    def __init__(self, connection: Connection, matching: Matching) -> None:
        self._connection = connection
        self._matching = matching
        self._parameters = {
            "field_id": matching.field_id,
            "listed": None if matching.listed is None else list(matching.listed),
            "same_contact": f"the same contact as in {matching.row_noun} ",
            "other_contact": OTHER_CONTACT,
            "other_external_id": OTHER_EXTERNAL_ID,
            "was_erased": WAS_ERASED,
            "was_deleted": WAS_DELETED,
            "joins": list(self._matching.joins),
            "leaves": list(self._matching.leaves),
            "event_type": self._matching.event_type,
            "unknown_zone": UNKNOWN_ZONE,
            "held": HELD_BY_OTHERS,
        }

    def stage(self, rows: Iterable[Row]) -> list[_Lot]:
        """Copy the rows, find their contacts and the rows that repeat an earlier one; return the lots."""
        self._connection.execute(_SQL["create_stage"])
        lots = []
        pending = iter(rows)
        while part := list(islice(pending, _LOT)):
            _stage(self._connection, part, self._matching)
            lots.append(_Lot(part[0].number, part[-1].number))
        self._connection.execute(_SQL["index_stage"])
        self._run(_matching_steps(self._matching), _Lot(*_ALL_ROWS))
        if self._run(["refuse_twins"], _Lot(*_ALL_ROWS)):
            self._let_in()
        self._connection.execute(_SQL["analyze_stage"])
        return lots

    def write(self, lot: _Lot, lock_wait: str, *, apart: bool) -> Iterator[_Lot]:
        """Write a lot without the rows whose contacts are locked; return those rows.

        :param apart: take such rows out; otherwise ``LockNotAvailable`` is raised
        """
        try:
            self._write_among_rivals(lot, lock_wait)
        except errors.LockNotAvailable:
            if not apart:
                raise
            if lot.first == lot.last:
                yield lot
                return
            middle = (lot.first + lot.last) // 2
            for part in (_Lot(lot.first, middle), _Lot(middle + 1, lot.last)):
                yield from self.write(part, _PART_WAITS, apart=True)

    def write_held(self, held: Sequence[_Lot], patience_s: float) -> None:
        """Try rows with locked contacts again, with pauses in which this load locks nothing; then refuse them."""
        give_up = time.monotonic() + patience_s
        while held and (left_s := give_up - time.monotonic()) > 0:
            time.sleep(min(_ROUND_S, left_s))
            held = [one for lot in held for one in self.write(lot, _PART_WAITS, apart=True)]
        for lot in held:
            self._run(["refuse_held"], lot)

    def report(self, rejects_listed: int) -> BatchReport:
        """Return the report, and drop the staging tables."""
        counts = self._connection.execute(_SQL["count_outcomes"]).fetchone()
        rejects = self._connection.execute(_SQL["list_rejects"], {"limit": rejects_listed}).fetchall()
        self._connection.execute(_SQL["drop_stage"])
        return BatchReport(
            **(counts or {}),
            rejects=[Rejected(row["row_number"], row["place"], row["refused_for"]) for row in rejects],
        )

    def _write_among_rivals(self, lot: _Lot, lock_wait: str) -> None:
        # A contact that did not exist when the rows were read may exist by now.
        matching = ["match_external_ids", "match_channels"]
        for _ in range(TRIES):
            try:
                with self._connection.transaction():
                    self._connection.execute(_SQL["limit_lock_wait"], {"lock_wait": lock_wait})
                    self._run([*matching, "refuse_lot_twins", *_writing_steps(self._matching)], lot)
            except (errors.UniqueViolation, errors.ForeignKeyViolation, errors.DeadlockDetected):
                # The contacts found earlier may have changed since.
                matching = ["forget_matches", *_matching_steps(self._matching)]
                continue
            return
        problem = "other transactions are writing these contacts; try again"
        raise StoreUnavailableError(problem)

    def _let_in(self) -> None:
        """Let in the twins of rows that are refused themselves, in the order of their numbers; few files have any."""
        taken: dict[tuple[str, str], int] = {}
        twins: list[tuple[int, str | None, int | None]] = []
        for row in self._connection.execute(_SQL["list_shadowed"], self._parameters):
            identities = list(zip(row["places"], row["keys"], strict=True))
            found = min(((taken[one], one[0]) for one in identities if one in taken), default=None)
            if found is None:
                taken.update(dict.fromkeys(identities, row["row_number"]))
            twins.append((row["row_number"], found and found[1], found and found[0]))
        columns = [list(column) for column in zip(*twins, strict=True)] or [[], [], []]
        values = dict(zip(("rows", "places", "first_rows"), columns, strict=True))
        self._connection.execute(_SQL["let_in"], self._parameters | values)

    def _run(self, steps: Iterable[str], lot: _Lot) -> int:
        """Run statements on a lot; return how many rows they changed."""
        parameters = {**self._parameters, "first": lot.first, "last": lot.last}
        return sum(self._connection.execute(_SQL[name], parameters).rowcount for name in steps)


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
        if addresses := list(_addresses(rows, matching)):
            with cursor.copy(_SQL["copy_addresses"]) as copy:
                for address in addresses:
                    copy.write_row(address)


def _addresses(rows: Sequence[Row], matching: Matching) -> Iterator[tuple[Any, ...]]:
    """Return the addresses to write: with a list, the listed parts of each row, and of no other part anything."""
    listed = ADDRESS_PARTS if matching.listed is None else tuple(set(ADDRESS_PARTS) & set(matching.listed))
    for row in rows:
        if listed and (row.contact.address or matching.listed is not None):
            yield row.number, *(row.contact.address.get(part) if part in listed else None for part in ADDRESS_PARTS)


def _channels(rows: Sequence[Row], matching: Matching) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        for position, channel in enumerate(row.contact.channels):
            names_contact = matching.channels is None or channel.type in matching.channels
            device = None if channel.device is None else Jsonb(dict(channel.device))
            yield row.number, position, names_contact, channel.type, channel.value, device


def _matching_steps(matching: Matching) -> Iterator[str]:
    yield from ("match_given_ids", "match_external_ids")
    if matching.field_id is not None:
        yield "match_field_values"
    yield "match_channels"


def _writing_steps(matching: Matching) -> Iterator[str]:
    if matching.listed is not None:
        yield "drop_unlisted_channels"
    yield from ("refuse_foreign_channels", "refuse_erased", "refuse_zones")
    yield "restore_deleted" if matching.restores else "refuse_deleted"
    yield from ("insert_contacts", "update_contacts")
    if matching.listed is not None:
        yield "empty_listed_channels"
    yield from ("update_channels", "insert_channels", "delete_values", "upsert_values", "put_addresses")
    if matching.joins:
        yield "join_groups"
    if matching.leaves:
        yield "leave_groups"
    if matching.event_type:
        yield "add_events"
