"""Sending a batch: a real store, the inbox, and a real HTTP receiver."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from integration.scenario import CODES, PUSH, SPEC, add_codes, add_contacts, free_codes, open_welcome, states
from promo_campaigns.delivery.batches import record_profiles, send_messages
from promo_campaigns.delivery.http_sender import HttpSender
from promo_campaigns.delivery.retry_loop import Tally
from promo_campaigns.delivery.templates import compile_data_source, compile_message
from promo_campaigns.delivery.throttle.breaker import FREE
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.transports.inbox import InboxTransport, read_inbox
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import ReceiverUnavailableError, SendError
from promo_campaigns.postgres.connection import connect
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.delivery.throttle.breaker import Admission
    from promo_campaigns.model.outcome import DeliveryResult
    from promo_campaigns.model.run import Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver

Sent = tuple[PostgresLedger, "Run", list[int]]


@pytest.fixture
def send(dsn: str, store: Connection) -> Callable[..., tuple[Sent, Tally]]:
    """Return a function that opens a run over new contacts and sends its messages to the inbox."""

    def send_all(contacts: int = 5, spec: RunSpec = SPEC, channel: str = "mobilepush") -> tuple[Sent, Tally]:
        contact_ids = add_contacts(store, contacts, channel=channel)
        add_codes(store, contacts)
        run = open_welcome(store, spec=spec)
        ledger = PostgresLedger(store)
        ledger.assign_codes(run.run_id, contact_ids, CODES)
        with connect(dsn) as inbox:
            transport = InboxTransport.over(inbox)
            templates = compile_message(run.spec.message)
            tally = asyncio.run(
                send_messages(
                    ledger=ledger,
                    breaker=PostgresBreaker(store, "inbox"),
                    transport=transport,
                    templates=templates,
                    run=run,
                    contact_ids=contact_ids,
                )
            )
        return (ledger, run, contact_ids), tally

    return send_all


class NoBreaker:
    """Lets every call through: the breaker has tests of its own."""

    def admit(self) -> Admission:
        return FREE

    def report(self, results: Sequence[DeliveryResult], admission: Admission) -> None:
        """Hear nothing."""


def record(sent: Sent, receiver: Receiver, **endpoint: float) -> Tally:
    ledger, run, contact_ids = sent
    sender = HttpSender(Endpoint(base_url=receiver.url, allow_private=True, **endpoint))  # type: ignore[arg-type]  # timeout_s and concurrency
    return asyncio.run(
        record_profiles(
            ledger=ledger,
            breaker=NoBreaker(),
            sender=sender,
            templates=compile_data_source(run.spec.data_sources[0]),
            run=run,
            contact_ids=contact_ids,
        )
    )


def test_everybody_is_sent_their_own_code_once(store: Connection, send: Callable[..., tuple[Sent, Tally]]) -> None:
    (ledger, run, contact_ids), tally = send(7)
    assert tally.ok == 7
    codes = dict(ledger.assign_codes(run.run_id, contact_ids, CODES))
    inbox = read_inbox(store, limit=100)
    assert {row["contact_id"]: row["body"] for row in inbox} == {who: f"Code: {code}" for who, code in codes.items()}


def test_sending_again_sends_nothing(dsn: str, store: Connection, send: Callable[..., tuple[Sent, Tally]]) -> None:
    (ledger, run, contact_ids), _ = send(7)
    with connect(dsn) as inbox:
        again = asyncio.run(
            send_messages(
                ledger=ledger,
                breaker=PostgresBreaker(store, "inbox"),
                transport=InboxTransport.over(inbox),
                templates=compile_message(run.spec.message),
                run=run,
                contact_ids=contact_ids,
            )
        )
    assert again == Tally()
    assert len(read_inbox(store, limit=100)) == 7


def test_a_contact_that_cannot_be_rendered_is_refused_and_costs_no_code(
    store: Connection, send: Callable[..., tuple[Sent, Tally]]
) -> None:
    body = "#if($first_name.endsWith('3'))$first_name.substring(90)#end Code: $promocode"
    (_, run, _), tally = send(5, replace(SPEC, message=replace(PUSH, body=body)))
    assert (tally.ok, tally.refused) == (4, 1)
    assert states(store, run) == {"accepted": 4, "rejected": 1}
    assert free_codes(store) == 1
    row = store.execute("select reason from promo.assignment where state = 'rejected'").fetchone()
    assert row is not None
    assert row["reason"].startswith("body: line 1")


def test_each_profile_is_posted_its_own_code_under_a_stable_key(
    store: Connection, send: Callable[..., tuple[Sent, Tally]], receiver: Receiver
) -> None:
    sent, _ = send(5)
    assert record(sent, receiver).ok == 5
    ledger, run, contact_ids = sent
    codes = dict(ledger.assign_codes(run.run_id, contact_ids, CODES))
    posted = {request.json["contact"]: request.json["code"] for request in receiver.received}
    assert posted == {f"token-{who}": code for who, code in codes.items()}
    assert len({request.headers["Idempotency-Key"] for request in receiver.received}) == 5
    assert states(store, run) == {"recorded": 5}


@pytest.mark.parametrize(
    "answer", [Answer(status=503), Answer(drop=True), Answer(status=429)], ids=["503", "drop", "429"]
)
def test_a_profile_write_that_failed_once_is_made_again_under_the_same_key(
    store: Connection, send: Callable[..., tuple[Sent, Tally]], receiver: Receiver, answer: Answer
) -> None:
    sent, _ = send(3)
    seen: set[bytes] = set()

    def first_time_badly(request: Received) -> Answer:
        known = request.body in seen
        seen.add(request.body)
        return Answer() if known else answer

    receiver.answer = first_time_badly
    assert record(sent, receiver).ok == 3
    assert states(store, sent[1]) == {"recorded": 3}
    assert len(receiver.received) == 6
    assert len({request.headers["Idempotency-Key"] for request in receiver.received}) == 3


def test_a_refused_profile_write_never_repeats_the_message(
    store: Connection, send: Callable[..., tuple[Sent, Tally]], receiver: Receiver
) -> None:
    sent, _ = send(3)
    receiver.answer = lambda _: Answer(status=400)
    tally = record(sent, receiver)
    assert (tally.ok, tally.refused, tally.first_detail) == (0, 3, "HTTP 400")
    assert states(store, sent[1]) == {"accepted": 3}
    assert len(read_inbox(store)) == 3
    receiver.answer = lambda _: Answer()
    assert record(sent, receiver).ok == 3


def test_a_receiver_that_is_down_loses_nobody(
    store: Connection, send: Callable[..., tuple[Sent, Tally]], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, _ = send(3)
    monkeypatch.setattr("promo_campaigns.delivery.retry_loop.MAX_PAUSE_S", 0.01)
    receiver.answer = lambda _: Answer(status=503)
    with pytest.raises(ReceiverUnavailableError, match=r"put off 3 contacts again and again \(HTTP 503\)"):
        record(sent, receiver)
    assert len(receiver.received) == 15
    assert states(store, sent[1]) == {"accepted": 3}


def test_a_silent_receiver_is_left_after_the_time_out(
    store: Connection, send: Callable[..., tuple[Sent, Tally]], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    sent, _ = send(2)
    monkeypatch.setattr("promo_campaigns.delivery.retry_loop.MAX_PAUSE_S", 0.01)
    silence = threading.Event()
    receiver.answer = lambda _: Answer(hold=silence)
    with pytest.raises(ReceiverUnavailableError, match="no answer in time"):
        record(sent, receiver, timeout_s=0.2)
    silence.set()
    assert states(store, sent[1]) == {"accepted": 2}


def test_hostile_values_stay_inside_their_json_string(
    store: Connection, send: Callable[..., tuple[Sent, Tally]], receiver: Receiver
) -> None:
    sent, _ = send(1)
    nasty = '"}], "x": [{"y": "\\ \u2028 {{ 7*7 }} $data.get(1) #end 💥'
    store.execute("update promo.contact_channel set value = %s", [nasty])
    record(sent, receiver)
    assert receiver.received[0].json["contact"] == nasty
    assert set(json.loads(receiver.received[0].body)) == {"contact", "code"}


def test_a_private_address_is_refused_before_anything_is_sent(
    send: Callable[..., tuple[Sent, Tally]], receiver: Receiver
) -> None:
    ledger, run, contact_ids = send(1)[0]
    for host in ("127.0.0.1", "localhost"):
        sender = HttpSender(Endpoint(base_url=f"http://{host}:{receiver.port}"))
        with pytest.raises(SendError, match="private address"):
            asyncio.run(
                record_profiles(
                    ledger=ledger,
                    breaker=NoBreaker(),
                    sender=sender,
                    templates=compile_data_source(run.spec.data_sources[0]),
                    run=run,
                    contact_ids=contact_ids,
                )
            )
    assert receiver.received == []
