"""Loads a contact file into the store."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, BinaryIO

from promo_campaigns.contacts.bulk_store import REJECTS_LISTED, put_contacts
from promo_campaigns.contacts.file import ContactFileReport, read_contacts
from promo_campaigns.contacts.store import list_fields
from promo_campaigns.model.contacts import Matching, Rejected, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection


def load_contact_file(connection: Connection, stream: BinaryIO, *, file: str, sheet: str = "") -> ContactFileReport:
    """Load a contact file in lots and with bounded memory; the same file again changes nothing.

    Nothing is written unless the whole file can be read. A load that breaks off later is completed by the same file.

    :param stream: see ``contacts.file.read_contacts``
    :param file: base name of the file, for the report and errors
    :param sheet: the sheet of a workbook to read; empty for its only one
    :raises ContactFileError: it is no contact file; nothing was loaded
    :raises StoreUnavailableError: rivals were faster each time; load the file again to complete it
    """
    sieve = _Sieve()
    rows = sieve.accept(read_contacts(stream, file=file, fields=list_fields(connection), sheet=sheet))
    report = put_contacts(connection, rows, Matching(row_noun="line"))
    return ContactFileReport(
        file=file,
        rows=sieve.rows,
        inserted=report.inserted,
        updated=report.updated,
        unchanged=report.unchanged,
        rejected=report.rejected + sieve.rejected,
        rejects=list(merge(sieve.rejects, report.rejects, key=lambda one: one.row))[:REJECTS_LISTED],
    )


class _Sieve:
    """Passes rows on, and counts and keeps refusals."""

    def __init__(self) -> None:
        self.rows = 0
        self.rejected = 0
        self.rejects: list[Rejected] = []

    def accept(self, read: Iterator[Row | Rejected]) -> Iterator[Row]:
        for one in read:
            self.rows += 1
            if isinstance(one, Row):
                yield one
                continue
            self.rejected += 1
            if self.rejected <= REJECTS_LISTED:
                self.rejects.append(one)
