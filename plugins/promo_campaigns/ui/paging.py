"""Keyset pages: what is asked for and what is answered, ``{"items": [...], "next": ...}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query

from promo_campaigns.ui.page_errors import PageError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 200
LimitQuery = Annotated[int, Query(ge=1, le=MOST, description="How many at most")]
AfterQuery = Annotated[str, Query(max_length=100, description="What the page before gave as next")]
_LARGEST_ID = 2**63 - 1


def read_after(after: str, first: int) -> int:
    """Return the id that the page begins after.

    :param first: where the first page begins
    :raises PageError: it is not what a page gave
    """
    if not after:
        return first
    if not (after.isdecimal() and after.isascii() and int(after) <= _LARGEST_ID):
        raise PageError(400, "after is not what the page before gave as next; begin with the first page")
    return int(after)


def page(items: Sequence[Any], after: int | None) -> dict[str, Any]:
    """Return a page.

    :param after: what the next one begins after; None if this is the last
    """
    return {"items": items, "next": None if after is None else str(after)}


def page_of(items: Sequence[Any], keys: Sequence[int], limit: int) -> dict[str, Any]:
    """Return a page of at most so many items, of which one more was read to see whether there is a next page.

    :param keys: the id of each item that was read, in order
    """
    more = len(keys) > limit
    return page(items[:limit], keys[limit - 1] if more else None)
