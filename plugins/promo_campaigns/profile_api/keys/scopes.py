"""What a client of the profile API may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from starlette.requests import Request  # noqa: TC002  (FastAPI reads the annotation)

from promo_campaigns.profile_api.requests import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

CLIENT = "promo_campaigns.client"
"""Key of a request's state under which its ``Client`` stands."""


class Scope(str, Enum):
    """One kind of requests that a key allows."""

    READ = "read"
    """Look at contacts, groups, fields and states."""
    CONTACTS = "contacts"
    """Write contacts and groups, and delete contacts without erasing them."""
    ERASE = "erase"
    """Erase contacts."""
    EVENTS = "events"
    """Send events."""
    ORDERS = "orders"
    """Send orders."""
    MESSAGES = "messages"
    """Send messages into the inbox."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request.

    :ivar name: of its key; empty for the key that the server was started with
    """

    name: str
    scopes: frozenset[Scope]


EVERYTHING = Client("", frozenset(Scope))
"""The client with the key that the server was started with."""
_NOBODY = Client("", frozenset())


def client_of(request: Request) -> Client:
    """Return who sent a request."""
    found = request.scope.get("state", {}).get(CLIENT)
    return found if isinstance(found, Client) else _NOBODY


def demand(request: Request, scope: Scope) -> None:
    """Refuse a request whose key does not allow it.

    :raises RequestError: 403
    """
    if scope not in client_of(request).scopes:
        message = f"this key does not allow it; make one with --scope {scope.value}"
        raise RequestError(403, message)


def allowing(scopes: Sequence[Scope]) -> Callable[[Request], Coroutine[None, None, None]]:
    """Return a dependency that refuses requests whose key allows none of these."""

    async def check(request: Request) -> None:
        if client_of(request).scopes.isdisjoint(scopes):
            demand(request, scopes[0])

    return check
