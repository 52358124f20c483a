"""The audiences of docs/how-to/split-and-fall-back.md, run as they stand there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from doc_pages import texts
from integration.scenario import SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import read_batches
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

SPLIT, OTHER_HALF, FALL_BACK = texts("how-to/split-and-fall-back.md", "sql")


@pytest.fixture
def store(dsn: str) -> Iterator[Connection]:
    with connect(dsn) as connection:
        yield connection


def select(store: Connection, query: str) -> list[int]:
    return sorted(row["contact_id"] for row in store.execute(query.encode()).fetchall())


def test_the_halves_of_a_split_are_two_halves_of_everybody(store: Connection) -> None:
    everybody = add_contacts(store, 4000, channel=None)
    one, other = select(store, SPLIT), select(store, OTHER_HALF)
    assert sorted(one + other) == everybody
    assert abs(len(one) - 2000) < 160  # five times the deviation of 4,000 tosses of a coin
    assert one == select(store, SPLIT)
    assert one != select(store, SPLIT.replace("autumn", "winter"))


def test_a_fall_back_reaches_once_those_that_the_first_run_could_not_reach(store: Connection) -> None:
    add_contacts(store, 2)
    strangers = add_contacts(store, 3, channel=None)
    add_codes(store, 10)
    push = open_welcome(store, "spring_push/edition/one", replace(SPEC, workflow="spring_push"))
    for batch in read_batches(store, push, 100):
        PostgresLedger(store).reachable_contacts(batch)
    assert select(store, FALL_BACK) == []
    store.execute("update promo.run set closed_at = now() where run_id = %s", [push.run_id])
    assert select(store, FALL_BACK) == strangers
    audience = Audience(name="unreached", sql=FALL_BACK)
    open_welcome(store, "spring_email/run/a", replace(SPEC, workflow="spring_email", audience=audience))
    assert select(store, FALL_BACK) == []
