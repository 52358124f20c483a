"""The ledger's work during the calls: what two workers may have under way, and which goes on when one may not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from integration.scenario import CODES, add_codes, add_contacts, open_welcome, states
from promo_campaigns.delivery.batches import send_messages
from promo_campaigns.delivery.retry_loop import background_executor
from promo_campaigns.delivery.templates import compile_message
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import ReceiverUnavailableError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.delivery.retry_loop import Tally
    from promo_campaigns.model.outcome import OutgoingMessage
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection


@dataclass(slots=True)
class Watching:
    """A receiver without keys that looks, at each call, how many intents have no evidence yet."""

    store: Connection
    answers: Callable[[int], Outcome]
    name: str = "watching"
    in_flight: int = 6
    resend_within_s: float = 0.0
    under_way: list[int] = field(default_factory=list)
    calls: int = 0

    async def send(self, messages: Sequence[OutgoingMessage], *, deadline: float) -> Sequence[DeliveryResult]:  # noqa: ARG002  (the port's signature)
        self.calls += 1
        answer = self.answers(self.calls)
        for _ in range(20):  # the other worker shall get its chance
            await asyncio.sleep(0.001)
        row = self.store.execute("select count(*) as n from promo.assignment where state = 'sending'").fetchone()
        assert row is not None
        self.under_way.append(int(row["n"]))
        return [DeliveryResult(contact_id=message.contact_id, outcome=answer, detail="test") for message in messages]

    async def look_up(self, keys: Sequence[str]) -> set[str]:  # noqa: ARG002  (the port's signature)
        return set()


def send(store: Connection, watching: Watching, contacts: int) -> tuple[Run, Tally]:
    contact_ids = add_contacts(store, contacts)
    add_codes(store, contacts)
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    with background_executor() as background:
        sending = send_messages(
            ledger=ledger,
            breaker=PostgresBreaker(store, watching.name),
            transport=watching,
            templates=compile_message(run.spec.message),
            run=run,
            contact_ids=contact_ids,
            background=background,
        )
        return run, asyncio.run(sending)


def test_both_lanes_together_stay_within_what_a_kill_may_leave_unknown(store: Connection, dsn: str) -> None:
    with connect(dsn) as watch:
        watching = Watching(watch, lambda _: Outcome.OK)
        run, tally = send(store, watching, 40)
    assert tally.ok == 40
    assert states(store, run) == {"accepted": 40}
    assert max(watching.under_way) == watching.in_flight
    assert check_invariants(store) == []


def test_a_receiver_that_fails_stops_both_lanes_within_their_chunks(store: Connection, dsn: str) -> None:
    with connect(dsn) as watch:
        watching = Watching(watch, lambda call: Outcome.OK if call == 1 else Outcome.UNKNOWN, in_flight=12)
        with pytest.raises(ReceiverUnavailableError, match="circuit is open"):
            send(store, watching, 60)
    row = store.execute("select count(*) filter (where state = 'unknown') as unknowns, count(*) filter"
                        " (where state = 'assigned') as waiting from promo.assignment").fetchone()  # fmt: skip
    assert row is not None
    assert row["unknowns"] <= watching.in_flight
    assert row["waiting"] == 60 - 6 - row["unknowns"]


def test_one_lane_probes_and_the_other_leaves_the_rest_to_it(store: Connection, dsn: str) -> None:
    breaker = PostgresBreaker(store, "watching")
    breaker.report([DeliveryResult(contact_id=who, outcome=Outcome.UNKNOWN, detail="HTTP 503") for who in range(5)])
    store.execute("update promo.receiver set open_until = promo.clock() - interval '1 s'")
    with connect(dsn) as watch:
        watching = Watching(watch, lambda _: Outcome.OK)
        run, tally = send(store, watching, 10)
    assert tally.ok == 10
    assert watching.under_way[0] == 1
    assert states(store, run) == {"accepted": 10}
