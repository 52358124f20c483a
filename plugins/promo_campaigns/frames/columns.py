"""Which dtype each column of a frame has: exact, and the same with rows and without."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it has no types here

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    Kind = Literal["text", "number", "share", "time", "word"]


class FrameColumn(NamedTuple):
    """A column of a frame.

    :ivar kind: ``text`` is the dtype string, ``number`` Int64, ``share`` Float64, ``time`` datetime64[us, UTC], and
        ``word`` a category
    :ivar words: the categories, where they are known beforehand, so that parts of one table fit together
    """

    name: str
    kind: Kind = "text"
    words: Sequence[str] = ()


def number_columns(*names: str) -> tuple[FrameColumn, ...]:
    """Return columns of whole numbers."""
    return tuple(FrameColumn(name, "number") for name in names)


def make_frame(columns: Sequence[FrameColumn], rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Return rows as a frame; any value may be None, and is missing then.

    :param rows: their values in the order of the columns
    """
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pd.DataFrame({one.name: _series(one, held) for one, held in zip(columns, values, strict=True)})


def make_frame_of_dicts(columns: Sequence[FrameColumn], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows that name their values as a frame; what is no column is left out."""
    return make_frame(columns, ([row[one.name] for one in columns] for row in rows))


def _series(column: FrameColumn, values: Sequence[Any]) -> pd.Series:
    if column.kind == "time":
        return pd.Series(_moments(values), name=column.name)
    if column.kind == "word":
        words = list(dict.fromkeys([*column.words, *sorted({value for value in values if value is not None})]))
        return pd.Series(pd.Categorical(values, categories=words), name=column.name)
    dtype = {"text": "string", "number": "Int64", "share": "Float64"}[column.kind]
    return pd.Series(pd.array(list(values), dtype=dtype), name=column.name)


def _moments(values: Sequence[datetime | None]) -> pd.DatetimeIndex:
    """Return moments to the microsecond: to the nanosecond, as pandas counts by itself, none is later than 2262."""
    told = [None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None) for value in values]
    return pd.DatetimeIndex(np.array(told, dtype="datetime64[us]")).tz_localize("UTC")
