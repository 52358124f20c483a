"""The real protocol under seeded schedules of faults: no promise is broken, and everything comes to rest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from faults.search import search

if TYPE_CHECKING:
    from faults.stage import Stage

SCHEDULES = int(os.environ.get("SCHEDULES", "500"))


def test_no_schedule_of_faults_breaks_a_promise(played_on: Stage) -> None:
    found = search(played_on, range(SCHEDULES))
    assert not found.failed, found.explain()
