"""The real protocol under seeded schedules of faults: no promise is broken, and everything comes to rest."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from faults.scenario_draws import draw_scenario
from faults.search import search, search_beside

if TYPE_CHECKING:
    from faults.stage import Stage

SCHEDULES = int(os.environ.get("SCHEDULES", "250"))


def test_no_schedule_of_faults_breaks_a_promise() -> None:
    *_, found = search_beside(range(SCHEDULES))
    assert found.schedules == SCHEDULES
    assert not found.failed, found.explain()


@pytest.mark.parametrize(
    "trait",
    [
        "two workflows",
        "asks",
        "tells",
        "re-runs",
        "long rests",
        "late healing",
        "two_workers",
        "fine",
        "GET webhook",
        "GET data source",
        "halts",
        "first shares",
        "chained",
        "hold-outs",
        "quiet hours",
        "fallback codes",
        "events",
        "restores",
        "archives",
        "slots",
    ],
)
def test_a_share_of_the_scenarios_has(trait: str) -> None:
    """One in twenty at least, so that two thousand schedules hold a hundred of each."""
    scenarios = [draw_scenario(random.Random(seed), random.Random(f"{seed} and more")) for seed in range(500)]  # noqa: S311
    traits = Counter(trait for scenario in scenarios for trait in scenario.traits)
    assert traits[trait] >= 25


def test_what_was_taken_for_a_failure_is_none(played_on: Stage) -> None:
    """In 178 a lease has an older token than the one before it; in 1000667 six workers take 3,000 steps to finish."""
    found = search(played_on, [178, 1_000_667])
    assert not found.failed, found.explain()


def test_what_a_long_search_found_stays_mended(played_on: Stage) -> None:
    """In 1004170 a run is opened again between two statements of a claim, which then counted nobody's messages.

    In 613694030 a cancelled run goes on, and its contacts are asked for with other codes under the keys of the first.
    In 678812517 one person lets runs send again while another one stops them. In 2001035 a receiver that takes so many
    calls at a time asks for none, and other workers did not hear of it.
    """
    found = search(played_on, [1_004_170, 613_694_030, 678_812_517, 2_001_035])
    assert not found.failed, found.explain()
