"""How each named query is asked in the scenario, and how many rows it may touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

ONE, BATCH, RUN, FILE = 1, 500, 2_000, 4_000
"""For how much a statement is run: one thing, the contacts of a task, those of a run, the codes of a file."""


Step: TypeAlias = "tuple[str, Mapping[str, object]] | str"
"""What is run before a query: a named query with its parameters, or SQL."""


PAGES = 50
"""Pages that a query may look at for each row it is asked for, unless its case says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to ask a named query.

    :ivar size: for how many rows it is run; its cost may follow that, and nothing else
    :ivar per: how many rows it may look at for each of these
    :ivar pages: how many pages it may look at for each of them
    :ivar terms: parameters, in addition to those that all queries share
    :ivar before: what is run first, in the same transaction
    :ivar fetched: how many rows its reader fetches; None for all of them
    :ivar fills: what stands in the query's places
    """

    size: int
    per: int = 10
    pages: int = PAGES
    terms: Mapping[str, object] = field(default_factory=dict)
    before: tuple[Step, ...] = ()
    fetched: int | None = None
    fills: Mapping[str, str] = field(default_factory=dict)


def case(size: int, *before: Step, **terms: object) -> Case:
    """Return a case; parameters by keyword."""
    return Case(size=size, terms=terms, before=before)


COMMANDS = {
    "code_files.load.create_staging": "makes a temporary table",
    "code_files.load.fill_staging": "copies into it",
    "code_files.load.fill_staging_with_marks": "copies into it",
    "code_files.load.analyze_staging": "samples it",
    "contacts.store.lock_fields": "locks a table",
    "contacts.bulk_store.create_stage": "makes temporary tables",
    "contacts.bulk_store.copy_contacts": "copies into one",
    "contacts.bulk_store.copy_channels": "copies into one",
    "contacts.bulk_store.copy_values": "copies into one",
    "contacts.bulk_store.copy_addresses": "copies into one",
    "contacts.bulk_store.index_stage": "indexes and samples them",
    "contacts.bulk_store.analyze_stage": "samples them",
    "contacts.bulk_store.drop_stage": "drops them",
    "postgres.snapshot.begin_reading": "begins a transaction",
    "ledger.restores.restoring.skip_numbers": "moves sequences",
    "ledger.restores.told_sends.create_staging": "makes a temporary table",
    "ledger.restores.told_sends.fill_staging": "copies into it",
    "ledger.restores.told_sends.analyze_staging": "samples it",
    "ledger.runs.weigh_audience": "samples a table: as many rows, however large it is",
}
"""Statements that have no plan."""

WHOLE_STORE = {
    "ledger.restores.deciding.withdraw_free": "takes all codes that are free out of the pools, once after a restore",
    "demo.ledger_view.read_fingerprint": "a digest of everything a campaign changes, of the demo's small store",
    "contacts.bulk_store.match_field_values": "reads one field of all contacts, for the rare import that names them by"
    " it: an index on values would be written for every code that is recorded",
}
"""Statements whose cost may follow the size of the store, each with its reason."""
