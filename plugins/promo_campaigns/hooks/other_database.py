"""Rows of any database that Airflow connects to, as frames of bounded size, and audiences of them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import BaseHook

from promo_campaigns.definitions.list_file import list_of_frames
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator

    import pandas as pd  # type: ignore[import-untyped]  # it has no types here

    from promo_campaigns.model.run_spec import Audience

CHUNK_ROWS = 10_000


def database_hook(conn_id: str) -> DbApiHook:
    """Return the hook of a connection to a database.

    :raises AirflowNotFoundException: there is no such connection
    :raises ConfigurationError: it leads to something that takes no SQL
    """
    hook = BaseHook.get_hook(conn_id)
    if not isinstance(hook, DbApiHook):
        msg = f"the connection {conn_id!r} leads to no database: {type(hook).__name__} takes no SQL"
        raise ConfigurationError(msg)
    return hook


def read_frames(hook: DbApiHook, select: str, *, chunk_rows: int = CHUNK_ROWS) -> Generator[pd.DataFrame]:
    """Yield what a SELECT yields, in frames of up to so many rows; at least one, which may be empty.

    Values are as the driver gives them. ``get_df_by_chunks`` would let pandas guess, and make floats of whole numbers
    beside nulls; and of Postgres it would fetch all rows before the first one.

    The caller closes the generator, which closes the connection.

    :param hook: any that holds to the contract of ``DbApiHook.get_conn``: a connection as PEP 249 has it
    """
    import pandas as pd

    with closing(hook.get_conn()) as connection, closing(_cursor(hook, connection)) as cursor:
        cursor.execute(select)
        rows = cursor.fetchmany(chunk_rows)
        names = [column[0] for column in cursor.description]
        yield pd.DataFrame(rows, columns=names, dtype=object)
        while rows := cursor.fetchmany(chunk_rows):
            yield pd.DataFrame(rows, columns=names, dtype=object)


def ask_audience(audience: Audience) -> Audience:
    """Return an audience with whom its SELECT yields just now, if it is asked of another database; any other as it is.

    :raises AirflowNotFoundException: there is no such connection
    :raises ConfigurationError: it leads to something that takes no SQL
    :raises DefinitionError: the SELECT yields another table than a list of contacts
    """
    if not audience.connection:
        return audience
    with closing(read_frames(database_hook(audience.connection), audience.sql.strip().rstrip(";"))) as frames:
        file = f"audiences/{audience.name}.sql"
        return replace(audience, listed=list_of_frames(frames, file=file, declared=audience.columns))


def _cursor(hook: DbApiHook, connection: Any) -> Any:  # noqa: ANN401  (a driver's)
    """Return a cursor that fetches as it is asked; one of Postgres does so only if it has a name."""
    return connection.cursor("promo_campaigns") if hook.conn_type == "postgres" else connection.cursor()
