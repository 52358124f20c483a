"""Every cell of the outcome table, on a real socket and in the real ledger: what is sent again, who keeps a code."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import tracemalloc
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from faults.kill_worker import Posting
from faults.misbehaviour import CELLS, Cell, Misbehaving, running_misbehaving, say, send
from integration.scenario import CODES, PROFILE, PUSH, SPEC, add_codes, add_contacts, free_codes, open_welcome
from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.definitions.data_source_file import METHODS
from promo_campaigns.delivery.batches import ask_before_message, record_profiles, send_messages
from promo_campaigns.delivery.http_sender import HttpSender
from promo_campaigns.delivery.retry_loop import MAX_WAIT_S
from promo_campaigns.delivery.success_rule import SuccessRule
from promo_campaigns.delivery.templates import compile_data_source, compile_message
from promo_campaigns.delivery.throttle.breaker import FREE
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.transports.base import TransportSettings
from promo_campaigns.delivery.transports.webhook import WebhookTransport
from promo_campaigns.http.client import MAX_ANSWER_BYTES
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.answered_ledger import AnsweredLedger, make_ledger
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.model.errors import ReceiverRefusesError, ReceiverUnavailableError
from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingRequest
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.delivery.retry_loop import Tally
    from promo_campaigns.delivery.throttle.breaker import Admission
    from promo_campaigns.ledger.ledger import PostgresLedger
    from promo_campaigns.model.run import Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

TIMEOUT_S = 3.0
TRIES = 3
BODY_OF_BOTH = '{"contact": "$contact_id", "code": "$promocode"}'
QUERY_OF_BOTH = "?contact=$contact_id&code=$promocode"
WELCOME = replace(
    SPEC,
    message=replace(PUSH, title="", body="$promocode"),
    data_sources=(replace(PROFILE, path="/profile", body=BODY_OF_BOTH),),
)


ASKS = replace(
    WELCOME,
    message=replace(PUSH, title="", body="$promocode $data.get('points').get('id')"),
    data_sources=(replace(PROFILE, name="points", path="/points", body=BODY_OF_BOTH, before=True),),
)


def by(method: str, spec: RunSpec) -> RunSpec:
    """Return the same run whose data source calls by a method; a GET says in its query what a POST says in its body."""
    (source,) = spec.data_sources
    if method == "GET":
        source = replace(source, method=method, path=source.path + QUERY_OF_BOTH, body="")
    return replace(spec, data_sources=(source,))


SAYS_JSON = {"200", "201", "202", "203", "299", "JSON of another type"}
"""Cells of success that a message can read."""


class NoBreaker:
    """Lets every call through: most cells would open it."""

    def admit(self) -> Admission:
        return FREE

    def report(self, results: Sequence[DeliveryResult], admission: Admission) -> None:
        """Hear nothing."""


@pytest.fixture
def store(dsn: str) -> Iterator[Connection]:
    """Return a connection to a fresh store."""
    with connect(dsn) as connection:
        yield connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What the ledger says of a contact in the end, and what the receiver knows."""

    state: str
    code: str | None
    attempts: list[str | None]
    calls: int
    carried_out: list[str]


def send_all(
    ledger: PostgresLedger,
    run: Run,
    contacts: list[int],
    url: str,
    *,
    method: str = "POST",
    **breaker: PostgresBreaker,
) -> None:
    """Send to a receiver without keys, which is where a wrong conclusion costs most."""
    sender = HttpSender(Endpoint(base_url=url, allow_private=True, timeout_s=TIMEOUT_S, concurrency=100))
    sending = send_messages(
        ledger=ledger,
        breaker=breaker.get("breaker", NoBreaker()),
        transport=Posting(sender, "plain", in_flight=100, method=method),
        templates=compile_message(run.spec.message),
        run=run,
        contact_ids=contacts,
    )
    asyncio.run(sending)


