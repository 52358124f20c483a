"""Fixtures of the schedule search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.stage import stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.stage import Stage


@pytest.fixture
def played_on(dsn: str) -> Iterator[Stage]:
    """Return a stage in a fresh store."""
    with stage(dsn) as opened:
        yield opened
