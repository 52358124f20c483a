"""Reads a code file as a load does, without a store."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from promo_campaigns.code_files.expiration_date import pool_time_zone
from promo_campaigns.code_files.row_rules import RowRules
from promo_campaigns.model.load_report import Rejects
from promo_campaigns.tables.any_table import AnyTable
from promo_campaigns.tables.layout import Layout

if TYPE_CHECKING:
    from typing import BinaryIO

HEADER = "code,expirationDate,discount,type,inUse\n"
ROW = "2030-01-31,10,Welcome,false\n"
EXPIRES = "2030-02-01T00:00:00+00:00"

Accepted = list[tuple[int, str, str, str, str, str]]


def read(
    data: bytes | str | BinaryIO, *, strict: bool = False, expiration: str | None = None, sheet: str = ""
) -> tuple[Accepted, list[tuple[int, str, str]]]:
    """Return the accepted rows, and line, column and reason of the rejected ones."""
    file = io.BytesIO(data.encode()) if isinstance(data, str) else io.BytesIO(data) if isinstance(data, bytes) else data
    layout, rejects = Layout("codes.csv", strict=strict, expiration=expiration, sheet=sheet), Rejects()
    rules = RowRules(layout, pool_time_zone("UTC"), rejects)
    accepted = list(rules.accepted(AnyTable(file, layout).rows(rejects)))
    assert rejects.count >= len(rejects.kept)
    return accepted, [(it.line, it.column, it.reason) for it in rejects.kept]