def record_all(ledger: PostgresLedger, run: Run, contacts: list[int], url: str, **breaker: PostgresBreaker) -> None:
    recording = record_profiles(
        ledger=ledger,
        breaker=breaker.get("breaker", NoBreaker()),
        sender=HttpSender(Endpoint(base_url=url, allow_private=True, timeout_s=TIMEOUT_S, concurrency=100)),
        templates=compile_data_source(run.spec.data_sources[0]),
        run=run,
        contact_ids=contacts,
    )
    asyncio.run(recording)


def ask_all(ledger: AnsweredLedger, run: Run, contacts: list[int], url: str) -> None:
    source = run.spec.data_sources[0]
    endpoint = Endpoint(base_url=url, allow_private=True, timeout_s=TIMEOUT_S, concurrency=100)
    asking = ask_before_message(
        ledger=ledger,
        breaker=NoBreaker(),
        sender=HttpSender(endpoint, success_rule=SuccessRule(source)),
        templates=compile_data_source(source),
        run=run,
        contact_ids=contacts,
    )
    asyncio.run(asking)


def assigned(store: Connection, count: int, spec: RunSpec = WELCOME) -> tuple[PostgresLedger, Run, list[int]]:
    """Open a run in which everybody has a code."""
    contacts = add_contacts(store, count)
    add_codes(store, count)
    run = open_welcome(store, spec=spec)
    ledger = make_ledger(store, spec)
    ledger.assign_codes(run.run_id, contacts, CODES)
    return ledger, run, contacts


def accepted(store: Connection, count: int, spec: RunSpec = WELCOME) -> tuple[PostgresLedger, Run, list[int]]:
    """Open a run in which everybody has heard."""
    ledger, run, contacts = assigned(store, count, spec)
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=who, outcome=Outcome.OK) for who in contacts])
    return ledger, run, contacts


def books(store: Connection, run: Run, purpose: str, receiver: Misbehaving) -> dict[int, Book]:
    """Read the ledger beside what the receiver knows."""
    rows = store.execute(
        "select a.contact_id, a.state::text as state, p.code,"
        " (select array_agg(t.outcome order by t.attempt_id) from promo.attempt t"
        "  where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = %s) as attempts"
        " from promo.assignment a left join promo.promo_code p using (promo_code_id) where a.run_id = %s",
        [purpose, run.run_id],
    ).fetchall()
    return {
        row["contact_id"]: Book(
            state=row["state"],
            code=row["code"],
            attempts=row["attempts"],
            calls=receiver.calls[row["contact_id"]],
            carried_out=receiver.carried_out[row["contact_id"]],
        )
        for row in rows
    }


@contextlib.contextmanager
def _facing(cells: list[Cell], contacts: list[int]) -> Iterator[Misbehaving]:
    with running_misbehaving() as receiver:
        receiver.cells = dict(zip(contacts, cells, strict=True))
        yield receiver


@pytest.mark.parametrize("method", METHODS)
def test_each_answer_proves_of_a_message_what_the_table_says(store: Connection, method: str) -> None:
    """A refusal gives the code back; an unknown outcome keeps it and is not sent again; later is sent again."""
    ledger, run, contacts = assigned(store, len(CELLS))
    with _facing(CELLS, contacts) as receiver:
        send_all(ledger, run, contacts, receiver.url, method=method)
        found = books(store, run, "message", receiver)
    ends = {
        Outcome.OK: ("accepted", ["ok"], 1),
        Outcome.REFUSED: ("rejected", ["refused"], 1),
        Outcome.LATER: ("accepted", ["refused", "ok"], 2),
        Outcome.UNKNOWN: ("unknown", [None], 1),
    }
    wrong = {
        cell.name: book
        for cell, book in zip(CELLS, (found[who] for who in contacts), strict=True)
        if (book.state, book.attempts, book.calls) != ends[cell.proves]
        or (book.code is None) is not (cell.proves is Outcome.REFUSED)
        or any(code != book.code for code in book.carried_out)
    }
    assert wrong == {}
    assert free_codes(store) == sum(cell.proves is Outcome.REFUSED for cell in CELLS)
    assert receiver.paths == {"/message"}
    assert check_invariants(store) == []


