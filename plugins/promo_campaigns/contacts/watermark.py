"""How far a reader of another database came, so that the next one reads only what has changed since."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import ConfigurationError, ContactFileError
from promo_campaigns.postgres.watermarks import Mark, move_mark, read_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from promo_campaigns.postgres.connection import Connection

_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Watermark:
    """A column that only grows, such as the time of a row's last change, and the greatest value that was read of it.

    It is kept in the store, as Airflow's XComs and Variables come and go. Rows with that very value are read again the
    next time: others may have got it meanwhile, and loading a row again changes nothing.

    :param reader: who reads, such as a DAG and a task
    :param select: without a watermark; another SELECT begins anew
    :param column: the column, as the SELECT names it; letter case does not matter
    :raises ConfigurationError: it is no plain name of a column
    """

    def __init__(self, connection: Connection, *, reader: str, select: str, column: str) -> None:
        if not _COLUMN.fullmatch(column):
            msg = f"the watermark must be the plain name of a column of the SELECT, not {column!r}"
            raise ConfigurationError(msg)
        self._connection = connection
        self._select = select.strip().rstrip(";")
        self._column = column
        self._digest = hashlib.sha256(f"{column}\n{self._select}".encode()).digest()
        self._reader = reader
        self._greatest: Any = None

    def select(self) -> str:
        """Return the SELECT of what has changed since the last load; of everything the first time.

        The value stands in it as a literal, which every database compares with its own types.
        """
        known = read_mark(self._connection, self._reader, self._digest)
        if known is None:
            return self._select
        value = known.value if known.kind == "number" else "'" + known.value.replace("'", "''") + "'"
        inner = f"(\n{self._select}\n) promo_changed"
        return f"select * from {inner} where {self._column} >= {value}"  # noqa: S608  (the author's own SELECT)

    def watch(self, frames: Iterable[Any]) -> Iterator[Any]:
        """Pass DataFrames on, and keep the greatest value of the column.

        :raises ContactFileError: a frame has no such column
        """
        for frame in frames:
            place = next((n for n, name in enumerate(frame.columns) if str(name).casefold() == self.name), None)
            if place is None:
                problem = f"the SELECT yields no column {self._column}, which is its watermark"
                raise ContactFileError(problem, file=self._reader, hint="Select it, or leave the watermark out")
            values = frame.iloc[:, place].dropna().tolist()
            self._greatest = max(values if self._greatest is None else [*values, self._greatest], default=None)
            yield frame

    @property
    def name(self) -> str:
        """The name of the column, in small letters."""
        return self._column.casefold()

    def move(self) -> None:
        """Note how far this load came, once it is done."""
        if self._greatest is not None:
            move_mark(self._connection, self._reader, _told(self._greatest), self._digest)


def _told(value: object) -> Mark:
    """Return a value as it is kept.

    :raises ConfigurationError: it cannot be compared with a literal in every database
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Mark("number", format(value, "f") if isinstance(value, Decimal) else repr(value))
    if isinstance(value, datetime):
        return Mark("text", value.isoformat(sep=" "))
    if isinstance(value, date):
        return Mark("text", value.isoformat())
    if isinstance(value, str) and value.isprintable() and "\\" not in value:
        return Mark("text", value)
    msg = f"a watermark is a number, a time or a plain text, not a {type(value).__name__}"
    raise ConfigurationError(msg)
