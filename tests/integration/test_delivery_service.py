"""The delivery service by itself: a batch from contact to profile on a real store and receiver, without Airflow."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from integration.scenario import CODES, POINTS, PROFILE, PUSH, SPEC, add_codes, add_contacts, open_welcome, states
from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.delivery.service import DeliveryService
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.runs import read_batches
from promo_campaigns.model.errors import ConfigurationError, LedgerConflictError, SendError
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.delivery.batch_payload import BatchPayload
    from promo_campaigns.delivery.service import RunDelivery
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver

BOTH = replace(SPEC, message=replace(PUSH, body="$promocode, $points.balance points"), data_sources=(POINTS, PROFILE))
SAME = {"message": "promo_push", "transport": "inbox", "transport_conn_id": ""}


def answer_points(request: Received) -> Answer:
    return Answer(body=b'{"balance": 5}') if request.path.startswith("/points") else Answer()


@pytest.fixture
def service(dsn: str, receiver: Receiver) -> DeliveryService:
    """Return a service all of whose connections lead to the receiver, within limits."""
    receiver.answer = answer_points

    def read(conn_id: str) -> ConnectionSettings:
        extras = {"allow_insecure": True, "allow_private": True, "requests_per_s": 1000, "timeout_s": 10}
        return ConnectionSettings(name=f"connection {conn_id}", host="127.0.0.1", port=receiver.port, extras=extras)

    return DeliveryService(dsn, read)


@pytest.fixture
def deliver(store: Connection, service: DeliveryService) -> Callable[[], tuple[RunDelivery, BatchPayload]]:
    """Return a function that takes the run's batch through all steps, one after another, and what it came to."""

    def run() -> tuple[RunDelivery, BatchPayload]:
        opened = open_welcome(store, spec=BOTH)
        (batch,) = read_batches(store, opened, 100)
        with service.open(opened.run_id) as delivery:
            points, profile = delivery.campaign.sources
            claimed = delivery.claim(delivery.find(batch), CODES)
            asked = asyncio.run(delivery.ask(points, claimed))
            sent = asyncio.run(delivery.send(asked, opened_with=SAME))
            asyncio.run(delivery.record(profile, sent))
            delivery.close()
        return delivery, sent

    return run


def test_a_batch_goes_from_contact_to_profile_and_doing_it_again_does_nothing(
    store: Connection, receiver: Receiver, deliver: Callable[[], tuple[RunDelivery, BatchPayload]]
) -> None:
    contacts = add_contacts(store, 3)
    add_contacts(store, 1, channel=None)
    codes = add_codes(store, 3)
    delivery, sent = deliver()
    assert (sent.contact_ids, sent.codes) == (contacts, codes)
    assert {message["body"] for message in read_inbox(store)} == {f"{code}, 5 points" for code in codes}
    assert states(store, delivery.run) == {"recorded": 3, "skipped": 1}
    assert len(receiver.received) == 6
    again, sent_before = deliver()
    assert (again.run.run_id, sent_before) == (delivery.run.run_id, sent)
    assert (len(receiver.received), len(read_inbox(store))) == (6, 3)


def test_all_steps_in_one_call_have_the_same_result(
    store: Connection, receiver: Receiver, service: DeliveryService
) -> None:
    add_contacts(store, 3)
    add_codes(store, 3)
    opened = open_welcome(store, spec=BOTH)
    (batch,) = read_batches(store, opened, 100)
    for _ in range(2):
        with service.open(opened.run_id) as delivery:
            assert asyncio.run(delivery.deliver(batch)) == 3
            report = delivery.close(check=False)
    assert (report.tally.given, states(store, opened)) == (3, {"recorded": 3})
    assert (len(receiver.received), len(read_inbox(store))) == (6, 3)


def test_every_receiver_has_one_name_for_its_limiter_and_its_breaker(
    store: Connection, deliver: Callable[[], tuple[RunDelivery, BatchPayload]]
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    deliver()
    called = {"connection loyalty", "connection promo_profile_api"}
    limited = {row["receiver"] for row in store.execute("select receiver from promo.rate_budget").fetchall()}
    guarded = {row["name"] for row in store.execute("select name from promo.receiver").fetchall()}
    assert (limited, guarded) == (called, called | {"transport inbox"})


def test_a_campaign_is_compiled_once_for_its_runs(store: Connection, service: DeliveryService) -> None:
    add_contacts(store, 1)
    add_codes(store, 3)
    run_ids = [open_welcome(store, f"welcome/edition/{number}", spec=BOTH).run_id for number in (1, 2)]
    other = open_welcome(store, "welcome/edition/3").run_id
    campaigns = []
    for run_id in (*run_ids, other):
        with service.open(run_id) as delivery:
            campaigns.append(delivery.campaign)
    assert campaigns[0] is campaigns[1]
    assert campaigns[0].message is campaigns[1].message
    assert campaigns[2] is not campaigns[1]
    assert campaigns[2].spec == SPEC


def test_what_a_run_was_not_opened_with_is_refused_before_anything_is_done(
    store: Connection, receiver: Receiver, service: DeliveryService
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    opened = open_welcome(store, spec=BOTH)
    (batch,) = read_batches(store, opened, 100)
    with service.open(opened.run_id) as delivery:
        found = delivery.find(batch)
        with pytest.raises(ConfigurationError, match=r"was opened for .*discount=10.*, not for .*=15"):
            delivery.claim(found, replace(CODES, discount=15))
        claimed = delivery.claim(found)
        with pytest.raises(ConfigurationError, match="was opened with the transport 'inbox', not 'smtp'"):
            asyncio.run(delivery.send(claimed, opened_with={**SAME, "transport": "smtp"}))
        with pytest.raises(ConfigurationError, match="message 'promo_push' binds 'points', 'promo_to_profile', not"):
            delivery.campaign.source("other")
        with pytest.raises(LedgerConflictError, match="hold another code in run"):
            asyncio.run(delivery.ask(delivery.campaign.source("points"), replace(claimed, codes=["STRANGE"])))
    assert (states(store, opened), receiver.received) == ({"assigned": 1}, [])


def test_a_source_with_a_longer_time_out_than_its_connection_is_refused(service: DeliveryService) -> None:
    with pytest.raises(ConfigurationError, match="'points' has the timeout_s 20, and connection loyalty allows 10"):
        service.receivers.endpoint(replace(POINTS, timeout_s=20))
    assert service.receivers.endpoint(replace(POINTS, timeout_s=5)).timeout_s == 5


def test_whom_the_receiver_refuses_to_record_is_named_by_number_and_the_others_are_recorded(
    store: Connection, receiver: Receiver, service: DeliveryService
) -> None:
    add_contacts(store, 2)
    first, _ = add_codes(store, 2)
    opened = open_welcome(store)
    (batch,) = read_batches(store, opened, 100)
    receiver.answer = lambda request: Answer(status=422 if request.json["code"] == first else 200)
    with (
        service.open(opened.run_id) as delivery,
        pytest.raises(SendError, match=r"'promo_to_profile' refused 1 of 2 contacts: .*; correct the data source"),
    ):
        asyncio.run(delivery.deliver(batch))
    assert states(store, opened) == {"accepted": 1, "recorded": 1}
