"""Transactions of the ledger that are run again: Postgres breaks them off, or the connection is lost under them."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from promo_campaigns.postgres.reconnecting import retried

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.postgres.reconnecting import Store

    class _OnStore(Protocol):
        _connection: Store


Given = ParamSpec("Given")
Owner = TypeVar("Owner", bound="_OnStore")
Result = TypeVar("Result")


def retry_on_deadlock(
    transaction: Callable[Concatenate[Owner, Given], Result],
) -> Callable[Concatenate[Owner, Given], Result]:
    """Run a transaction again that was broken off or lost its connection.

    :param transaction: one whole transaction, on a connection in autocommit mode, which changes nothing if it was
        committed before
    """

    @wraps(transaction)
    def tried(owner: Owner, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        return retried(owner._connection, partial(transaction, owner, *args, **kwargs))  # noqa: SLF001  (a method's own)

    return tried


def run_until_booked(
    transaction: Callable[Concatenate[Owner, Given], Result],
) -> Callable[Concatenate[Owner, Given], Result]:
    """Run a transaction again until it succeeds or its time is over: it writes evidence that is nowhere else.

    :param transaction: as for ``retry_on_deadlock``
    """

    @wraps(transaction)
    def tried(owner: Owner, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        again = partial(transaction, owner, *args, **kwargs)
        return retried(owner._connection, again, insist=True)  # noqa: SLF001  (a method's own)

    return tried
