"""What somebody with the application's rights may write, and what is to be true all the same.

Each attack is one statement. It is stopped by the schema, or what it leaves behind is seen by `promo check`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import open_run
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

ATTACKS = dict(
    re.findall(
        r"^-- attack: (.+) --\n((?:.+\n)+)",
        (Path(__file__).parent / "data" / "attacks.sql").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
)


@pytest.fixture(scope="module")
def world(module_dsn: str) -> Iterator[Connection]:
    """Return a store with contacts in every state, codes that are seen, retired and free, and a run that asks."""
    with connect(module_dsn) as store:
        add_contacts(store, 8)
        add_codes(store, 40)
        store.execute("update promo.promo_code set retired = true where promo_code_id in (11, 12)")
        store.execute("update promo.promo_code set seen_at = now() where promo_code_id = 12")
        run = open_welcome(store)
        ledger = PostgresLedger(store)
        ledger.assign_codes(run.run_id, [1, 2, 3, 4, 5, 6], CODES)
        lease = ledger.begin_messages(run.run_id, [1, 2], lease_s=60, resend_within_s=0)
        ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=1, outcome=Outcome.OK)])
        store.execute("update promo.assignment set lease_until = now() - interval '1 s' where contact_id = 2")
        ledger.begin_messages(run.run_id, [2, 3], lease_s=600, resend_within_s=0)
        open_run(store, SPEC, run_key="welcome/edition/asks", approval=True)
        store.execute("update promo.contact set first_name = null, erased_at = now() where contact_id = 8")
        store.execute("delete from promo.contact_channel where contact_id = 8")
        store.execute("insert into promo.audit (action, subject, actor) values ('export', 'run', 'anna')")
        yield store


def test_there_are_many_attacks() -> None:
    assert len(ATTACKS) > 80


def test_the_world_is_well_before_it_is_attacked(world: Connection) -> None:
    assert check_invariants(world) == []
    found = world.execute("select state::text from promo.assignment where run_id = 1 group by 1").fetchall()
    assert {row["state"] for row in found} >= {"pending", "assigned", "sending", "accepted", "unknown"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_stopped_or_seen(world: Connection, attack: str) -> None:
    with world.transaction(force_rollback=True):
        try:
            with world.transaction():
                changed = world.execute(ATTACKS[attack].encode()).rowcount
        except psycopg.errors.IntegrityError:
            return
        except psycopg.errors.FeatureNotSupported:  # a table that others refer to is not emptied
            return
        assert changed != 0, "it attacks nothing"
        assert check_invariants(world) != []
