"""The real protocol under seeded schedules of faults: no promise is broken, and everything comes to rest."""

from __future__ import annotations

import os

from faults.search import search_beside

SCHEDULES = int(os.environ.get("SCHEDULES", "2000"))


def test_no_schedule_of_faults_breaks_a_promise() -> None:
    found = search_beside(range(SCHEDULES))
    assert found.schedules == SCHEDULES
    assert not found.failed, found.explain()
