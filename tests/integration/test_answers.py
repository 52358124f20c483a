"""Data sources that are asked before the message: a real store, a real receiver, and what becomes of codes they saw."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from integration.scenario import (
    CODES,
    POINTS,
    PROFILE,
    PUSH,
    SPEC,
    add_codes,
    add_contacts,
    free_codes,
    open_welcome,
    states,
    tamper,
)
from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.delivery.batches import ask_before_message, record_profiles, send_messages
from promo_campaigns.delivery.http_sender import HttpSender
from promo_campaigns.delivery.success_rule import SuccessRule
from promo_campaigns.delivery.templates import compile_data_source, compile_message
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.transports.inbox import InboxTransport, read_inbox
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.answered_ledger import AnsweredLedger
from promo_campaigns.ledger.interventions import cancel_run, resume_run
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.runs import close_run
from promo_campaigns.model.errors import ReceiverUnavailableError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.connection import connect
from receiver import Answer

if TYPE_CHECKING:
    from promo_campaigns.delivery.retry_loop import Tally
    from promo_campaigns.model.run import Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver

TELLING = replace(POINTS, path="/points/$contact_id?code=$promocode")
READS = replace(PUSH, body="#set($url=$!data.get('points'))$url.get('points') points, $!url.get('items').get(0).name")
ASKED = replace(SPEC, message=READS, data_sources=(POINTS,))
TOLD = replace(SPEC, message=READS, data_sources=(TELLING,))


def answering(request: Received) -> Answer:
    who = request.path.partition("?")[0].rpartition("/")[2]
    if not who.isdecimal():
        return Answer()
    return Answer(body=json.dumps({"points": int(who) * 10, "items": [{"name": f"cup {who}"}]}).encode())


class Campaign:
    """A run and what can be done to it."""

    def __init__(  # noqa: PLR0913  (a scenario in one line)
        self, dsn: str, store: Connection, receiver: Receiver, spec: RunSpec, contacts: int, *, key: str = "welcome"
    ) -> None:
        self.dsn, self.store, self.receiver = dsn, store, receiver
        self.contacts = add_contacts(store, contacts)
        add_codes(store, contacts, prefix=f"CODE {key}")
        whom = replace(
            spec.audience, sql=f"select unnest('{{{','.join(map(str, self.contacts))}}}'::bigint[]) contact_id"
        )
        self.run: Run = open_welcome(store, key, replace(spec, audience=whom))
        self.ledger = AnsweredLedger(store, self.run.spec)
        self.ledger.assign_codes(self.run.run_id, self.contacts, CODES)
        receiver.answer = answering

    def sender(self, place: int) -> HttpSender:
        success_rule = SuccessRule(self.run.spec.data_sources[place])
        return HttpSender(
            Endpoint(base_url=self.receiver.url, allow_private=True), name=f"r{place}", success_rule=success_rule
        )

    def ask(self, place: int = 0) -> Tally:
        source = self.run.spec.data_sources[place]
        sender = self.sender(place)
        return asyncio.run(
            ask_before_message(
                ledger=self.ledger,
                breaker=PostgresBreaker(self.store, sender.name),
                sender=sender,
                templates=compile_data_source(source, place),
                run=self.run,
                contact_ids=self.contacts,
            )
        )

    def send(self) -> Tally:
        with connect(self.dsn) as inbox:
            return asyncio.run(
                send_messages(
                    ledger=self.ledger,
                    breaker=PostgresBreaker(self.store, "inbox"),
                    transport=InboxTransport.over(inbox),
                    templates=compile_message(self.run.spec.message),
                    run=self.run,
                    contact_ids=self.contacts,
                )
            )

    def record(self, place: int, *, repair: bool = False) -> Tally:
        sender = self.sender(place)
        return asyncio.run(
            record_profiles(
                ledger=self.ledger,
                breaker=PostgresBreaker(self.store, sender.name),
                sender=sender,
                templates=compile_data_source(self.run.spec.data_sources[place], place),
                run=self.run,
                contact_ids=self.contacts,
                repair=repair,
            )
        )

    def refuse_messages(self) -> None:
        """Have a receiver of messages refuse all of them."""
        lease = self.ledger.begin_messages(self.run.run_id, self.contacts, lease_s=60, resend_within_s=0)
        refused = [
            DeliveryResult(contact_id=one.contact_id, outcome=Outcome.REFUSED, detail="no") for one in lease.recipients
        ]
        self.ledger.record_message_outcomes(lease, refused)

    def bodies(self) -> dict[int, str]:
        return {row["contact_id"]: row["body"] for row in read_inbox(self.store, limit=1000)}

    def check(self) -> None:
        assert check_invariants(self.store) == []


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spend no time between rounds."""

    async def at_once(_: float) -> None:
        """Go on."""

    monkeypatch.setattr("promo_campaigns.delivery.retry_loop.asyncio.sleep", at_once)


