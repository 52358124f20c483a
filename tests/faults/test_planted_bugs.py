"""The search finds the mistakes it is there for."""

from __future__ import annotations

import os
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from faults.planted_bugs import BUGS, planted
from faults.planted_seeds import SEEDS
from faults.search import search

if TYPE_CHECKING:
    from faults.planted_bugs import PlantedBug
    from faults.stage import Stage

AFRESH = "PLANTED" in os.environ
FIRST_SEED = 2_000_000


@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_the_search_finds(played_on: Stage, bug: PlantedBug) -> None:
    """Play the seed that found it last time first, but for a search afresh."""
    fresh = range(FIRST_SEED, FIRST_SEED + bug.budget)
    with planted(bug, played_on):
        found = search(played_on, fresh if AFRESH else chain(SEEDS.get(bug.name, ()), fresh), stop_at_first=True)
    assert found.failed, f"{found.schedules} schedules did not find that {bug}"
    assert "TypeError" not in found.explain(), "what was found is how the bug was planted"
