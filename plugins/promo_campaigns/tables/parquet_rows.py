"""Reads rows of a Parquet file that this product wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS_OF_A_PART = 10_000


def parquet_rows(stream: BinaryIO) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a file, some thousands at a time."""
    from pyarrow import parquet  # type: ignore[import-untyped]  # noqa: PLC0415  (an extra, and slow to import)

    with parquet.ParquetFile(stream) as file:
        for batch in file.iter_batches(_ROWS_OF_A_PART):
            yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
