"""The real protocol under seeded schedules of faults: no promise is broken, and everything comes to rest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from faults.search import search, search_beside

if TYPE_CHECKING:
    from faults.stage import Stage

SCHEDULES = int(os.environ.get("SCHEDULES", "2000"))


def test_no_schedule_of_faults_breaks_a_promise() -> None:
    found = search_beside(range(SCHEDULES))
    assert found.schedules == SCHEDULES
    assert not found.failed, found.explain()


def test_six_workers_in_two_lanes_have_the_steps_they_need_to_finish(played_on: Stage) -> None:
    """Seed 1000667 was taken for workers that never finish: it rests after some 2,000 steps."""
    found = search(played_on, [1_000_667])
    assert not found.failed, found.explain()
