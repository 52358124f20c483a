"""The runs that somebody asks about: one by its key, or those of a workflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.ledger.archive.old_runs import refuse_archived
from promo_campaigns.ledger.lookups.export import runs_of_workflow
from promo_campaigns.ledger.run_list import find_run
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection

_SQL = queries("promo_campaigns.ledger.lookups.export")


@dataclass(frozen=True, slots=True)
class ChosenRuns:
    """The runs whose rows are read.

    :ivar subject: which they are, in words for the audit
    """

    run_ids: Sequence[int]
    subject: str

    @classmethod
    def of(cls, connection: Connection, workflow: str, run_key: str, since: datetime | None) -> ChosenRuns:
        """Return one run by its key, or all of a workflow, which ``since`` may narrow.

        Of a workflow, runs that are archived have no rows.

        :raises ConfigurationError: neither or both are named
        :raises LedgerError: there is no such run, or it is archived
        """
        if bool(workflow) is bool(run_key) or (since and not workflow):
            msg = "name either one run by its key, or a workflow, whose runs 'since' may narrow"
            raise ConfigurationError(msg)
        if workflow:
            return cls.of_workflow(connection, workflow, since)
        chosen = cls.one(connection, run_key)
        refuse_archived(connection, chosen.run_ids)
        return chosen

    @classmethod
    def one(cls, connection: Connection, run_key: str) -> ChosenRuns:
        """Return one run by its key or the beginning of it; the newest one for an empty key.

        :raises LedgerError: there is no such run
        """
        run = find_run(connection, run_key)
        return cls([run.run_id], f"run {run.run_key}")

    @classmethod
    def of_workflow(cls, connection: Connection, workflow: str, since: datetime | None) -> ChosenRuns:
        """Return the runs of a workflow, which ``since`` may narrow to those opened since then."""
        narrowed = f" since {since.isoformat()}" if since else ""
        return cls(runs_of_workflow(connection, workflow, since), f"workflow {workflow}{narrowed}")

    def keys(self, connection: Connection) -> list[str]:
        """Return the keys of the runs."""
        rows = connection.execute(_SQL["keys_of_runs"], {"run_ids": list(self.run_ids)}).fetchall()
        return [row["run_key"] for row in rows]
