"""How each named query is asked in the scenario, and how many rows it may touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ONE, BATCH, RUN, FILE = 1, 500, 2_000, 4_000
"""For how much a statement is run: one thing, the contacts of a task, those of a run, the codes of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to ask a named query.

    :ivar size: for how many rows it is run; its cost may follow that, and nothing else
    :ivar terms: parameters, in addition to those that all queries share
    :ivar before: what is run first, in the same transaction: named queries with their parameters, or SQL
    :ivar fetched: how many rows its reader fetches; None for all of them
    :ivar fills: what stands in the query's places
    """

    size: int
    terms: Mapping[str, Any] = field(default_factory=dict)
    before: tuple[tuple[str, Mapping[str, Any]] | str, ...] = ()
    fetched: int | None = None
    fills: Mapping[str, str] = field(default_factory=dict)


def case(size: int, *before: tuple[str, Mapping[str, Any]] | str, fetched: int | None = None, **terms: Any) -> Case:  # noqa: ANN401  (parameters of a query)
    """Return a case; parameters by keyword."""
    return Case(size=size, terms=terms, before=before, fetched=fetched)


COMMANDS = {
    "code_file.create_staging": "makes a temporary table",
    "code_file.fill_staging": "copies into it",
    "code_file.analyze_staging": "samples it",
    "contact.lock_fields": "locks a table",
    "contact_batch.create_stage": "makes temporary tables",
    "contact_batch.copy_contacts": "copies into one",
    "contact_batch.copy_channels": "copies into one",
    "contact_batch.copy_values": "copies into one",
    "contact_batch.analyze_stage": "samples them",
    "preview.begin_reading": "begins a transaction",
    "run.weigh_audience": "samples a table: as many rows, however large it is",
}
"""Statements that have no plan."""

WHOLE_STORE = {
    "demo.read_fingerprint": "a digest of everything a campaign changes, of the demo's small store",
}
"""Statements whose cost may follow history, pool or runs, each with its reason."""
