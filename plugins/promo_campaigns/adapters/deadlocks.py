"""Transactions that Postgres breaks off because they wait for each other."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from psycopg.errors import DeadlockDetected

if TYPE_CHECKING:
    from collections.abc import Callable

Given = ParamSpec("Given")
Result = TypeVar("Result")

TRIES = 3


def run_again(transaction: Callable[Given, Result]) -> Callable[Given, Result]:
    """Run a transaction again that was broken off: nothing of it was kept, and the other one is through by then.

    :param transaction: one whole transaction, on a connection in autocommit mode
    """

    @wraps(transaction)
    def tried(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        for _ in range(TRIES - 1):
            try:
                return transaction(*args, **kwargs)
            except DeadlockDetected:  # noqa: PERF203  (to try again is what the loop is for)
                continue
        return transaction(*args, **kwargs)

    return tried
