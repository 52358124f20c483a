"""Workers killed for real, and Postgres stopped for real, at sync points that the code itself names.

`make kills` does more of them, at other places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.kill_points import PHASES
from faults.kill_site import Plan, open_site
from faults.kills import plans, points_of, strike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.kill_site import Site

KILLS = 80
SEED = 20_261_122


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site for all kills."""
    with open_site(tmp_path_factory.mktemp("kills")) as opened:
        yield opened


def test_nobody_is_doubled_or_lost_wherever_the_worker_or_postgres_dies(site: Site) -> None:
    found = strike(site, plans(points_of(site), KILLS, SEED))
    assert found.wrong == {}
    assert found.done.total() == KILLS


def test_a_kill_can_be_replayed(site: Site) -> None:
    plan = Plan.parse("keyed ledger.attempts.begin_messages:sent:1 sigkill retry-later 7")
    assert str(plan) == "keyed ledger.attempts.begin_messages:sent:1 sigkill retry-later 7"
    assert site.suffer(plan) == []


def test_the_points_hold_every_query_of_the_path_in_every_phase(site: Site) -> None:
    """The list comes from the code; a few that must be on it show that it does."""
    points = site.points("asked")
    assert {point.phase for point in points} == set(PHASES)
    calls = {point.call for point in points}
    assert {
        "ledger.runs.add_run",
        "ledger.assignments.claim_codes",
        "ledger.attempts.begin_messages",
        "ledger.attempts.fold_assignments",
    } <= calls
    assert {
        "ledger.answers.begin_answers",
        "ledger.answers.keep_answers",
        "ledger.answers.fold_answers",
        "POST /points",
    } <= calls
    by_get = {point.call for point in site.points("got")}
    assert {"GET /message", "GET /points", "POST /profile"} <= by_get
    assert {
        "begin",
        "commit",
        "POST /message",
        "POST /profile",
        "ledger.runs.close_run",
        "invariants.contacts",
    } <= calls
