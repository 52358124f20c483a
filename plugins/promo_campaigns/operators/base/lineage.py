"""What operators tell OpenLineage, if Airflow has its provider: from a file to a pool, a run, and profiles or a table.

What lies in the store is named ``promo://<connection>``, such as ``codes/Welcome``, ``runs/welcome``, ``contacts``,
``redemptions`` and ``profiles/<data source>``; files and tables are named as their own providers name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from promo_campaigns.operators.base.asset_uris import dataset_name, store_namespace

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a task read and wrote.

    :ivar store: the connection of the store
    :ivar reads: what it read of the store, such as ``codes/Welcome``
    :ivar writes: what it wrote to the store, and profiles
    :ivar files: paths of files that it read
    :ivar select: a SELECT of another database, and its connection
    :ivar written_files: paths of files that it wrote
    :ivar table: a table of another database that it wrote, and its connection
    """

    store: str
    reads: Sequence[str] = ()
    writes: Sequence[str] = ()
    files: Sequence[str] = ()
    select: tuple[str, str] = ("", "")
    written_files: Sequence[str] = ()
    table: tuple[str, str] = ("", "")

    def told(self) -> Any:
        """Return it as ``get_openlineage_facets_on_complete`` does; None where Airflow has no such provider."""
        try:
            from airflow.providers.common.compat.openlineage.facet import Dataset
            from airflow.providers.openlineage.extractors import OperatorLineage
        except ImportError:
            return None

        own = OperatorLineage(
            inputs=[Dataset(*self._in_store(name)) for name in self.reads]
            + [Dataset(*_file(path)) for path in self.files if path],
            outputs=[Dataset(*self._in_store(name)) for name in self.writes]
            + [Dataset(*_file(path)) for path in self.written_files if path],
        )
        if all(self.select):
            own = own.merge(_of_sql(*self.select))
        if all(self.table):
            table, conn_id = self.table
            written = _of_sql(f"insert into {table} values (1)", conn_id)  # noqa: S608  (is parsed, and never run)
            own = own.merge(OperatorLineage(outputs=written.outputs))
        return own

    def _in_store(self, name: str) -> tuple[str, str]:
        return store_namespace(self.store), dataset_name(name)


def _file(path: str) -> tuple[str, str]:
    """Return namespace and name of a file, as OpenLineage has them."""
    parts = urlsplit(path)
    if parts.scheme in {"", "file"}:
        return "file", parts.path
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path.lstrip("/")


def _of_sql(sql: str, conn_id: str) -> Any:
    """Return what a statement reads and writes by its text, as operators of common.sql do; no table is looked at."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.providers.openlineage.sqlparser import SQLParser

    from promo_campaigns.hooks.other_database import database_hook

    hook = database_hook(conn_id)
    connection = hook.get_connection(conn_id)
    info = hook.get_openlineage_database_info(connection)
    if info is None:  # a hook that says nothing of itself
        return OperatorLineage()
    dialect, schema = hook.get_openlineage_database_dialect(connection), hook.get_openlineage_default_schema()
    parser = SQLParser(dialect=dialect, default_schema=schema)
    return parser.generate_openlineage_metadata_from_sql(
        sql=sql, hook=hook, database_info=info, database=connection.schema, use_connection=False
    )