def test_an_answer_stands_in_the_message_of_its_own_contact(dsn: str, store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(dsn, store, receiver, ASKED, 5)
    assert campaign.ask().ok == 5
    assert states(store, campaign.run) == {"assigned": 5}
    assert campaign.send().ok == 5
    assert campaign.bodies() == {who: f"{who * 10} points, cup {who}" for who in campaign.contacts}
    campaign.check()


def test_nobody_is_asked_for_twice_and_a_retry_reads_the_kept_answer(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(dsn, store, receiver, ASKED, 4)
    campaign.ask()
    receiver.answer = lambda _: Answer(body=b'{"points": 0, "items": [{"name": "other"}]}')
    assert campaign.ask().ok == 0
    assert len(receiver.received) == 4
    campaign.send()
    assert campaign.bodies()[campaign.contacts[0]] == f"{campaign.contacts[0] * 10} points, cup {campaign.contacts[0]}"


@pytest.mark.usefixtures("no_pauses")
def test_no_message_leaves_without_the_answer_it_reads(dsn: str, store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(dsn, store, receiver, ASKED, 3)
    assert campaign.send().ok == 0
    assert states(store, campaign.run) == {"assigned": 3}
    assert campaign.bodies() == {}
    late = f"/{campaign.contacts[0]}"
    receiver.answer = lambda request: Answer(status=503) if request.path.endswith(late) else answering(request)
    with pytest.raises(ReceiverUnavailableError):
        campaign.ask()
    assert campaign.send().ok == 2
    assert states(store, campaign.run) == {"assigned": 1, "accepted": 2}
    campaign.check()


def test_who_is_refused_before_the_message_is_sent_nothing_and_told_why(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(dsn, store, receiver, ASKED, 3)
    bad = campaign.contacts[1]
    receiver.answer = lambda request: Answer(status=404) if request.path.endswith(f"/{bad}") else answering(request)
    tally = campaign.ask()
    assert (tally.ok, tally.refused) == (2, 1)
    assert campaign.send().ok == 2
    row = store.execute("select contact_id, reason from promo.assignment where state = 'rejected'").fetchone()
    assert row == {"contact_id": bad, "reason": "data source: HTTP 404"}
    assert bad not in campaign.bodies()
    assert free_codes(store) == 1  # the receiver said that it did not take the call
    assert close_run(store, campaign.run.run_id).tally.rejected == {"data source: HTTP 404": 1}
    campaign.check()


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"<html>", "unknown"),
        (b"", "unknown"),
        (b'{"points": NaN}', "unknown"),
        (b'{"points": 1e999}', "unknown"),
        (b"[" * 100_000, "unknown"),
        (b"\xff", "unknown"),
        (b'{"points": "\\u0000"}', "refused"),
        (b'{"points": "\\ud800"}', "refused"),
        (json.dumps({"points": "x" * 70_000}).encode(), "refused"),
        (b'{"points": "\\\\u0000"}', "ok"),
        (b"[]", "ok"),
        (b'"text"', "ok"),
        (b"null", "ok"),
    ],
)
def test_an_answer_that_cannot_be_kept_is_never_half_kept(
    dsn: str, store: Connection, receiver: Receiver, body: bytes, outcome: str
) -> None:
    campaign = Campaign(dsn, store, receiver, ASKED, 1)
    receiver.answer = lambda _: Answer(body=body)
    if outcome == "unknown":
        with pytest.raises(ReceiverUnavailableError):
            campaign.ask()
        assert len(receiver.received) == 5
    else:
        assert getattr(campaign.ask(), outcome) == 1
    kept = store.execute("select value from promo.answer").fetchall()
    assert kept == ([{"value": json.loads(body)}] if outcome == "ok" else [])
    campaign.check()


def test_a_code_that_a_source_has_seen_never_goes_to_somebody_else(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(dsn, store, receiver, TOLD, 3)
    campaign.ask()
    campaign.refuse_messages()
    assert states(store, campaign.run) == {"rejected": 3}
    assert free_codes(store) == 0
    rows = store.execute("select retired, seen_at is not null as seen, issued_at from promo.promo_code").fetchall()
    assert rows == [{"retired": True, "seen": True, "issued_at": None}] * 3
    campaign.check()
    with pytest.raises(psycopg.errors.CheckViolation):
        tamper(store, "update promo.promo_code set retired = false")


def test_a_code_that_no_source_has_seen_goes_back(dsn: str, store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(dsn, store, receiver, ASKED, 3)
    campaign.ask()
    campaign.refuse_messages()
    assert free_codes(store) == 3
    campaign.check()


def test_a_code_that_is_loaded_again_stays_gone_once_it_was_seen(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(dsn, store, receiver, TOLD, 1)
    campaign.ask()
    campaign.refuse_messages()
    row = store.execute("select code from promo.promo_code").fetchone()
    assert row is not None
    again = f"code,expirationDate,discount,type,inUse\n{row['code']},2039-12-31,10,Welcome,false\n"
    report = load_code_file(store, io.BytesIO(again.encode()), name="again.csv")
    assert (report.inserted, report.updated, report.unchanged) == (0, 0, 1)
    assert free_codes(store) == 0


def test_a_seen_code_that_falls_short_is_not_exchanged_and_an_unseen_one_is(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    for spec, exchanged in ((TOLD, False), (ASKED, True)):
        store.execute("update promo.promo_code set retired = true")
        campaign = Campaign(dsn, store, receiver, replace(spec, workflow=f"w{exchanged}"), 1, key=f"key {exchanged}")
        run_id, contacts = campaign.run.run_id, campaign.contacts
        campaign.ask()
        add_codes(store, 1, prefix=f"LONG{exchanged}")
        held = campaign.ledger.held_codes(run_id, contacts)
        tamper(
            store, "update promo.promo_code set expires_at = now() + interval '5 days' where code = %s", [held[0][1]]
        )
        lease = campaign.ledger.begin_messages(run_id, contacts, lease_s=60, resend_within_s=0)
        assert (campaign.ledger.held_codes(run_id, contacts) != held) is exchanged
        assert len(lease.recipients) == 1
        campaign.check()


def test_a_seen_code_that_expires_is_gone_and_its_contact_is_asked_for_anew_with_another(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    """Under another key: schedule 156 found that a receiver of keys was asked about two codes under one."""
    campaign = Campaign(dsn, store, receiver, TOLD, 1)
    campaign.ask()
    tamper(store, "update promo.promo_code set expires_at = now()")
    assert campaign.send().ok == 0
    assert states(store, campaign.run) == {"expired": 1}
    assert store.execute("select seen_at is not null as seen from promo.promo_code").fetchone() == {"seen": True}
    close_run(store, campaign.run.run_id)
    add_codes(store, 1, prefix="SECOND")
    campaign.run = open_welcome(store, "welcome", campaign.run.spec)
    campaign.ledger.assign_codes(campaign.run.run_id, campaign.contacts, CODES)
    assert campaign.send().ok == 0
    assert campaign.ask().ok == 1
    assert "SECOND" in receiver.received[-1].path
    assert len({request.headers["Idempotency-Key"] for request in receiver.received}) == 2
    assert campaign.send().ok == 1
    campaign.check()


def test_a_contact_of_a_cancelled_run_that_goes_on_is_asked_for_under_another_key(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    """Schedule 613694030 found that a receiver of keys was asked about two codes under one."""
    campaign = Campaign(dsn, store, receiver, TOLD, 1)
    campaign.ask()
    cancel_run(store, "welcome")
    assert states(store, campaign.run) == {"skipped": 1}
    close_run(store, campaign.run.run_id)
    resume_run(store, "welcome")
    add_codes(store, 1, prefix="SECOND")
    campaign.run = open_welcome(store, "welcome", campaign.run.spec)
    campaign.ledger.assign_codes(campaign.run.run_id, campaign.contacts, CODES)
    assert campaign.ask().ok == 1
    assert "SECOND" in receiver.received[-1].path
    assert len({request.headers["Idempotency-Key"] for request in receiver.received}) == 2
    assert campaign.send().ok == 1
    campaign.check()


def test_a_contact_that_is_sent_to_anew_is_asked_for_anew_under_another_key(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(dsn, store, receiver, ASKED, 1)
    campaign.ask()
    campaign.refuse_messages()
    close_run(store, campaign.run.run_id)
    campaign.run = open_welcome(store, "welcome", campaign.run.spec)
    campaign.ledger.assign_codes(campaign.run.run_id, campaign.contacts, CODES)
    assert campaign.ask().ok == 1
    assert len({request.headers["Idempotency-Key"] for request in receiver.received}) == 2
    assert campaign.send().ok == 1
    campaign.check()


def test_a_worker_that_was_killed_while_it_asked_is_followed_by_one_that_asks_again(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(dsn, store, receiver, TOLD, 2)
    campaign.ledger.begin_answers(campaign.run.run_id, campaign.contacts, lease_s=60, source=0, shows_code=True)
    assert campaign.ask().ok == 0
    assert states(store, campaign.run) == {"sending": 2}
    store.execute("update promo.assignment set lease_until = now()")
    assert campaign.ask().ok == 2
    assert campaign.send().ok == 2
    campaign.check()


def test_a_late_answer_under_a_lost_lease_is_evidence_and_not_kept(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(dsn, store, receiver, TOLD, 1)
    lost = campaign.ledger.begin_answers(campaign.run.run_id, campaign.contacts, lease_s=60, source=0, shows_code=True)
    store.execute("update promo.assignment set lease_until = now()")
    campaign.ask()
    late = [DeliveryResult(contact_id=campaign.contacts[0], outcome=Outcome.OK, answer='{"points": "late"}')]
    campaign.ledger.record_answer_outcomes(lost, late)
    rows = store.execute("select value->>'points' as points from promo.answer").fetchall()
    assert rows == [{"points": str(campaign.contacts[0] * 10)}]
    campaign.check()


def test_two_sources_before_and_two_after_each_get_their_own_call_and_key(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    second, third = replace(PROFILE, name="second", path="/second"), replace(PROFILE, name="third", path="/third")
    level = replace(POINTS, name="level", path="/level/$contact_id")
    message = replace(PUSH, body="$data.get('points').get('points') and $level.get('points')")
    spec = replace(SPEC, message=message, data_sources=(POINTS, second, level, third))
    campaign = Campaign(dsn, store, receiver, spec, 2)
    assert campaign.ask(0).ok == 2
    assert campaign.send().ok == 0
    assert campaign.ask(2).ok == 2
    assert campaign.send().ok == 2
    assert campaign.record(1).ok == 2
    assert states(store, campaign.run) == {"accepted": 2}
    assert campaign.record(1).ok == 0
    assert campaign.record(3).ok == 2
    assert states(store, campaign.run) == {"recorded": 2}
    assert len({request.headers["Idempotency-Key"] for request in receiver.received}) == 8
    assert campaign.record(1, repair=True).ok == 2
    assert states(store, campaign.run) == {"recorded": 2}
    campaign.check()


def test_the_invariants_see_a_seen_code_that_went_back(dsn: str, store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(dsn, store, receiver, TOLD, 1)
    campaign.ask()
    store.execute("update promo.assignment set state = 'expired', reason = 'planted', promo_code_id = null")
    store.execute("update promo.promo_code set issued_at = null, held_by = null")
    assert [broken.invariant for broken in check_invariants(store)] == ["seen_is_gone"]


def test_the_invariants_see_a_message_that_left_without_its_answer(
    dsn: str, store: Connection, receiver: Receiver
) -> None:
    campaign = Campaign(dsn, store, receiver, ASKED, 1)
    store.execute("update promo.run set before = '{}'")
    campaign.ledger.begin_messages(campaign.run.run_id, campaign.contacts, lease_s=60, resend_within_s=0)
    store.execute("update promo.run set before = '{0}'")
    assert [broken.invariant for broken in check_invariants(store)] == ["answered_first"]


def test_an_erased_contact_leaves_no_answer(dsn: str, store: Connection, receiver: Receiver) -> None:
    campaign = Campaign(dsn, store, receiver, ASKED, 2)
    campaign.ask()
    campaign.send()
    erase_contact(store, campaign.contacts[0])
    rows = store.execute("select contact_id from promo.answer").fetchall()
    assert rows == [{"contact_id": campaign.contacts[1]}]
    campaign.check()
