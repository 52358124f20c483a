"""Loads a contact file, or DataFrames of contacts, into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from promo_campaigns.contacts.bulk_store import put_contacts
from promo_campaigns.contacts.file import ContactFileReport, ContactLayout, ContactRows
from promo_campaigns.contacts.store import list_fields
from promo_campaigns.model.contacts import Matching, Row
from promo_campaigns.model.load_report import Rejects, group_rejects
from promo_campaigns.tables.any_table import AnyTable
from promo_campaigns.tables.frame_table import FrameTable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from promo_campaigns.model.contacts import Rejected
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.tables.table import Table


def load_contact_file(connection: Connection, stream: BinaryIO, *, file: str, sheet: str = "") -> ContactFileReport:
    """Load a contact file in lots and with bounded memory; the same file again changes nothing.

    Nothing is written unless the whole file can be read. A load that breaks off later is completed by the same file.

    :param stream: CSV and JSON are UTF-8, with or without a byte order mark; packed with gzip or not
    :param file: base name of the file, for the report and errors
    :param sheet: the sheet of a workbook to read; empty for its only one
    :raises ContactFileError: it is no contact file; nothing was loaded
    :raises StoreUnavailableError: rivals were faster each time; load the file again to complete it
    """
    layout = ContactLayout(file, list_fields(connection), sheet)
    return _load(connection, AnyTable(stream, layout), layout)


def load_contact_frames(
    connection: Connection, frames: Iterable[Any], *, name: str, left_out: Collection[str] = ()
) -> ContactFileReport:
    """Load DataFrames of contacts as ``load_contact_file`` loads a file with the same table; rows are numbered from 1.

    :param frames: parts of one table, read once and one at a time; their columns are those of a contact file
    :param name: what the report and errors call the table
    :param left_out: columns that are not looked at unless contacts have them
    :raises ContactFileError: there is no frame, or a column is unknown; nothing was loaded
    :raises StoreUnavailableError: rivals were faster each time; load the table again to complete it
    """
    layout = ContactLayout(name, list_fields(connection))
    spare = [column for column in left_out if not layout.knows(column)]
    return _load(connection, FrameTable(frames, layout, left_out=spare), layout)


def _load(connection: Connection, table: Table, layout: ContactLayout) -> ContactFileReport:
    read = ContactRows(table, layout)
    sieve = _Sieve()
    report = put_contacts(connection, sieve.accept(read), Matching(row_noun=read.row_noun))
    refused_by_file = sieve.rejects.count
    sieve.refuse(report.rejects)
    return ContactFileReport(
        file=layout.file,
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
