"""Lists the stock of codes, and the files they came from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from promo_campaigns.code_files.starts import start_codes
from promo_campaigns.model.attributes import NO_ATTRIBUTES, attributes_in_words, parse_attributes
from promo_campaigns.model.errors import UnknownCodeFileError
from promo_campaigns.model.forecast import MOST_VALUES, OTHERS
from promo_campaigns.model.load_report import Reject
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One file that was loaded.

    :param code_file_id: the file in the store
    :param name: base name
    :param sha256: digest of its bytes as uploaded, in hexadecimal
    :param row_count: inserted + updated + unchanged + rejected
    :param loaded_at: in UTC
    :param withdrawn_at: in UTC, none while its codes may be given out
    """

    code_file_id: int
    name: str
    sha256: str
    row_count: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    loaded_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stock:
    """The codes of one type and discount that carry the same attributes, each counted once.

    :param attributes: what they carry, in words; empty for codes that suit everybody, ``others`` for those of many
        attributes together
    :param free: can be given out now
    :param issued: given out to contacts
    :param retired: in use elsewhere, of a withdrawn file, or before their start
    :param expired: neither issued nor retired, and past their date
    """

    type: str
    discount: int
    attributes: str
    free: int
    issued: int
    retired: int
    expired: int


def code_files(connection: Connection, limit: int = 100, *, before: int = _NEWEST) -> list[CodeFile]:
    """Return the files, newest first, ``limit`` at most.

    :param before: the ``code_file_id`` of the last file of the page before
    """
    asked = {"limit": limit, "before": before}
    return [CodeFile(**row) for row in connection.execute(_SQL["list_files"], asked).fetchall()]


def read_code_file(connection: Connection, code_file_id: int) -> CodeFile:
    """Return one file.

    :raises UnknownCodeFileError: there is no such file
    """
    row = connection.execute(_SQL["read_file"], {"code_file_id": code_file_id}).fetchone()
    if row is None:
        raise _unknown(code_file_id)
    return CodeFile(**row)


def list_rejects(connection: Connection, code_file_id: int) -> list[Reject]:
    """Return the rows of a file that were not loaded, as many as are kept, in order."""
    rows = connection.execute(_SQL["list_rejects"], {"code_file_id": code_file_id}).fetchall()
    return [Reject(**row) for row in rows]


def count_withdrawal(connection: Connection, code_file_id: int) -> dict[str, Any]:
    """Return what withdrawing a file would do: its name, withdrawn_at, and how many codes of it are free and issued.

    :raises UnknownCodeFileError: there is no such file
    """
    row = connection.execute(_SQL["count_withdrawal"], {"code_file_id": code_file_id}).fetchone()
    if row is None:
        raise _unknown(code_file_id)
    return row


def _unknown(code_file_id: int) -> UnknownCodeFileError:
    return UnknownCodeFileError(f"there is no code file {code_file_id}")


def stock(connection: Connection) -> list[Stock]:
    """Return the stock by type, discount and attributes; of very many attributes, those with the most free codes."""
    start_codes(connection)
    rows = connection.execute(_SQL["stock"]).fetchall()
    pools = groupby(rows, key=lambda row: (row["type"], row["discount"]))
    return [Stock(**row) for _, pool in pools for row in shown_stock(list(pool))]


def shown_stock(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a pool with attributes in words; those behind the first ``MOST_VALUES`` are one.

    :param rows: numbers by attributes as the store keeps them
    """
    ranked = sorted(rows, key=lambda row: (row["attributes"] != NO_ATTRIBUTES, -row["free"], row["attributes"]))
    shown = [row | {"attributes": _in_words(row["attributes"])} for row in ranked[: MOST_VALUES + 1]]
    if others := ranked[MOST_VALUES + 1 :]:
        sums = {name: sum(row[name] for row in others) for name in ("free", "issued", "retired", "expired")}
        shown.append(others[0] | sums | {"attributes": OTHERS})
    return shown


def _in_words(kept: str) -> str:
    return attributes_in_words(parse_attributes(kept)) if kept else ""
