"""The large store of the benchmarks and the pictures is one that the product could have made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.large_store import Sizes, fill
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.run_list import list_runs
from promo_campaigns.model.oversight.run_line import RunState
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

SIZES = Sizes(codes=4_000, rows=2_000, runs=40)


@pytest.fixture(scope="module")
def large(module_dsn: str) -> Iterator[Connection]:
    """Return a large store, as small as it can be."""
    with connect(module_dsn) as connection:
        fill(connection, SIZES, ["welcome", "birthday"])
        yield connection


def test_it_keeps_every_promise(large: Connection) -> None:
    assert check_invariants(large) == []


def test_it_has_runs_in_every_state_a_person_looks_for(large: Connection) -> None:
    assert len(list_runs(large, limit=1000)) == SIZES.runs
    nobody_restored_it = set(RunState) - {RunState.RESTORED}
    assert {line.state for line in list_runs(large, limit=1000)} == nobody_restored_it


def test_its_live_run_is_half_way_and_has_sends_of_unknown_outcome(large: Connection) -> None:
    live = list_runs(large, limit=1)[0]
    assert live.state is RunState.OPEN
    assert 0 < live.waiting < live.sent
    assert live.unknown > 0


def test_it_has_as_many_codes_as_were_asked_for(large: Connection) -> None:
    found = large.execute("select count(*) as n from promo.promo_code").fetchone()
    assert found == {"n": SIZES.codes}
