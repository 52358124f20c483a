"""Loads a contact file into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from promo_campaigns.contacts.bulk_store import put_contacts
from promo_campaigns.contacts.file import ContactFileReport, ContactRows
from promo_campaigns.contacts.store import list_fields
from promo_campaigns.model.contacts import Matching, Row
from promo_campaigns.model.load_report import Rejects, group_rejects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from promo_campaigns.model.contacts import Rejected
    from promo_campaigns.postgres.connection import Connection


def load_contact_file(connection: Connection, stream: BinaryIO, *, file: str, sheet: str = "") -> ContactFileReport:
    """Load a contact file in lots and with bounded memory; the same file again changes nothing.

    Nothing is written unless the whole file can be read. A load that breaks off later is completed by the same file.

    :param stream: see ``contacts.file.ContactRows``
    :param file: base name of the file, for the report and errors
    :param sheet: the sheet of a workbook to read; empty for its only one
    :raises ContactFileError: it is no contact file; nothing was loaded
    :raises StoreUnavailableError: rivals were faster each time; load the file again to complete it
    """
    read = ContactRows(stream, file=file, fields=list_fields(connection), sheet=sheet)
    sieve = _Sieve()
    report = put_contacts(connection, sieve.accept(read), Matching(row_noun=read.row_noun))
    refused_by_file = sieve.rejects.count
    sieve.refuse(report.rejects)
    return ContactFileReport(
        file=file,
        rows=sieve.rows,
        inserted=report.inserted,
        updated=report.updated,
        unchanged=report.unchanged,
        rejected=report.rejected + refused_by_file,
        rejects=sieve.rejects.kept,
        rejected_by_reason=tuple(group_rejects(sieve.rejects.kept, sieve.rejects.by_reason)),
        row_noun=read.row_noun,
    )


class _Sieve:
    """Passes rows on, and counts and keeps refusals."""

    def __init__(self) -> None:
        self.rows = 0
        self.rejects = Rejects()

    def accept(self, read: Iterable[Row | Rejected]) -> Iterator[Row]:
        for one in read:
            self.rows += 1
            if isinstance(one, Row):
                yield one
            else:
                self.refuse([one])

    def refuse(self, refused: Iterable[Rejected]) -> None:
        for one in refused:
            self.rejects.add(one.row, one.place, one.reason, one.value)
