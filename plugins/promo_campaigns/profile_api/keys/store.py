"""Keys of clients in the store: made, listed, revoked. The key itself is shown once and kept nowhere."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.postgres.audit import account
from promo_campaigns.postgres.sql import queries
from promo_campaigns.profile_api.keys.scopes import Client, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
MOST_KEYS = 1_000
"""Keys there may be that are not revoked: a server holds all of them."""
NAME_LENGTH = 100
USUAL_RATE = 200
"""Requests a second of a key: the vendor's limit."""
_PREFIX = "promo_"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key that is not revoked, as a server holds it."""

    digest: bytes
    client: Client
    per_second: int


def digest_of(key: bytes) -> bytes:
    """Return that by which a key is recognised."""
    return sha256(key).digest()


def make_key(connection: Connection, name: str, scopes: Sequence[Scope], *, per_second: int = USUAL_RATE) -> str:
    """Make a key for a client, and return it; it cannot be shown again.

    :param name: of the client; of its keys that are not revoked there is one
    :raises ConfigurationError: the name is no name or is taken, nothing is allowed, or there are too many keys
    """
    cleaned = name.strip()
    if not cleaned or len(cleaned) > NAME_LENGTH or not cleaned.isprintable():
        msg = f"the name of a client has 1 to {NAME_LENGTH} characters and no control characters"
        raise ConfigurationError(msg)
    if not scopes:
        msg = f"a key allows something: give one of the scopes {', '.join(one.value for one in Scope)}"
        raise ConfigurationError(msg)
    key = _PREFIX + secrets.token_urlsafe(32)
    made = {
        "name": cleaned,
        "digest": digest_of(key.encode()),
        "scopes": sorted({one.value for one in scopes}),
        "per_second": per_second,
        "actor": account(),
        "most": MOST_KEYS,
    }
    if connection.execute(_SQL["add_key"], made).fetchone() is None:
        msg = f"the client {cleaned!r} has a key already, or there are {MOST_KEYS} keys; revoke one first"
        raise ConfigurationError(msg)
    return key


def list_keys(connection: Connection) -> list[dict[str, Any]]:
    """Return the keys, newest first, revoked ones included.

    Keys: name, scopes, per_second, created_at, created_by, revoked_at.
    """
    return connection.execute(_SQL["list_keys"], {"most": 10 * MOST_KEYS}).fetchall()


def revoke_key(connection: Connection, name: str) -> bool:
    """Revoke the key of a client; return whether there was one that was not revoked before."""
    named = {"name": name.strip(), "actor": account()}
    return connection.execute(_SQL["revoke_key"], named).rowcount > 0


def read_keys(connection: Connection) -> list[StoredKey]:
    """Return the keys that are not revoked."""
    rows = connection.execute(_SQL["read_keys"], {"most": MOST_KEYS}).fetchall()
    return [
        StoredKey(bytes(row["digest"]), Client(row["name"], frozenset(map(Scope, row["scopes"]))), row["per_second"])
        for row in rows
    ]
