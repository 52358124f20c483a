"""Who may find out whether a receiver works again: a probe is never spent on nobody, and never on one contact alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from integration.scenario import CODES, PUSH, SPEC, add_codes, add_contacts, open_welcome, states, tamper
from promo_campaigns.delivery.batches import record_profiles, send_messages
from promo_campaigns.delivery.retry_loop import Tally
from promo_campaigns.delivery.templates import compile_data_source, compile_message
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import ReceiverUnavailableError
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.model.outcome import OutgoingMessage, OutgoingRequest
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

NAME = "answering"
DAY_S = 86400.0


@dataclass(slots=True)
class Answering:
    """A receiver of messages and of profile writes that answers by contact."""

    answer: Callable[[int], Outcome] = lambda _: Outcome.OK
    name: str = NAME
    in_flight: int = 3
    resend_within_s: float = 0.0
    called: list[int] = field(default_factory=list)

    async def send(
        self,
        messages: Sequence[OutgoingMessage] | Sequence[OutgoingRequest],
        *,
        deadline: float,  # noqa: ARG002  (the port's signature)
    ) -> Sequence[DeliveryResult]:
        whose = [message.contact_id for message in messages]
        self.called += whose
        return [DeliveryResult(contact_id=who, outcome=self.answer(who), detail="test") for who in whose]

    async def look_up(self, keys: Sequence[str]) -> set[str]:  # noqa: ARG002  (the port's signature)
        return set()


@dataclass(slots=True)
class Scene:
    """A run over a few contacts that hold codes, and a receiver after an outage."""

    store: Connection
    run: Run
    contacts: list[int]

    @property
    def breaker(self) -> PostgresBreaker:
        return PostgresBreaker(self.store, NAME)

    def fail(self) -> None:
        """Let the circuit of the receiver be open from now on."""
        self.breaker.report(
            [DeliveryResult(contact_id=who, outcome=Outcome.UNKNOWN, detail="HTTP 503") for who in range(5)]
        )

    def cool_down(self) -> None:
        """Let the pause be over."""
        self.store.execute("update promo.receiver set open_until = promo.clock() - interval '1 s', probe_until = null")

    def send(self, receiver: Answering) -> Tally:
        return asyncio.run(
            send_messages(
                ledger=PostgresLedger(self.store),
                breaker=self.breaker,
                transport=receiver,
                templates=compile_message(self.run.spec.message),
                run=self.run,
                contact_ids=self.contacts,
            )
        )

    def record(self, receiver: Answering) -> Tally:
        return asyncio.run(
            record_profiles(
                ledger=PostgresLedger(self.store),
                breaker=self.breaker,
                sender=receiver,
                templates=compile_data_source(self.run.spec.data_sources[0]),
                run=self.run,
                contact_ids=self.contacts,
            )
        )


@pytest.fixture
def scene(store: Connection) -> Scene:
    return _scene(store, PUSH.body)


def _scene(store: Connection, body: str) -> Scene:
    contacts = add_contacts(store, 5)
    add_codes(store, 5)
    run = open_welcome(store, spec=replace(SPEC, message=replace(PUSH, body=body)))
    PostgresLedger(store).assign_codes(run.run_id, contacts, CODES)
    return Scene(store, run, contacts)


def test_a_task_with_nobody_to_call_ends_although_the_circuit_is_open(scene: Scene) -> None:
    """Found by seed 1571: it waited, probed, and waited again, and its run could never be closed."""
    scene.send(Answering(lambda _: Outcome.UNKNOWN, in_flight=10))
    assert scene.breaker.admit().limit == 0
    assert scene.send(Answering()) == Tally()


def test_a_task_with_nobody_to_call_leaves_the_probe_to_others(scene: Scene) -> None:
    """The other half of what seed 1571 found."""
    scene.send(Answering(lambda _: Outcome.UNKNOWN, in_flight=10))
    scene.cool_down()
    assert scene.send(Answering()) == Tally()
    assert scene.breaker.admit().limit == 1


def test_contacts_past_the_deadline_expire_although_the_circuit_is_open(scene: Scene) -> None:
    scene.fail()
    tamper(scene.store, "update promo.run set send_by = promo.clock()")
    assert scene.send(Answering()) == Tally()
    assert states(scene.store, scene.run) == {"expired": 5}


def test_nobody_is_leased_while_the_circuit_is_open(scene: Scene) -> None:
    scene.fail()
    receiver = Answering()
    with pytest.raises(ReceiverUnavailableError, match="circuit is open"):
        scene.send(receiver)
    assert states(scene.store, scene.run) == {"assigned": 5}
    assert receiver.called == []


def test_one_probes_and_then_all_are_called(scene: Scene) -> None:
    scene.fail()
    scene.cool_down()
    receiver = Answering()
    assert scene.send(receiver).ok == 5
    assert sorted(receiver.called) == scene.contacts


def test_a_contact_that_cannot_be_rendered_is_no_sign_of_life(store: Connection) -> None:
    scene = _scene(store, "#if($first_name.endsWith('1'))$first_name.substring(90)#end Code: $promocode")
    scene.fail()
    scene.cool_down()
    receiver = Answering(lambda _: Outcome.UNKNOWN)
    with pytest.raises(ReceiverUnavailableError, match="circuit is open"):
        scene.send(receiver)
    assert len(receiver.called) == 1, "the refused one neither closed the breaker nor used up the probe"
    assert states(store, scene.run) == {"rejected": 1, "unknown": 1, "assigned": 3}


def test_a_probe_that_was_put_off_says_nothing_and_is_given_back(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promo_campaigns.delivery.retry_loop.MAX_PAUSE_S", -1.0)
    scene.fail()
    scene.cool_down()
    receiver = Answering(lambda _: Outcome.LATER)
    with pytest.raises(ReceiverUnavailableError, match="asks 5 contacts to wait"):
        scene.send(receiver)
    assert len(receiver.called) == 1
    assert scene.breaker.admit().limit == 1


@pytest.mark.parametrize("in_flight", [1, 10])
def test_one_contact_whose_calls_always_fail_does_not_hold_up_the_others(
    scene: Scene, in_flight: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promo_campaigns.delivery.retry_loop.MAX_PAUSE_S", -1.0)
    poison = scene.contacts[0]
    scene.send(Answering())
    receiver = Answering(lambda who: Outcome.UNKNOWN if who == poison else Outcome.OK, in_flight=in_flight)
    scene.fail()
    for _ in range(2):
        scene.cool_down()
        with pytest.raises(ReceiverUnavailableError):
            scene.record(receiver)
    assert states(scene.store, scene.run) == {"accepted": 1, "recorded": 4}


def test_a_probe_that_is_over_is_not_given_back_for_the_next_worker(scene: Scene) -> None:
    scene.fail()
    scene.cool_down()
    slow = scene.breaker.admit()
    scene.store.execute("update promo.receiver set probe_until = promo.clock() - interval '1 s'")
    assert scene.breaker.admit().limit == 1
    scene.breaker.report([], slow)
    assert scene.breaker.admit().limit == 0


def test_a_failed_probe_starts_the_pause_anew_however_the_breaker_was_opened(scene: Scene) -> None:
    scene.breaker.report([DeliveryResult(contact_id=1, outcome=Outcome.LATER, detail="HTTP 401", locked_out=True)])
    scene.cool_down()
    scene.breaker.report(
        [DeliveryResult(contact_id=1, outcome=Outcome.UNKNOWN, detail="HTTP 503")], scene.breaker.admit()
    )
    assert scene.breaker.admit().limit == 0


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("resend_within_s", [0.0, DAY_S])
def test_who_is_due_would_be_leased(scene: Scene, outcome: Outcome, resend_within_s: float) -> None:
    ledger = PostgresLedger(scene.store)
    run_id, contacts = scene.run.run_id, scene.contacts
    lease = ledger.begin_messages(run_id, contacts[:2], lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=who, outcome=outcome) for who in contacts[:2]])
    none = ledger.begin_messages(run_id, contacts, lease_s=60, resend_within_s=resend_within_s, limit=0)
    one = ledger.begin_messages(run_id, contacts, lease_s=60, resend_within_s=resend_within_s, limit=1)
    rest = ledger.begin_messages(run_id, contacts, lease_s=60, resend_within_s=resend_within_s)
    assert [one.recipients[0].contact_id, one.left] == [contacts[2], none.left - 1]
    assert len(rest.recipients) == one.left
    assert (none.recipients, rest.left) == ([], 0)
