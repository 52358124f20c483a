"""Writes tables to a file row by row: CSV in which no cell is a formula, or Parquet."""

from __future__ import annotations

import csv
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.tables.csv_cells import escape_formulas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

    Rows = Sequence[Sequence[Any]]
    WriteRows = Callable[[Rows], None]
    Kind = Literal["text", "number", "time"]

FORMATS = ("csv", "parquet")

_OWNER_ONLY = 0o600
_ROWS_OF_A_GROUP = 50_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    :param kind: of its values, any of which may be None; times are aware
    """

    name: str
    kind: Kind = "text"


@contextmanager
def table_file(path: Path, table_format: str, columns: Sequence[Column]) -> Iterator[WriteRows]:
    """Open a file for a table, readable by its owner only; it gets its name once it is whole.

    :param table_format: ``csv`` or ``parquet``
    :return: a function that writes the next rows
    :raises ConfigurationError: Parquet is asked for and pyarrow is not installed, or the file cannot be written
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


@contextmanager
def open_tables(paths: Sequence[Path], columns: Mapping[str, Kind]) -> Iterator[Sequence[WriteRows]]:
    """Open files for the same table, each in the format of its name's ending; they appear once all rows are written.

    :param columns: their kinds by name
    :return: a function for each, which writes the next rows
    :raises ConfigurationError: an ending is unknown, or as ``table_file``
    """
    for path in paths:
        if path.suffix.removeprefix(".") not in FORMATS:
            msg = f"{path.name}: a table is written as {' or '.join(f'.{name}' for name in FORMATS)}"
            raise ConfigurationError(msg)
    of = [Column(name, kind) for name, kind in columns.items()]
    with ExitStack() as files:
        yield [files.enter_context(table_file(path, path.suffix.removeprefix("."), of)) for path in paths]


def formats() -> list[str]:
    """Return the formats that can be written with the installed packages."""
    return [name for name in FORMATS if name == "csv" or find_spec("pyarrow")]


def csv_writer(stream: TextIO, columns: Sequence[Column]) -> WriteRows:
    """Write the header to a stream, and return a function that writes the next rows."""
    rows_of = csv.writer(stream, quoting=csv.QUOTE_ALL)
    rows_of.writerow([column.name for column in columns])

    def write(rows: Rows) -> None:
        rows_of.writerows(zip(*map(_cells, zip(*rows, strict=True)), strict=True))

    return write


def _cells(values: Sequence[object]) -> list[str]:
    """Return the cells of a column; values may be None, and many columns hold one value in all rows."""
    if values.count(values[0]) == len(values):
        return _cells_of(values[:1]) * len(values)
    return _cells_of(values)


def _cells_of(values: Sequence[object]) -> list[str]:
    moments: dict[object, str] = {None: ""}
    texts = []
    for value in values:
        if type(value) is str:
            texts.append(value)
            continue
        if value not in moments:
            moments[value] = value.isoformat() if isinstance(value, datetime) else str(value)
        texts.append(moments[value])
    return escape_formulas(texts)


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
        waiting: list[Any] = []

        def write_group() -> None:
            writer.write_table(pa.Table.from_batches(waiting, schema))
            waiting.clear()

        def write(rows: Rows) -> None:
            if not rows:
                return
            columns_of = zip(zip(*rows, strict=True), schema, strict=True)
            arrays = [pa.array(values, type=field.type) for values, field in columns_of]
            waiting.append(pa.record_batch(arrays, schema=schema))
            if sum(batch.num_rows for batch in waiting) >= _ROWS_OF_A_GROUP:
                write_group()

        yield write
        write_group()
