"""Many contacts in one request: a real store, a receiver that refuses some, and the product's own profile API."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from integration.profile_server import KEY, serving
from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome, states
from promo_campaigns.contacts.store import create_field
from promo_campaigns.delivery.bulk import record_profiles_in_bulk
from promo_campaigns.delivery.bulk_sender import HttpBulkSender
from promo_campaigns.delivery.templates import compile_data_source
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.http.signing.headers import basic_auth
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import ReceiverUnavailableError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_spec import DataSource, Poll
from receiver import Answer

if TYPE_CHECKING:
    from promo_campaigns.delivery.retry_loop import Tally
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver

BODY = """{"dedupeOn": "externalCustomerId", "customFieldsIDs": [12345], "contacts": [
#foreach($c in $batch)#if($foreach.index > 0),#end
  {"externalCustomerId": "$c.get('external_id')", "firstName": "$c.first_name",
   "channels": [{"type": "mobilepush", "value": "$c.data.get('contact_unique_identifier')"}],
   "fields": [{"id": 12345, "value": "$c.get('promocode')"}]}
#end]}"""
BULK = DataSource(
    name="bulk",
    method="POST",
    connection="api",
    path="/api/v1/contacts",
    headers={},
    body=BODY,
    format="json",
    records_per_request=1000,
)


class Campaign:
    """A run in which everybody's message was accepted."""

    def __init__(self, store: Connection, contacts: int, source: DataSource = BULK) -> None:
        self.store, self.source = store, source
        self.contacts = add_contacts(store, contacts)
        store.execute("update promo.contact set external_id = 'ext-' || contact_id")
        add_codes(store, contacts)
        self.run: Run = open_welcome(store, spec=replace(SPEC, data_sources=(source,)))
        self.ledger = PostgresLedger(store)
        self.ledger.assign_codes(self.run.run_id, self.contacts, CODES)
        lease = self.ledger.begin_messages(self.run.run_id, self.contacts, lease_s=60, resend_within_s=0)
        self.ledger.record_message_outcomes(
            lease, [DeliveryResult(contact_id=who, outcome=Outcome.OK) for who in self.contacts]
        )

    def record(self, url: str, *, key: str = "", repair: bool = False) -> Tally:
        signed = {"Authorization": basic_auth("any", key)} if key else {}
        endpoint = Endpoint(base_url=url, allow_private=True, headers=signed)
        return asyncio.run(
            record_profiles_in_bulk(
                ledger=self.ledger,
                breaker=PostgresBreaker(self.store, "api"),
                sender=HttpBulkSender(endpoint, self.source, name="api"),
                templates=compile_data_source(self.source),
                run=self.run,
                contact_ids=self.contacts,
                repair=repair,
            )
        )

    def accepted(self) -> list[int]:
        rows = self.store.execute(
            "select contact_id from promo.assignment where state = 'accepted' order by 1"
        ).fetchall()
        return [int(row["contact_id"]) for row in rows]


def sent_to(request: Received) -> list[int]:
    return [int(one["externalCustomerId"].removeprefix("ext-")) for one in request.json["contacts"]]


def in_bulk(receiver: Receiver) -> list[Received]:
    return [request for request in receiver.received if request.method == "POST"]


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spend no time between rounds."""

    async def at_once(_: float) -> None:
        """Go on."""

    monkeypatch.setattr("promo_campaigns.delivery.retry_loop.asyncio.sleep", at_once)


def test_as_few_requests_as_can_be_carry_everybody_s_own_code(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, 25, replace(BULK, records_per_request=10))
    assert campaign.record(receiver.url).ok == 25
    assert [len(request.json["contacts"]) for request in receiver.received] == [10, 10, 5]
    codes = dict(campaign.ledger.held_codes(campaign.run.run_id, campaign.contacts))
    posted = {
        int(one["externalCustomerId"].removeprefix("ext-")): one["fields"][0]["value"]
        for request in receiver.received
        for one in request.json["contacts"]
    }
    assert posted == codes
    assert states(store, campaign.run) == {"recorded": 25}
    assert campaign.record(receiver.url).ok == 0
    assert check_invariants(store) == []


def test_one_contact_at_fault_among_a_thousand_is_found_with_25_calls_at_most(
    store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(store, 1000)
    bad = campaign.contacts[617]
    receiver.answer = lambda request: Answer(status=400 if bad in sent_to(request) else 200)
    tally = campaign.record(receiver.url)
    assert (tally.ok, tally.refused, tally.first_detail) == (999, 1, "HTTP 400")
    assert campaign.accepted() == [bad]
    assert len(receiver.received) - 1 <= 25
    assert check_invariants(store) == []


@pytest.mark.parametrize("at_fault", [{0}, {999}, {0, 999}, {499, 500}, set(range(100, 110))])
def test_a_contact_at_fault_leaves_no_other_out(store: Connection, receiver: Receiver, at_fault: set[int]) -> None:
    campaign = Campaign(store, 1000)
    bad = {campaign.contacts[place] for place in at_fault}
    receiver.answer = lambda request: Answer(status=422 if bad & set(sent_to(request)) else 200)
    assert campaign.record(receiver.url).refused == len(bad)
    assert campaign.accepted() == sorted(bad)


def test_a_request_that_is_wrong_for_all_costs_a_bounded_number_of_calls(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, 1000)
    receiver.answer = lambda _: Answer(status=400)
    assert campaign.record(receiver.url).refused == 1000
    assert len(receiver.received) <= 251
    assert states(store, campaign.run) == {"accepted": 1000}


@pytest.mark.parametrize("status", [404, 405, 415])
def test_a_refusal_that_is_about_the_request_is_not_divided(store: Connection, receiver: Receiver, status: int) -> None:
    campaign = Campaign(store, 10)
    receiver.answer = lambda _: Answer(status=status)
    assert campaign.record(receiver.url).refused == 10
    assert len(receiver.received) == 1


def test_a_request_that_is_too_large_is_divided_until_it_is_not(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, 100)
    receiver.answer = lambda request: Answer(status=413 if len(sent_to(request)) > 30 else 200)
    assert campaign.record(receiver.url).ok == 100


@pytest.mark.parametrize("failed", [[{"position": 3}], {"position": "3"}, [3], {"3": "why"}])
def test_contacts_whom_the_answer_names_are_left_out_alone(
    store: Connection,
    receiver: Receiver,
    failed: Any,  # noqa: ANN401  (in any form)
) -> None:
    campaign = Campaign(store, 10)
    receiver.answer = lambda _: Answer(body=json.dumps({"failedContacts": failed}).encode())
    tally = campaign.record(receiver.url)
    assert (tally.ok, tally.refused, len(receiver.received)) == (9, 1, 1)
    assert campaign.accepted() == [campaign.contacts[3]]


def test_contacts_who_failed_without_a_name_are_found_by_dividing(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, 100)
    bad = campaign.contacts[42]

    def answer(request: Received) -> Answer:
        return Answer(body=json.dumps({"failedContacts": [{"id": 9}] if bad in sent_to(request) else []}).encode())

    receiver.answer = answer
    assert campaign.record(receiver.url).refused == 1
    assert campaign.accepted() == [bad]


def test_a_contact_that_cannot_be_rendered_holds_up_nobody(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, 20)
    bad = campaign.contacts[7]
    store.execute("update promo.contact set external_id = null where contact_id = %s", [bad])
    tally = campaign.record(receiver.url)
    assert (tally.ok, tally.refused) == (19, 1)
    assert "body: " in tally.first_detail
    assert campaign.accepted() == [bad]


def test_hostile_values_stay_inside_their_json_strings_in_a_loop(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, 3)
    nasty = '"}], "x": [{"y": "\\ \u2028 #end $batch 💥'
    store.execute("update promo.contact set first_name = %s", [nasty])
    assert campaign.record(receiver.url).ok == 3
    assert [one["firstName"] for one in receiver.received[0].json["contacts"]] == [nasty] * 3
    assert set(receiver.received[0].json) == {"dedupeOn", "customFieldsIDs", "contacts"}


@pytest.mark.usefixtures("no_pauses")
def test_a_bulk_request_of_unknown_outcome_is_made_again_under_the_same_key(
    store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(store, 10)
    answers = iter([Answer(drop=True), Answer(status=503), Answer()])
    receiver.answer = lambda _: next(answers)
    assert campaign.record(receiver.url).ok == 10
    assert len({request.headers["Idempotency-Key"] for request in receiver.received}) == 1
    row = store.execute("select failures, open_until from promo.receiver where name = 'api'").fetchone()
    assert row == {"failures": 0, "open_until": None}


def session(request: Received) -> Answer | None:
    return Answer(body=b'{"id": "0", "asyncSessionId": "a/b?c"}') if request.method == "POST" else None


def test_an_import_counts_only_once_it_is_finished(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, 5)
    status = iter(["QUEUED", "RUNNING", "FINISHED"])
    receiver.answer = lambda request: (
        session(request)
        or Answer(
            body=json.dumps({"status": next(status), "failed": "1", "failedContacts": {"position": "2"}}).encode()
        )
    )
    tally = campaign.record(receiver.url)
    assert (tally.ok, tally.refused) == (4, 1)
    assert campaign.accepted() == [campaign.contacts[2]]
    assert {request.path for request in receiver.received[1:]} == {"/api/v1/importstatus/a%2Fb%3Fc"}


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("name", [".", "..", "../contact", "%2e%2e"])
def test_an_answer_that_names_its_work_so_that_it_leads_elsewhere_is_unknown(
    store: Connection, receiver: Receiver, name: str
) -> None:
    """Nothing else is asked of the receiver under the connection's credentials."""
    campaign = Campaign(store, 2)
    receiver.answer = lambda _: Answer(body=json.dumps({"asyncSessionId": name}).encode())
    with pytest.raises(ReceiverUnavailableError, match="names no work"):
        campaign.record(receiver.url)
    assert {(request.method, request.path) for request in receiver.received} == {("POST", receiver.received[0].path)}


def test_an_import_that_failed_is_divided_like_a_refusal(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, 8)
    bad, sessions = campaign.contacts[5], []

    def answer(request: Received) -> Answer:
        if request.method == "POST":
            sessions.append(bad in sent_to(request))
            return Answer(body=json.dumps({"asyncSessionId": len(sessions)}).encode())
        failed = sessions[int(request.path.rpartition("/")[2]) - 1]
        return Answer(body=json.dumps({"status": "FAILED" if failed else "FINISHED"}).encode())

    receiver.answer = answer
    assert campaign.record(receiver.url).refused == 1
    assert campaign.accepted() == [bad]


@pytest.mark.usefixtures("no_pauses")
def test_an_import_that_is_not_finished_in_time_is_unknown_and_made_again(
    store: Connection, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promo_campaigns.delivery.bulk_sender.LEASE_S", 0.4)
    campaign = Campaign(store, 5, replace(BULK, poll=Poll(wait_s=0.1)))
    receiver.answer = lambda request: session(request) or Answer(body=b'{"status": "QUEUED"}')
    with pytest.raises(ReceiverUnavailableError, match=r"put off 5 contacts again and again|circuit is open"):
        campaign.record(receiver.url)
    assert states(store, campaign.run) == {"accepted": 5}
    assert len(in_bulk(receiver)) >= 2
    details = store.execute("select distinct outcome, detail from promo.attempt where purpose = 'profile'").fetchall()
    assert details == [{"outcome": None, "detail": "the work was not finished in time"}]


def test_trouble_while_asking_for_the_end_is_no_end(store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(store, 5)
    trouble = iter([Answer(status=503), Answer(drop=True), Answer(body=b"<html>"), Answer(status=429)])
    receiver.answer = lambda request: session(request) or next(trouble, Answer(body=b'{"status": "FINISHED"}'))
    assert campaign.record(receiver.url).ok == 5
    assert len(in_bulk(receiver)) == 1


def test_the_end_of_the_work_is_told_by_the_source_s_own_rules(store: Connection, receiver: Receiver) -> None:
    poll = Poll(path="/jobs/$answer.get('job').id", done="$answer.percent == 100", failed="$answer.get('error')")
    campaign = Campaign(store, 5, replace(BULK, poll=poll, success="$answer.get('ok')"))
    percent = iter([0, 50, 100])

    def answer(request: Received) -> Answer:
        if request.method == "POST":
            return Answer(body=b'{"ok": true, "job": {"id": 17}}')
        return Answer(body=json.dumps({"percent": next(percent)}).encode())

    receiver.answer = answer
    assert campaign.record(receiver.url).ok == 5
    assert [request.path for request in receiver.received[1:]] == ["/jobs/17"] * 3


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("body", [b"<html>", b'{"ok": true}'])
def test_an_answer_that_names_no_work_where_one_is_expected_proves_nothing(
    store: Connection, receiver: Receiver, body: bytes
) -> None:
    campaign = Campaign(store, 5, replace(BULK, poll=Poll(path="/jobs/$answer.job")))
    receiver.answer = lambda _: Answer(body=body)
    with pytest.raises(ReceiverUnavailableError):
        campaign.record(receiver.url)
    assert states(store, campaign.run) == {"accepted": 5}


def test_the_profile_api_takes_a_bulk_and_says_who_is_not_in_it(store: Connection, dsn: str) -> None:
    campaign = Campaign(store, 30, replace(BULK, records_per_request=7))
    create_field(store, "Promo code", "textfield", field_id=12345)
    bad = campaign.contacts[12]
    store.execute("update promo.contact set first_name = repeat('x', 41) where contact_id = %s", [bad])
    with serving(dsn) as client:
        url = str(client.base_url).removesuffix("/api/v1/").removesuffix("/api/v1")
        tally = campaign.record(url, key=KEY)
    assert (tally.ok, tally.refused) == (29, 1)
    assert campaign.accepted() == [bad]
    rows = store.execute("select contact_id, value from promo.contact_field_value order by 1").fetchall()
    codes = dict(campaign.ledger.held_codes(campaign.run.run_id, campaign.contacts))
    del codes[bad]
    assert {row["contact_id"]: row["value"] for row in rows} == codes
    assert check_invariants(store) == []
