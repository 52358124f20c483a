"""Fixtures of the tests that need a store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection


@pytest.fixture
def store(dsn: str) -> Iterator[Connection]:
    """Return a connection to a fresh store."""
    with connect(dsn) as connection:
        yield connection


@pytest.fixture(autouse=True)
def own_event_loop() -> Iterator[None]:
    """Give each test a loop that is closed behind it: Airflow leaves the one open that it makes for a block."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