@pytest.mark.parametrize("method", METHODS)
def test_each_answer_proves_of_a_profile_what_the_table_says(store: Connection, method: str) -> None:
    """Unknown outcomes are written again, for it is the same value; refusals wait for somebody; nobody loses a code."""
    ledger, run, contacts = accepted(store, len(CELLS), by(method, WELCOME))
    with _facing(CELLS, contacts) as receiver:
        record_all(ledger, run, contacts, receiver.url)
        found = books(store, run, "profile", receiver)
    ends = {
        Outcome.OK: ("recorded", ["ok"], 1),
        Outcome.REFUSED: ("accepted", ["refused"], 1),
        Outcome.LATER: ("recorded", ["refused", "ok"], 2),
        Outcome.UNKNOWN: ("recorded", [None, "ok"], 2),
    }
    wrong = {
        cell.name: book
        for cell, book in zip(CELLS, (found[who] for who in contacts), strict=True)
        if (book.state, book.attempts, book.calls) != ends[cell.proves] or set(book.carried_out) - {book.code}
    }
    assert wrong == {}
    assert free_codes(store) == 0
    assert receiver.paths == {"/profile"}
    assert check_invariants(store) == []


@pytest.mark.parametrize("method", METHODS)
def test_each_answer_proves_of_a_question_what_the_table_says(store: Connection, method: str) -> None:
    """A refusal gives back a code not seen; an unknown outcome, and what is no JSON, is asked again under its key."""
    ledger, run, contacts = assigned(store, len(CELLS), by(method, ASKS))
    assert isinstance(ledger, AnsweredLedger)
    with _facing(CELLS, contacts) as receiver:
        ask_all(ledger, run, contacts, receiver.url)
        found = books(store, run, "answer", receiver)
    ends = {
        Outcome.OK: ("assigned", ["ok"], 1),
        Outcome.REFUSED: ("rejected", ["refused"], 1),
        Outcome.LATER: ("assigned", ["refused", "ok"], 2),
        Outcome.UNKNOWN: ("assigned", [None, "ok"], 2),
    }
    wrong = {}
    for cell, who in zip(CELLS, contacts, strict=True):
        book, reads = found[who], cell.proves is not Outcome.OK or cell.name in SAYS_JSON
        if (book.state, book.attempts, book.calls) != ends[cell.proves if reads else Outcome.UNKNOWN]:
            wrong[cell.name] = book
    assert wrong == {}
    assert free_codes(store) == sum(cell.proves is Outcome.REFUSED for cell in CELLS)
    assert len(receiver.keys) == len(CELLS)
    assert check_invariants(store) == []


DROPS = Cell("closed without an answer", Outcome.UNKNOWN, send(then=lambda client: client.close()))
EACH_TENTH = range(0, 100, 10)


def drops_each_tenth(contacts: list[int]) -> dict[int, Cell]:
    """Let the receiver take the request of each tenth contact and close, without an answer."""
    return {contacts[place]: DROPS for place in EACH_TENTH}


@pytest.mark.parametrize("method", METHODS)
def test_a_webhook_is_called_once_for_an_attempt_and_a_dropped_call_is_unknown(store: Connection, method: str) -> None:
    """The named case: by GET, 108 messages arrived for 100 contacts, and all 100 were booked as ok."""
    ledger, run, contacts = assigned(store, 100)
    with running_misbehaving() as receiver:
        receiver.cells = drops_each_tenth(contacts)
        tally = asyncio.run(_send_by_webhook(ledger, run, contacts, receiver, method))
        found = books(store, run, "message", receiver)
    assert (tally.ok, tally.unknown, tally.refused, tally.later) == (90, 10, 0, 0)
    assert {book.calls for book in found.values()} == {1}
    assert {who for who, book in found.items() if book.attempts == [None]} == set(receiver.cells)
    assert {found[who].state for who in receiver.cells} == {"unknown"}
    assert check_invariants(store) == []


