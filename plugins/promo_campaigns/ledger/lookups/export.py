"""Who got which code, out of the ledger and into a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import tuple_row

from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.postgres.sql import queries
from promo_campaigns.tables.writers import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.tables.writers import WriteRows

_SQL = queries(__name__)
_PART = 5_000
_RUNS = 500

COLUMNS = (
    Column("run_key"),
    Column("workflow"),
    Column("contact_id", "number"),
    Column("external_id"),
    Column("code"),
    Column("type"),
    Column("discount", "number"),
    Column("expires_at", "time"),
    Column("state"),
    Column("accepted_at", "time"),
    Column("recorded_at", "time"),
    Column("reused_at", "time"),
)
_EXTERNAL_ID, _CODE = 3, 4


def runs_of_workflow(connection: Connection, workflow: str, since: datetime | None = None) -> list[int]:
    """Return the runs of a workflow that were opened since then, oldest first."""
    query = "runs_of_workflow" if since is None else "runs_of_workflow_since"
    rows = connection.execute(_SQL[query], {"workflow": workflow, "since": since}).fetchall()
    return [row["run_id"] for row in rows]


def export_codes(
    connection: Connection, run_ids: Sequence[int], write: WriteRows, *, subject: str, reveal: bool = False
) -> int:
    """Write who holds which code of these runs, as of one moment and with bounded memory; return how many they are.

    :param write: takes the next rows, in the order of ``COLUMNS``
    :param subject: what is exported, in words for the audit, which notes it before the first row leaves
    :param reveal: codes and external ids in full; else masked
    """
    with audited(connection, "export", subject, revealed=reveal) as entry:
        with reading(connection):
            for rows in _parts(connection, run_ids):
                write(_shown(rows, reveal=reveal))
                entry.rows += len(rows)
        return entry.rows


def exported_rows(  # noqa: PLR0913  (what is exported, and what the audit says of it, one keyword each)
    connection: Connection,
    run_ids: Sequence[int],
    *,
    subject: str,
    actor: str,
    reveal: bool = False,
    reason: str = "",
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield what ``export_codes`` writes, for a reader that may leave.

    The audit counts rows before they leave: whether a reader that left has seen the last ones nobody can tell.

    :param actor: who exports them
    :param reason: why, where somebody said it
    """
    entry_of = audited(connection, "export", subject, revealed=reveal, actor=actor, reason=reason)
    with entry_of as entry, reading(connection):
        for rows in _parts(connection, run_ids):
            entry.rows += len(rows)
            yield _shown(rows, reveal=reveal)


def _shown(rows: list[tuple[Any, ...]], *, reveal: bool) -> list[tuple[Any, ...]]:
    return rows if reveal else [_masked(row) for row in rows]


def _parts(connection: Connection, run_ids: Sequence[int]) -> Iterator[list[tuple[Any, ...]]]:
    """Return the rows of some runs after the other: for very many the planner would read all assignments there are."""
    ordered = sorted(run_ids)
    for first in range(0, len(ordered), _RUNS):
        with connection.cursor("export", row_factory=tuple_row) as cursor:
            cursor.execute(_SQL["export_codes"], {"run_ids": ordered[first : first + _RUNS]})
            while rows := cursor.fetchmany(_PART):
                yield rows


def _masked(row: tuple[Any, ...]) -> tuple[Any, ...]:
    external_id = None if row[_EXTERNAL_ID] is None else mask_value(row[_EXTERNAL_ID])
    return (*row[:_EXTERNAL_ID], external_id, mask(row[_CODE]), *row[_CODE + 1 :])
