"""Accounts of the store with the rights that ``promo db grants`` gives, and no others."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from psycopg import sql

from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.grants import grants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.grants import Kind


@contextmanager
def account(dsn: str, kind: Kind) -> Iterator[str]:
    """Make an account of a kind, and drop it when the block ends; yields the store's address as that account."""
    name, password = f"promo_{kind}_{secrets.token_hex(4)}", secrets.token_hex(16)
    role = sql.Identifier(name)
    with connect(dsn) as owner:
        owner.execute(sql.SQL("create role {} login password {}").format(role, password))
        for statement in grants(owner, kind, name):
            owner.execute(statement.encode())
    try:
        address = urlsplit(dsn)
        yield urlunsplit(address._replace(netloc=f"{name}:{password}@{address.netloc.rpartition('@')[2]}"))
    finally:
        with connect(dsn) as owner:
            owner.execute(sql.SQL("drop owned by {}").format(role))
            owner.execute(sql.SQL("drop role {}").format(role))
