"""Tables written to a file as they come: CSV that no spreadsheet runs, or Parquet."""

from __future__ import annotations

import csv
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from promo_campaigns.core.csv_cells import inert
from promo_campaigns.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    Rows = Sequence[Sequence[Any]]
    WriteRows = Callable[[Rows], None]

FORMATS = ("csv", "parquet")

_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    :param kind: of its values, any of which may be None; times are aware
    """

    name: str
    kind: Literal["text", "number", "time"] = "text"


@contextmanager
def table_file(path: Path, table_format: str, columns: Sequence[Column]) -> Iterator[WriteRows]:
    """Open a file for a table, for its owner's eyes only; it gets its name once it is whole.

    :param table_format: ``csv`` or ``parquet``
    :return: a function that writes the next rows
    :raises ConfigurationError: it is to be Parquet and pyarrow is not installed, or the file cannot be written
    """
    part = path.with_name(path.name + ".part")
    opened = _open_parquet if table_format == "parquet" else _open_csv
    try:
        os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, _OWNER_ONLY))
        with opened(part, columns) as write:
            yield write
        part.replace(path)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or type(error).__name__}"
        raise ConfigurationError(msg) from error
    finally:
        part.unlink(missing_ok=True)


def csv_writer(stream: TextIO, columns: Sequence[Column]) -> WriteRows:
    """Write the header to a stream, and return a function that writes the next rows."""
    rows_of = csv.writer(stream, quoting=csv.QUOTE_ALL)
    rows_of.writerow([column.name for column in columns])
    return lambda rows: rows_of.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return inert(str(value))


@contextmanager
def _open_csv(path: Path, columns: Sequence[Column]) -> Iterator[WriteRows]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield csv_writer(stream, columns)


@contextmanager
def _open_parquet(path: Path, columns: Sequence[Column]) -> Iterator[WriteRows]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415  (an extra, and slow to import)
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        msg = "Parquet needs pyarrow: pip install 'airflow-provider-promo-campaigns[parquet]', or choose csv"
        raise ConfigurationError(msg) from error
    kinds = {"text": pa.string(), "number": pa.int64(), "time": pa.timestamp("us", tz="UTC")}
    schema = pa.schema([(column.name, kinds[column.kind]) for column in columns])

    with parquet.ParquetWriter(path, schema) as writer:

        def write(rows: Rows) -> None:
            arrays = [
                pa.array(values, type=field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield write
