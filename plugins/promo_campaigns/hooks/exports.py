"""Where an export goes: a file on any storage that Airflow reaches, or a table of any database."""

from __future__ import annotations

import re
import tempfile
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.storage import is_local, put_file, storage_path
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.tables.writers import FORMATS, table_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.providers.common.sql.hooks.sql import DbApiHook

    from promo_campaigns.tables.writers import Column, WriteRows

_TABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}", re.ASCII)
_TYPES = {"text": "varchar(1000)", "number": "bigint", "time": "timestamp"}
"""Types that most databases know by these names."""
_KEYS_AT_ONCE = 100


@contextmanager
def exported_file(path: str, columns: Sequence[Column]) -> Iterator[WriteRows]:
    """Open a file for an export; what lay there is replaced once the block ends without an error.

    :param path: ``.csv`` or ``.parquet``, on any storage that ``ObjectStoragePath`` reaches
    :return: a function that writes the next rows
    :raises ConfigurationError: the ending is another, or the file cannot be written
    """
    place = storage_path(path)
    table_format = place.suffix.removeprefix(".")
    if table_format not in FORMATS:
        msg = f"{place.name}: an export is written as {' or '.join(f'.{name}' for name in FORMATS)}"
        raise ConfigurationError(msg)
    if is_local(place):
        with table_file(Path(place.path), table_format, columns) as write:
            yield write
        return
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "export"
        with table_file(whole, table_format, columns) as write:
            yield write
        with whole.open("rb") as stream:
            put_file(stream, place)


@contextmanager
def exported_table(
    hook: DbApiHook, table: str, columns: Sequence[Column], run_keys: Sequence[str]
) -> Iterator[WriteRows]:
    """Open a table for an export, and replace what it holds of the same runs, in one transaction.

    A table that is not there is made. Times are in UTC, without an offset.

    :param columns: the first is ``run_key``
    :param run_keys: of the runs whose rows are written
    :return: a function that writes the next rows
    :raises ConfigurationError: that is no name of a table, or the database takes no rows by parameters
    """
    if hook.conn_type == "gcpbigquery":
        msg = "BigQuery takes neither rows by parameters nor transactions: export to gs://….parquet, and load that file"
        raise ConfigurationError(msg)
    if not _TABLE.fullmatch(table):
        msg = f"{table!r} is no name of a table: write letters, digits and _, with a schema such as marketing.codes"
        raise ConfigurationError(msg)
    names = ", ".join(column.name for column in columns)
    places = ", ".join([hook.placeholder] * len(columns))
    insert = f"insert into {table} ({names}) values ({places})"  # noqa: S608  (the name was checked)
    with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
        if hook.supports_autocommit:
            hook.set_autocommit(connection, False)  # noqa: FBT003  (Airflow's method); Snowflake's default is to commit each
        kinds = ", ".join(f"{column.name} {_TYPES[column.kind]}" for column in columns)
        cursor.execute(f"create table if not exists {table} ({kinds})")
        _forget(cursor, hook.placeholder, table, run_keys)
        yield lambda rows: cursor.executemany(insert, [tuple(map(_plain, row)) for row in rows]) if rows else None
        connection.commit()


def _forget(cursor: Any, placeholder: str, table: str, run_keys: Sequence[str]) -> None:  # noqa: ANN401  (a driver's)
    for first in range(0, len(run_keys), _KEYS_AT_ONCE):
        keys = run_keys[first : first + _KEYS_AT_ONCE]
        places = ", ".join([placeholder] * len(keys))
        cursor.execute(f"delete from {table} where run_key in ({places})", tuple(keys))  # noqa: S608  (likewise)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).replace(tzinfo=None)
    return value
