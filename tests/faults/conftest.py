"""Fixtures of the schedule search."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from faults.stage import stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.stage import Stage


# A search for each planted bug: ten minutes together, so `make faults` runs them and `bin/test` does not.
collect_ignore = [] if "PLANTED" in os.environ else ["test_planted_bugs.py"]


@pytest.fixture
def played_on(dsn: str) -> Iterator[Stage]:
    """Return a stage in a fresh store."""
    with stage(dsn) as opened:
        yield opened