async def _send_by_webhook(
    ledger: PostgresLedger, run: Run, contacts: list[int], receiver: Misbehaving, method: str
) -> Tally:
    query, body = "?contact=$contact_id&code=$body", '{"contact": "$contact_id", "code": "$body"}'
    source = replace(PROFILE, path="/message", body=body, method=method)
    if method == "GET":
        source = replace(source, path=f"/message{query}", body="", headers={})
    extras = {"allow_insecure": True, "allow_private": True, "concurrency": 4}
    named = ConnectionSettings(name="connection hook", host="127.0.0.1", port=receiver.port, extras=extras)
    async with WebhookTransport(TransportSettings(connection=named, webhook=source)) as transport:
        return await send_messages(
            ledger=ledger,
            breaker=NoBreaker(),
            transport=transport,
            templates=compile_message(run.spec.message),
            run=run,
            contact_ids=contacts,
        )


@pytest.mark.parametrize("method", METHODS)
def test_a_data_source_is_asked_once_for_an_attempt(store: Connection, method: str) -> None:
    """Contacts without an answer are asked for again, under the same key and with an attempt of its own."""
    ledger, run, contacts = assigned(store, 100, by(method, ASKS))
    assert isinstance(ledger, AnsweredLedger)
    with running_misbehaving() as receiver:
        receiver.cells = drops_each_tenth(contacts)
        ask_all(ledger, run, contacts, receiver.url)
        found = books(store, run, "answer", receiver)
    assert {who: book.attempts for who, book in found.items()} == {
        who: [None, "ok"] if who in receiver.cells else ["ok"] for who in contacts
    }
    assert all(book.calls == len(book.attempts) for book in found.values())
    assert len(receiver.keys) == len(contacts)
    assert check_invariants(store) == []


@pytest.mark.parametrize("status", [401, 403])
def test_being_locked_out_costs_nobody_anything(store: Connection, status: int) -> None:
    ledger, run, contacts = assigned(store, 4)
    locked = Cell("locked", Outcome.LATER, say(status))
    with _facing([locked] * 4, contacts) as receiver:
        with pytest.raises(ReceiverRefusesError, match=f"HTTP {status}"):
            send_all(ledger, run, contacts, receiver.url, breaker=PostgresBreaker(store, "plain"))
        found = books(store, run, "message", receiver)
    assert {(book.state, book.calls, book.code is None) for book in found.values()} == {("assigned", 1, False)}
    assert PostgresBreaker(store, "plain").admit().at_fault
    with _facing([], []) as repaired:
        send_all(ledger, run, contacts, repaired.url, breaker=PostgresBreaker(store, "plain"))
    assert set(ledger.states(run.run_id, contacts).values()) == {"accepted"}
    assert check_invariants(store) == []


@pytest.mark.parametrize(("asked", "wait_s"), [("1e9", MAX_WAIT_S), ("120", 120)])
def test_a_receiver_that_asks_for_long_patience_gets_it_and_holds_no_worker(
    store: Connection, asked: str, wait_s: float
) -> None:
    ledger, run, contacts = assigned(store, 2)
    with _facing([Cell("long", Outcome.LATER, say(429, f"Retry-After: {asked}"))] * 2, contacts) as receiver:
        with pytest.raises(ReceiverUnavailableError, match="asks 2 contacts to wait") as raised:
            send_all(ledger, run, contacts, receiver.url)
        assert sum(receiver.calls.values()) == 2
    assert raised.value.wait_s == wait_s
    assert set(ledger.states(run.run_id, contacts).values()) == {"assigned"}


