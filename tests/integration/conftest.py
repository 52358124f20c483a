"""Fixtures of the tests that need a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from promo_campaigns.adapters.postgres import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.adapters.postgres import Connection


@pytest.fixture
def store(dsn: str) -> Iterator[Connection]:
    """Return a connection to a fresh store."""
    with connect(dsn) as connection:
        yield connection
