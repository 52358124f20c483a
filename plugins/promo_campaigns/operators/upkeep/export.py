"""Who got which code, into a table elsewhere or into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.page_links import RunsPageLink
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.parameters import optional_text, parse_flag, parse_time
from promo_campaigns.operators.base.lineage import Lineage
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from airflow.sdk import Context

    from promo_campaigns.tables.writers import WriteRows


class ExportRunOperator(StoreOperator):
    """Writes who got which code, as ``promo runs export`` does, to a file or to a table of any database.

    A file is replaced once the new one is whole. Of a table the rows of the same runs are replaced, in one
    transaction: a task that is retried or cleared doubles nothing. A table that is not there is made. Times are in UTC.

    Returns counts only: ``{"runs": 1, "rows": 1000}``. The audit notes each export before its first row leaves.

    :param run_key: one run, by its key or the beginning of it, or (templated)
    :param workflow: all runs of a workflow (templated)
    :param since: of these, the runs opened since then, ISO 8601 with an offset (templated)
    :param path: where the file shall lie, ``.csv`` or ``.parquet``, on any storage that ``ObjectStoragePath`` reaches
        (templated)
    :param conn_id: in place of a path, the connection of a database, of any type whose hook is a ``DbApiHook``
        (templated)
    :param table: its table, such as ``marketing.promo_codes`` (templated)
    :param reveal: codes and external ids in full, else masked (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises ConfigurationError: neither or both places are named, the file cannot be written, or the connection leads
        to no database
    :raises LedgerError: there is no such run
    """

    template_fields: Sequence[str] = (
        "run_key",
        "workflow",
        "since",
        "path",
        "conn_id",
        "table",
        "reveal",
        "promo_db_conn_id",
    )
    operator_extra_links = (RunsPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(
        self,
        *,
        run_key: str = "",
        workflow: str = "",
        since: str = "",
        path: str = "",
        conn_id: str = "",
        table: str = "",
        reveal: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.run_key = run_key
        self.workflow = workflow
        self.since = since
        self.path = path
        self.conn_id = conn_id
        self.table = table
        self.reveal = reveal

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002  (Airflow's signature)
        """Write the rows."""
        from promo_campaigns.ledger.lookups.chosen_runs import ChosenRuns
        from promo_campaigns.ledger.lookups.export import export_codes

        since, reveal = parse_time("since", self.since), parse_flag("reveal", self.reveal)
        with self.hook.connect() as connection:
            runs = ChosenRuns.of(connection, optional_text(self.workflow), optional_text(self.run_key), since)
            with self._opened(runs.keys(connection)) as write:
                rows = export_codes(connection, runs.run_ids, write, subject=runs.subject, reveal=reveal)
        self.log.info("%s rows of %s runs are exported", f"{rows:,}", f"{len(runs.run_ids):,}")
        return {"runs": len(runs.run_ids), "rows": rows}

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:  # noqa: ARG002  (OpenLineage's)
        """Tell OpenLineage which runs went into which file or table."""
        return Lineage(
            store=self.promo_db_conn_id,
            reads=[f"runs/{self.workflow or self.run_key.partition('/')[0]}"],
            written_files=[self.path],
            table=(self.table, self.conn_id),
        ).told()

    def _opened(self, run_keys: Sequence[str]) -> AbstractContextManager[WriteRows]:
        from promo_campaigns.hooks.exports import exported_file, exported_table
        from promo_campaigns.hooks.other_database import database_hook
        from promo_campaigns.ledger.lookups.export import COLUMNS

        path, conn_id, table = map(optional_text, (self.path, self.conn_id, self.table))
        if bool(path) is bool(conn_id) or bool(conn_id) is not bool(table):
            msg = "name a path, or a database by conn_id and its table"
            raise ConfigurationError(msg)
        if path:
            return exported_file(path, COLUMNS)
        return exported_table(database_hook(conn_id), table, COLUMNS, run_keys)
