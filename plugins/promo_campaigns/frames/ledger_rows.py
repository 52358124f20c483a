"""Assignments, attempts and redemptions of runs, as frames of bounded size."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

from psycopg.rows import tuple_row

from promo_campaigns.frames.columns import FrameColumn, make_frame
from promo_campaigns.model.assignment_state import AssignmentState
from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.postgres.sql import queries
from promo_campaigns.redemptions.store import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd  # type: ignore[import-untyped]  # it has no types here

    from promo_campaigns.ledger.lookups.chosen_runs import ChosenRuns
    from promo_campaigns.postgres.connection import Connection

    Table = Literal["assignments", "attempts", "redemptions"]

_SQL = queries(__name__)
_RUNS = 500
_HIDDEN: Mapping[Table, Mapping[int, Callable[[str], str]]] = {
    "assignments": {3: mask_value, 6: mask},
    "attempts": {},
    "redemptions": {3: mask},
}
"""Which values of a row are shown masked, and how: external ids and codes."""


def read_parts(
    connection: Connection, table: Table, runs: ChosenRuns, chunksize: int, *, reveal: bool = False
) -> Iterator[pd.DataFrame]:
    """Yield a table of the ledger as of one moment, in frames of up to so many rows; at least one, which may be empty.

    :param reveal: codes and external ids in full, which the audit notes before the first row leaves; else masked
    """
    with ExitStack() as held:
        entry = held.enter_context(audited(connection, "export", runs.subject, revealed=True)) if reveal else None
        held.enter_context(reading(connection))
        columns = _columns(connection, table, runs)
        is_empty = True
        for rows in _parts(connection, table, runs.run_ids, chunksize):
            if entry is not None:
                entry.rows += len(rows)
            is_empty = False
            yield make_frame(columns, rows if reveal else _masked(rows, _HIDDEN[table]))
        if is_empty:
            yield make_frame(columns, [])


def _columns(connection: Connection, table: Table, runs: ChosenRuns) -> Sequence[FrameColumn]:
    known = connection.execute(_SQL["describe_runs"], {"run_ids": list(runs.run_ids)}).fetchall()
    keys, workflows = (sorted({row[name] for row in known}) for name in ("run_key", "workflow"))
    types = sorted({name for row in known for name in row["code_types"]})
    which = (FrameColumn("run_key", "word", keys), FrameColumn("workflow", "word", workflows))
    rest = {"assignments": _assignment, "attempts": lambda _: _ATTEMPT, "redemptions": _redemption}
    return (*which, *rest[table](types))


def _assignment(types: Sequence[str]) -> Sequence[FrameColumn]:
    return (
        FrameColumn("contact_id", "number"),
        FrameColumn("external_id"),
        FrameColumn("state", "word", [state.value for state in AssignmentState]),
        FrameColumn("reason", "word"),
        FrameColumn("code"),
        FrameColumn("type", "word", types),
        FrameColumn("discount", "number"),
        *(FrameColumn(name, "time") for name in ("expires_at", "accepted_at", "recorded_at", "reused_at")),
    )


def _redemption(types: Sequence[str]) -> Sequence[FrameColumn]:
    return (
        FrameColumn("redemption_id", "number"),
        FrameColumn("code"),
        FrameColumn("type", "word", types),
        FrameColumn("discount", "number"),
        FrameColumn("order_id"),
        FrameColumn("redeemed_at", "time"),
        FrameColumn("owner_id", "number"),
        FrameColumn("contact_id", "number"),
        FrameColumn("amount", "share"),
        FrameColumn("currency", "word"),
        FrameColumn("finding", "word", FINDINGS),
    )


_ATTEMPT = (
    FrameColumn("attempt_id", "number"),
    FrameColumn("contact_id", "number"),
    FrameColumn("purpose", "word", ("message", "profile", "answer")),
    FrameColumn("source", "word"),
    FrameColumn("outcome", "word", ("ok", "refused")),
    FrameColumn("detail"),
    FrameColumn("started_at", "time"),
    FrameColumn("finished_at", "time"),
)


def _parts(connection: Connection, table: Table, run_ids: Sequence[int], size: int) -> Iterator[list[tuple[Any, ...]]]:
    """Return the rows of some runs after the other: for very many the planner would read all rows there are."""
    ordered = sorted(run_ids)
    for first in range(0, len(ordered), _RUNS):
        with connection.cursor("frames", row_factory=tuple_row) as cursor:
            cursor.execute(_SQL[table], {"run_ids": ordered[first : first + _RUNS]})
            while rows := cursor.fetchmany(size):
                yield rows


def _masked(rows: Sequence[tuple[Any, ...]], hidden: Mapping[int, Callable[[str], str]]) -> Iterator[Sequence[Any]]:
    for row in rows:
        shown = list(row)
        for place, hide in hidden.items():
            if row[place] is not None:
                shown[place] = hide(row[place])
        yield shown
