"""Pages of lists that clients ask for by the number of their first row.

A client that reads page by page names the row after the last one it got. The server remembers what that row follows,
so no page costs more than the first; a place that nobody has come to page by page is found by reading up to it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from promo_campaigns.profile_api.requests import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

List = TypeVar("List", bound="Hashable")
Row = TypeVar("Row")

MOST_ROWS = 500
COUNTED = 10_000
"""Rows of a list that are counted, and that a page may be from the last one that was read; of more it is said that
there are more."""
_REMEMBERED = 10_000
QUERY = {
    "startindex": {"type": "integer", "minimum": 1, "default": 1},
    "maxrows": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": MOST_ROWS},
}
"""Schemas of the query parameters of a page."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list.

    :ivar total: rows of the list, or of a long one at least so many
    """

    rows: Sequence[Row]
    total: int


def number_of(request: Request, name: str, usual: int, most: int) -> int:
    """Return a whole number of a request's query.

    :raises RequestError: 400, it is none from 1 to ``most``
    """
    text = request.query_params.get(name, "") or str(usual)
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
        problem = {"place": name, "message": f"a whole number from 1 to {most} is needed"}
        raise RequestError(400, "the request is not valid", [problem])
    return int(text)


class Pages(Generic[List, Row]):
    """Reads pages of one kind of list.

    :param first: what the first row of a list follows
    :param read: returns the rows of a list after one, at most so many
    """

    def __init__(self, first: Row, read: Callable[[List, Row, int], Sequence[Row]]) -> None:
        self._first = first
        self._read = read
        self._places: OrderedDict[tuple[List, int], tuple[Row, int]] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, wanted: List, start: int, rows: int) -> Page[Row]:
        """Return a page.

        :param wanted: which list
        :param start: number of the page's first row, from 1
        :raises RequestError: 400, the page is too far from the last one that was read
        """
        after, total = self._before(wanted, start)
        found = self._read(wanted, after, rows + 1) if after is not None else ()
        shown = found[:rows]
        behind = start - 1 + len(shown)
        more = len(found) > rows
        if not more and (shown or start == 1):
            total = behind
        elif total is None:
            total = len(self._read(wanted, self._first, COUNTED + 1))
        if shown:
            self._remember((wanted, start + len(shown)), (shown[-1], total))
        return Page(shown, max(total, behind + more))

    def _before(self, wanted: List, start: int) -> tuple[Row | None, int | None]:
        """Return what a row follows, if the list is so long, and how many rows the list has, if that is known."""
        if start == 1:
            return self._first, None
        if (known := self._places.get((wanted, start))) is not None:
            return known
        if start > COUNTED:
            problem = {"place": "startindex", "message": f"above {COUNTED}, read page by page from the first"}
            raise RequestError(400, "the page is too far away", [problem])
        before = self._read(wanted, self._first, start - 1)
        return (before[-1], None) if len(before) == start - 1 else (None, len(before))

    def _remember(self, key: tuple[List, int], place: tuple[Row, int]) -> None:
        with self._lock:
            self._places[key] = place
            self._places.move_to_end(key)
            while len(self._places) > _REMEMBERED:
                self._places.popitem(last=False)


def count_in(answer: Response, total: int) -> None:
    """Say how many rows a list has, in the header and the spelling of the vendor's API.

    Clients compare the name of the header with its case, so it must not go through the mapping that lowers it.
    """
    answer.raw_headers.append((b"TotalCount", str(total).encode()))
