"""Rows out of pandas DataFrames, as a file with the same table would give them."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timezone
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from promo_campaigns.tables.table import Kind, NumberedRow, RejectedRows, TableLayout

_FIELD, _ROW = "\x1f", "\x1e"
_EXACT = 2**53
"""From here on a float does not hold every whole number any more."""


class FrameTable:
    """A table that comes as DataFrames, one after another, all with the same columns; see ``AnyTable``.

    Rows are numbered from 1, and the index is not looked at. A missing value is an empty cell. A float without a
    fraction is a whole number, which it was before pandas met a missing value in its column.

    :param frames: read once; only one of them is held at a time
    :param layout: what the table is expected to hold
    :param zone: in which times that have a zone of their own are told; None: with their offset. Of others the clock is
        told
    :param left_out: columns that are not looked at, in any letter case
    :raises FileError: there is no frame
    """

    row_noun = "row"

    def __init__(
        self,
        frames: Iterable[Any],
        layout: TableLayout,
        *,
        zone: tzinfo | None = timezone.utc,
        left_out: Collection[str] = (),
    ) -> None:
        self._layout = layout
        self._tell = _tellers(zone)
        self._left_out = {name.casefold() for name in left_out}
        self._digest = hashlib.sha256()
        coming = iter(frames)
        first = next(coming, None)
        if first is None:
            layout.refuse("there is no table")
        self._frames = chain([first], coming)

    def rows(self, rejects: RejectedRows) -> Iterator[NumberedRow]:
        """Return the rows as they come; one that holds what no file could hold is noted in ``rejects``.

        :raises FileError: a frame has not the columns that the layout expects
        """
        above = 0
        for frame in self._frames:
            names, columns = self._columns(frame)
            self._note(names)
            for number, cells in enumerate(zip(*columns, strict=True), above + 1):
                faults = [place for place, cell in enumerate(cells) if type(cell) is not str]
                self._note([cell if type(cell) is str else "" for cell in cells] if faults else cells)
                if faults:
                    rejects.add(number, names[faults[0]], cells[faults[0]].reason)
                elif any(cells):
                    yield number, cells
            above += len(frame)

    def sha256(self) -> bytes:
        """Return the digest of the names and cells that were read."""
        return self._digest.digest()

    def _columns(self, frame: Any) -> tuple[list[str], list[list[Any]]]:  # noqa: ANN401  (pandas has no types here)
        """Return the names and the texts of a frame's columns, in the layout's order."""
        kept = [place for place, name in enumerate(frame.columns) if str(name).casefold() not in self._left_out]
        names = [str(frame.columns[place]) for place in kept]
        if not all(name.strip() for name in names):
            self._layout.refuse("a column of the frame has no name", hint="Name it, or drop it")
        header = self._layout.header(names, 0)
        places = header.pick(tuple(kept))
        columns = [
            [""] * len(frame) if place == "" else self._texts(frame.iloc[:, place], column.kind)
            for place, column in zip(places, header.columns, strict=True)
        ]
        return [column.name for column in header.columns], columns

    def _texts(self, column: Any, kind: Kind) -> list[Any]:  # noqa: ANN401  (likewise)
        """Return the values of a column as a file would hold them, or ``_Fault`` for one that no file could hold."""
        present = column.notna().tolist()
        values = column.astype(object).tolist()
        return [self._text(value, kind) if there else "" for value, there in zip(values, present, strict=True)]

    def _text(self, value: object, kind: Kind) -> str | _Fault:
        if type(value) is str:
            return value
        tell = next((tell for of, tell in self._tell.items() if isinstance(value, of)), None)
        return tell(value, kind) if tell else _Fault(f"a {type(value).__name__} is no text, number, time or flag")

    def _note(self, cells: Sequence[str]) -> None:
        self._digest.update(_FIELD.join(cells).encode("utf-8", "surrogatepass"))
        self._digest.update(_ROW.encode())


class _Fault:
    """Why a cell cannot be told as text; never holds its value."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _tellers(zone: tzinfo | None) -> Mapping[type, Callable[[Any, Kind], str | _Fault]]:
    """Return how a value is told, by the first type that it is of."""

    def moment(value: datetime, kind: Kind) -> str:
        if zone is None and value.tzinfo is not None:
            return value.isoformat(timespec="microseconds")
        local = value if value.tzinfo is None else value.astimezone(zone)
        if kind == "date" and value.tzinfo is None and value.time() == time.min:
            return value.date().isoformat()  # pandas has no days, and tells one as its midnight
        return local.strftime("%Y-%m-%dT%H:%M:%S")

    return {
        str: lambda value, _: str(value),
        bool: lambda value, _: str(value).lower(),
        int: lambda value, _: str(value),
        float: _number,
        Decimal: lambda value, _: format(value, "f"),
        datetime: moment,
        date: lambda value, _: value.isoformat(),
        UUID: lambda value, _: str(value),
    }


def _number(value: float, kind: Kind) -> str | _Fault:
    if not value.is_integer():
        return _Fault("a number with a fraction: give it as text") if kind == "text" else repr(value)
    if abs(value) >= _EXACT:
        return _Fault("a float that has lost digits: keep the column as text, or as Int64")
    return str(int(value))
