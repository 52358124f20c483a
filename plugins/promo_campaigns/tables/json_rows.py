"""Rows of a table in JSON: an array of objects, or objects one after another."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from promo_campaigns.model.errors import FileError
from promo_campaigns.tables.table import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.tables.byte_source import UnpackedBytes
    from promo_campaigns.tables.table import Column, NumberedRow, RejectedRows, TableLayout

MAX_OBJECT_LENGTH = 65_536
"""Characters of one object."""

_BLOCK = 65_536
_SPACE = re.compile(r"[ \t\r\n\x1a]*")
_MAX_SHAPES = 1_000


def json_rows(stream: UnpackedBytes, layout: TableLayout, rejects: RejectedRows) -> Iterator[NumberedRow]:
    """Return one row for each object as they come, numbered from 1; only one object at a time is held.

    The keys of the first object are the header of the file. A later object with other keys is a row of its own right:
    it is rejected when a column is missing or not known.

    :param stream: the bytes of the file; a byte order mark at their start is skipped
    :param layout: what the file is expected to hold
    :param rejects: where objects with wrong keys or values are noted
    :raises FileError: the text is not JSON, holds something else than objects, or is not UTF-8
    """
    grids: dict[tuple[str, ...], Grid] = {}
    for number, (line, pairs) in enumerate(_Objects(stream, layout), 1):
        keys = tuple(key for key, _ in pairs)
        grid = grids.get(keys)
        if grid is None:
            try:
                grid = Grid(keys, line, layout, rejects, pads=False)
            except FileError as error:
                if number == 1:
                    _refuse_wrapped(pairs, layout, line)
                    raise
                rejects.add(number, "", error.problem)
                continue
            if len(grids) >= _MAX_SHAPES:
                grids.clear()
            grids[keys] = grid
        for row in grid.rows(number, [value for _, value in pairs]):
            if wrong := _wrong_column(row, grid.columns):
                rejects.add(number, *wrong)
            else:
                yield number, tuple(map(_as_text, row))


def _refuse_wrapped(pairs: Sequence[tuple[str, Any]], layout: TableLayout, line: int) -> None:
    """Refuse an answer of an API that holds the objects in a list of its own."""
    if any(isinstance(value, list) and value and isinstance(value[0], tuple) for _, value in pairs):
        problem = "the objects stand in a list inside of another object"
        layout.refuse(problem, line, "Write the list alone: an array of objects, or one object per line")


def _wrong_column(row: Sequence[object], columns: Sequence[Column]) -> tuple[str, str] | None:
    for column, value in zip(columns, row, strict=True):
        if isinstance(value, (tuple, list)) or (isinstance(value, bool) and column.kind != "flag"):
            return column.name, "not a text, number or (for inUse) a boolean"
        if isinstance(value, _Fraction) and column.kind == "text":
            return column.name, "a number with a fraction or an exponent: write it as text, in quotes"
    return None


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value).lower()


class _Fraction(str):
    """A number that JSON writes with a fraction or an exponent, as it is written."""

    __slots__ = ()


def _refuse_constant(_name: str) -> NoReturn:
    raise json.JSONDecodeError("not a JSON value", "", 0)  # noqa: EM101, TRY003  (caught and reworded where it is decoded)


# Numbers stay as they are written: a code of many digits must not change. Objects stay pairs: a key may stand twice.
_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=str, parse_float=_Fraction, parse_constant=_refuse_constant, strict=False
)


class _Objects:
    """The objects of a text, each with the line it begins on."""

    def __init__(self, stream: UnpackedBytes, layout: TableLayout) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        self._layout = layout
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def __iter__(self) -> Iterator[tuple[int, tuple[tuple[str, Any], ...]]]:
        in_array = self._next() == "["
        if in_array:
            self._move(self._at + 1)
        closed = in_array and self._next() == "]"
        while not closed and (self._next() or in_array):
            yield self._line, self._object()
            closed = in_array and self._separator() == "]"
        if in_array:
            self._move(self._at + 1)
            if self._next():
                self._refuse("there is text after the end of the array")

    def _separator(self) -> str:
        mark = self._next()
        if mark == ",":
            self._move(self._at + 1)
        elif mark != "]":
            self._refuse("a comma is missing" if mark else "the array is not closed")
        return mark

    def _next(self) -> str:
        """Skip white space and return the character that follows, empty at the end."""
        while True:
            space = _SPACE.match(self._buffer, self._at)
            self._move(space.end() if space else self._at)
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _object(self) -> tuple[tuple[str, Any], ...]:
        if self._next() != "{":
            self._refuse("an object { … } is expected here")
        while True:
            try:
                pairs, end = _DECODER.raw_decode(self._buffer, self._at)
            except RecursionError as error:  # noqa: PERF203  (the object may go on in the next block)
                self._refuse("the object is nested too deeply", cause=error)
            except json.JSONDecodeError as error:
                if len(self._buffer) - self._at > MAX_OBJECT_LENGTH or not self._more():
                    self._refuse("the object that begins here is not JSON, is too long or is not closed", cause=error)
            else:
                self._move(end)
                return pairs  # type: ignore[no-any-return]  # the decoder's hook makes tuples of pairs

    def _move(self, to: int) -> None:
        self._line += self._buffer.count("\n", self._at, to)
        self._at = to

    def _more(self) -> bool:
        try:
            block = self._text.read(_BLOCK)
        except UnicodeDecodeError as error:
            self._refuse("the file is not UTF-8 text, in this line or below", cause=error)
        self._buffer = self._buffer[self._at :] + block
        self._at = 0
        return bool(block)

    def _refuse(self, problem: str, cause: Exception | None = None) -> NoReturn:
        self._layout.refuse(problem, self._line, "Write an array of objects, or one object per line", cause)
