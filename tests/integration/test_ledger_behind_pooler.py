"""The tests of the ledger once more, behind a PgBouncer that gives each session away after a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from databases import database_of
from integration.test_ledger import *  # noqa: F403  (they are what is run)
from pooler import running_pooler

if TYPE_CHECKING:
    from collections.abc import Iterator

# It looks on while a session of the server waits, and a pooler does not say which one that is.
del test_evidence_is_written_though_another_transaction_was_in_the_way  # noqa: F821  (imported above)


@pytest.fixture(scope="module")
def pooler(postgres_server: str) -> Iterator[str]:
    """Return the address of a pooler before the server."""
    with running_pooler(postgres_server, default_pool_size="8") as address:
        yield address


@pytest.fixture
def dsn(dsn: str, pooler: str) -> str:
    """Return the address of the test's database behind the pooler."""
    return database_of(pooler, urlsplit(dsn).path.removeprefix("/"))