def test_a_receiver_that_is_away_took_nothing() -> None:
    """Refused connections, and ones that nobody accepts, prove that not a byte arrived."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as crowd:
        address = full.getsockname()
        for _ in range(8):
            waiting = crowd.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003  (the only way it takes it)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(address)
        silent = send_one(f"http://127.0.0.1:{address[1]}")
    refused = send_one(f"http://127.0.0.1:{address[1]}")
    assert {(result.outcome, result.detail) for result in (silent, refused)} == {
        (Outcome.LATER, "no connection: the host does not answer"),
        (Outcome.LATER, "no connection: refused, nothing listens at this host and port"),
    }


@pytest.mark.parametrize(
    ("path", "headers"),
    [("@elsewhere.example/x", {}), (".elsewhere.example/x", {}), (":99999999/x", {}), ("/x", {"A": "1\r\nB: 2"})],
)
def test_what_cannot_be_sent_is_refused_before_a_byte_leaves(path: str, headers: dict[str, str]) -> None:
    with running_misbehaving() as receiver:
        result = send_one(receiver.url, path=path, headers=headers)
        assert result.outcome is Outcome.REFUSED
        assert not receiver.calls


def test_a_connection_that_closes_while_it_is_reused_loses_and_doubles_nobody(store: Connection) -> None:
    """The receiver closes after each answer and says nothing of it, so that every next request races with the end.

    A contact that loses the race again and again is recorded by the task's next try.
    """
    ledger, run, contacts = accepted(store, 40)

    def close_silently(client: socket.socket) -> bool:
        carried = say()(client)
        client.shutdown(socket.SHUT_WR)
        return carried

    with _facing([Cell("closing", Outcome.OK, close_silently)] * 40, contacts) as receiver:
        for _ in range(TRIES):
            recording = record_profiles(
                ledger=ledger,
                breaker=NoBreaker(),
                sender=HttpSender(Endpoint(base_url=receiver.url, allow_private=True, concurrency=1)),
                templates=compile_data_source(run.spec.data_sources[0]),
                run=run,
                contact_ids=contacts,
            )
            with contextlib.suppress(ReceiverUnavailableError):
                asyncio.run(recording)
                break
        found = books(store, run, "profile", receiver)
    assert {book.state for book in found.values()} == {"recorded"}
    assert all(set(book.carried_out) == {book.code} for book in found.values())


@pytest.mark.parametrize("name", ["gzip bomb", "endless body"])
def test_no_answer_takes_more_memory_than_its_limit(name: str) -> None:
    (cell,) = [cell for cell in CELLS if cell.name == name]
    with running_misbehaving() as receiver:
        receiver.cells = {1: cell}
        tracemalloc.start()
        try:
            result = send_one(receiver.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert result.outcome is Outcome.OK
    assert peak < 8 * MAX_ANSWER_BYTES


def send_one(url: str, *, path: str = "/x", headers: dict[str, str] | None = None) -> DeliveryResult:
    """Post for contact 1."""
    request = OutgoingRequest(
        contact_id=1,
        method="POST",
        path=path,
        headers=headers or {},
        body='{"contact": 1, "code": "x"}',
        idempotency_key="k",
    )
    sender = HttpSender(Endpoint(base_url=url, allow_private=True, timeout_s=TIMEOUT_S))
    return asyncio.run(sender.send([request], deadline=time.monotonic() + 60))[0]


def test_a_date_in_retry_after_goes_by_the_receivers_clock() -> None:
    """Its clock may be a year behind ours, and thirty seconds are thirty seconds all the same."""
    then = time.time() - 365 * 86400
    act = say(429, f"Date: {formatdate(then, usegmt=True)}", f"Retry-After: {formatdate(then + 30, usegmt=True)}")
    with running_misbehaving() as receiver:
        receiver.cells = {1: Cell("dated", Outcome.LATER, act)}
        assert send_one(receiver.url).retry_after_s == 30
