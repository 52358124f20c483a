"""The search finds the mistakes it is there for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.planted_bugs import BUGS, planted
from faults.search import search

if TYPE_CHECKING:
    from faults.planted_bugs import PlantedBug
    from faults.stage import Stage

FIRST_SEED = 1_000_000


@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_the_search_finds(played_on: Stage, bug: PlantedBug) -> None:
    with planted(bug, played_on):
        found = search(played_on, range(FIRST_SEED, FIRST_SEED + bug.budget), stop_at_first=True)
    assert found.failed, f"{found.schedules} schedules did not find that {bug}"
