"""Whose fault a refusal is: one contact's, or the receiver's, to whom no contact may lose its code."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contract.stages import key_file
from integration.scenario import CODES, SPEC, add_codes, add_contacts, free_codes, open_welcome, states
from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.delivery.batch_payload import BatchPayload
from promo_campaigns.delivery.batches import record_profiles
from promo_campaigns.delivery.http_sender import HttpSender
from promo_campaigns.delivery.retry_loop import background_executor
from promo_campaigns.delivery.service import DeliveryService
from promo_campaigns.delivery.templates import compile_data_source
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.model.errors import ReceiverRefusesError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from receiver import Answer

if TYPE_CHECKING:
    from promo_campaigns.delivery.retry_loop import Tally
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver


class Campaign:
    """A run whose contacts have their message, and a receiver for their profiles."""

    def __init__(self, store: Connection, url: str, contacts: int, *, at_a_time: int = 1000) -> None:
        self.store, self.url, self.at_a_time = store, url, at_a_time
        self.contacts = add_contacts(store, contacts)
        add_codes(store, contacts)
        self.run: Run = open_welcome(store)
        ledger = PostgresLedger(store)
        ledger.assign_codes(self.run.run_id, self.contacts, CODES)
        lease = ledger.begin_messages(self.run.run_id, self.contacts, lease_s=60, resend_within_s=0)
        ledger.record_message_outcomes(
            lease, [DeliveryResult(contact_id=who, outcome=Outcome.OK) for who in self.contacts]
        )

    def record(self, *, beside: bool = False) -> Tally:
        sender = HttpSender(Endpoint(base_url=self.url, allow_private=True))
        sender.in_flight = self.at_a_time
        with background_executor() as background:
            recording = record_profiles(
                ledger=PostgresLedger(self.store),
                breaker=PostgresBreaker(self.store, "connection api"),
                sender=sender,
                templates=compile_data_source(self.run.spec.data_sources[0]),
                run=self.run,
                contact_ids=self.contacts,
                background=background if beside else None,
                receiver="connection api",
            )
            return asyncio.run(recording)


@pytest.mark.parametrize("status", [404, 405, 406, 410, 411, 412, 415])
@pytest.mark.parametrize("at_a_time", [3, 1000])
def test_an_answer_that_the_first_twenty_contacts_all_get_is_the_receivers_fault(
    store: Connection, receiver: Receiver, status: int, at_a_time: int
) -> None:
    campaign = Campaign(store, receiver.url, 60, at_a_time=at_a_time)
    receiver.answer = lambda _: Answer(status=status)
    named = rf"connection api refuses every call: HTTP {status} to each of the first [23]\d contacts; look at "
    with pytest.raises(ReceiverRefusesError, match=named):
        campaign.record(beside=at_a_time > 3)
    assert len(receiver.received) <= 40
    with pytest.raises(ReceiverRefusesError, match=f"HTTP {status}"):
        campaign.record()
    receiver.answer = lambda _: Answer()
    receiver.received.clear()
    assert campaign.record().ok == 60
    assert states(store, campaign.run) == {"recorded": 60}
    assert len(receiver.received) == 60


@pytest.mark.parametrize("at_a_time", [4, 1000])
def test_one_contact_that_gets_another_answer_shows_that_the_receiver_works(
    store: Connection, receiver: Receiver, at_a_time: int
) -> None:
    """Contacts that were put off until then are called for again, each refused for itself."""
    campaign = Campaign(store, receiver.url, 30, at_a_time=at_a_time)
    strangers = [f"token-{who}".encode() for who in campaign.contacts[:15]]

    def answer(request: Received) -> Answer:
        return Answer(status=404 if request.json["contact"].encode() in strangers else 200)

    receiver.answer = answer
    tally = campaign.record()
    assert (tally.ok, tally.refused) == (15, 15)


@pytest.mark.parametrize("status", [400, 422])
def test_a_contacts_own_refusal_stays_its_own_however_many_get_it(
    store: Connection, receiver: Receiver, status: int
) -> None:
    campaign = Campaign(store, receiver.url, 30)
    receiver.answer = lambda _: Answer(status=status)
    assert campaign.record().refused == 30


def test_a_few_contacts_that_nobody_knows_are_refused_one_by_one(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, receiver.url, 5)
    receiver.answer = lambda _: Answer(status=404)
    assert campaign.record().refused == 5
    assert len(receiver.received) == 5


def test_many_small_tasks_find_out_together_that_a_receiver_is_at_fault(store: Connection, receiver: Receiver) -> None:
    """The first tasks have fewer than twenty contacts between them, each of whom may be at fault."""
    campaign = Campaign(store, receiver.url, 40)
    receiver.answer = lambda _: Answer(status=404)
    everybody = campaign.contacts
    for first in (0, 8):
        campaign.contacts = everybody[first : first + 8]
        assert campaign.record().refused == 8
    campaign.contacts = everybody[16:24]
    named = "connection api refuses every call: HTTP 404 to each of the first 2[0-4] contacts; look at "
    with pytest.raises(ReceiverRefusesError, match=named):
        campaign.record()
    receiver.answer = lambda _: Answer()
    assert campaign.record().ok == 8


def test_small_tasks_of_a_run_that_somebody_was_accepted_in_refuse_each_for_itself(
    store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(store, receiver.url, 40)
    everybody = campaign.contacts
    campaign.contacts = everybody[:1]
    receiver.answer = lambda _: Answer()
    assert campaign.record().ok == 1
    receiver.answer = lambda _: Answer(status=404)
    for first in range(1, 33, 8):
        campaign.contacts = everybody[first : first + 8]
        assert campaign.record().refused == 8


def test_a_contact_that_nobody_knows_is_its_own_fault_although_the_key_was_wrong_before(
    store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(store, receiver.url, 1)
    receiver.answer = lambda _: Answer(status=401)
    with pytest.raises(ReceiverRefusesError, match="HTTP 401"):
        campaign.record()
    receiver.answer = lambda _: Answer(status=404)
    assert campaign.record().refused == 1


def test_a_409_stays_unknown_and_releases_no_code(store: Connection) -> None:
    contacts = add_contacts(store, 3)
    add_codes(store, 3)
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contacts, CODES)
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(
        lease, [DeliveryResult(contact_id=who, outcome=Outcome.UNKNOWN, detail="HTTP 409") for who in contacts]
    )
    assert states(store, run) == {"unknown": 3}
    assert free_codes(store) == 0


def test_a_transport_that_gets_no_token_is_named_in_the_report_until_it_does(
    store: Connection, dsn: str, receiver: Receiver
) -> None:
    contacts = add_contacts(store, 3)
    add_codes(store, 3)
    run = open_welcome(store, spec=replace(SPEC, transport="fcm", transport_conn_id="push", data_sources=()))
    codes = PostgresLedger(store).assign_codes(run.run_id, contacts, CODES)
    account = ConnectionSettings(
        name="connection push",
        host=receiver.url,
        password=key_file(f"{receiver.url}/token"),
        extras={"allow_insecure": True, "allow_private": True},
    )
    service = DeliveryService(dsn, lambda _: account)

    def send() -> int:
        with service.open(run.run_id) as delivery:
            batch = BatchPayload.from_pairs(run.run_id, codes)
            return len(asyncio.run(delivery.send(batch)).contact_ids)

    receiver.answer = lambda _: Answer(status=400)
    with pytest.raises(ReceiverRefusesError, match=r"no access token \(HTTP 400\); look at the key file"):
        send()
    (named,) = read_report(store, run.run_id).receivers
    assert (named.name, named.refuses) == ("transport fcm, connection push", True)
    token = json.dumps({"access_token": "tok", "expires_in": 3600}).encode()
    receiver.answer = lambda request: Answer(body=token if request.path == "/token" else b'{"name": "x"}')
    assert send() == 3
    assert read_report(store, run.run_id).receivers == ()
