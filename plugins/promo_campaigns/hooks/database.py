"""A database that is not the store: a shop's, or a warehouse."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def open_database(conn_id: str) -> Iterator[Any]:
    """Open a database by its Airflow connection; what is yielded is the driver's connection, as PEP 249 has it.

    :raises ConfigurationError: the connection is of no database
    """
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    hook = BaseHook.get_hook(conn_id)
    if not isinstance(hook, DbApiHook):
        msg = f"connection {conn_id} is of no database: its hook is {type(hook).__name__}, not a DbApiHook"
        raise ConfigurationError(msg)
    with closing(hook.get_conn()) as connection:
        yield connection
