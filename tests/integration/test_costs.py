"""What a contact costs the store, as far as it is no matter of time: statements, rows and bytes."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from integration.scenario import CODES, SPEC, add_codes, add_contacts, content, open_welcome
from promo_campaigns.delivery.batches import record_profiles, send_messages
from promo_campaigns.delivery.http_sender import HttpSender
from promo_campaigns.delivery.rendering import render_messages
from promo_campaigns.delivery.templates import compile_data_source, compile_message
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.transports.inbox import InboxTransport
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import read_batches
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

ROWS = 4
"""Of a contact: an assignment, an attempt each for the message and the profile, and the message in the inbox."""
MOST_BYTES = 1_900
CHUNK = 20
MOST_STATEMENTS = {"claim": 8, "message": 10, "profile": 7}
MOST_CHUNK = 6.5
"""Statements of a chunk's intent, evidence and breaker together, of messages and profiles alike."""


class Counter:
    """Counts the statements of a connection."""

    def __init__(self, connection: Connection) -> None:
        self.statements = 0
        counter = self

        class Counting(psycopg.Cursor[Any]):
            def execute(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401  (handed on as they are)
                counter.statements += 1
                return super().execute(*given, **named)

        connection.cursor_factory = Counting

    @contextmanager
    def counted(self) -> Iterator[list[int]]:
        """Yield a list that holds the number of the block's statements when it is left."""
        before, found = self.statements, list[int]()
        yield found
        found.append(self.statements - before)


@pytest.fixture
def no_vacuum(store: Connection) -> None:
    """Let every byte that a statement writes stay where it is."""
    tables = store.execute(
        "select relname from pg_class where relnamespace = 'promo'::regnamespace and relkind = 'r'"
    ).fetchall()
    for table in tables:
        text = sql.SQL("alter table promo.{} set (autovacuum_enabled = false)")
        store.execute(text.format(sql.Identifier(table["relname"])))


def open_newest(store: Connection, contacts: int) -> Run:
    """Open a run of the contacts that were added last."""
    newest = f"select contact_id from promo.contact order by contact_id desc limit {contacts}"  # noqa: S608  (a number)
    spec = replace(SPEC, audience=Audience(name=f"newest_{contacts}", sql=newest))
    return open_welcome(store, f"welcome/edition/{contacts}", spec)


def ledger_statements(store: Connection, contacts: int) -> dict[str, int]:
    """Take so many contacts through the ledger in one batch; return the statements of each step."""
    people = add_contacts(store, contacts)
    add_codes(store, contacts, prefix=f"OF-{contacts}")
    run, ledger, counter = open_newest(store, contacts), PostgresLedger(store), Counter(store)
    with counter.counted() as claim:
        ledger.assign_codes(run.run_id, people, CODES)
    with counter.counted() as message:
        lease = ledger.begin_messages(run.run_id, people, lease_s=60, resend_within_s=0)
        ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=who, outcome=Outcome.OK) for who in people])
    with counter.counted() as profile:
        lease = ledger.begin_profiles(run.run_id, people, lease_s=60)
        ledger.record_profile_outcomes(lease, [DeliveryResult(contact_id=who, outcome=Outcome.OK) for who in people])
    return {"claim": claim[0], "message": message[0], "profile": profile[0]}


def test_a_step_of_the_ledger_takes_as_many_statements_for_one_contact_as_for_hundreds(store: Connection) -> None:
    for_one = ledger_statements(store, 1)
    assert [ledger_statements(store, contacts) for contacts in (2, 300)] == [for_one, for_one]
    assert all(for_one[step] <= most for step, most in MOST_STATEMENTS.items()), for_one


def ledger_calls(store: Connection, contacts: int) -> dict[str, int]:
    """Take so many contacts from Start to a recorded profile in one batch; return how often each function was called.

    The server counts no call whose body the planner put in place.
    """
    people = add_contacts(store, contacts)
    add_codes(store, contacts, prefix=f"OF-{contacts}")
    before = function_calls(store)
    run, ledger = open_newest(store, contacts), PostgresLedger(store)
    (batch,) = read_batches(store, run)
    assert ledger.reachable_contacts(batch) == people
    ledger.assign_codes(run.run_id, people, CODES)
    lease = ledger.begin_messages(run.run_id, people, lease_s=60, resend_within_s=0)
    messages, _ = render_messages(compile_message(run.spec.message), run, lease.recipients)
    ledger.record_message_outcomes(lease, asyncio.run(InboxTransport.over(store).call(messages)))
    lease = ledger.begin_profiles(run.run_id, people, lease_s=60)
    ledger.record_profile_outcomes(lease, [DeliveryResult(contact_id=who, outcome=Outcome.OK) for who in people])
    ledger.require_no_lease(run.run_id, people)
    return {name: calls - before.get(name, 0) for name, calls in function_calls(store).items()}


def function_calls(store: Connection) -> dict[str, int]:
    """Return how often each of the store's functions was called."""
    store.execute("select pg_stat_force_next_flush()")
    rows = store.execute("select funcname, calls from pg_stat_user_functions where schemaname = 'promo'").fetchall()
    return {row["funcname"]: row["calls"] for row in rows}


def test_no_function_is_called_once_for_each_contact(store: Connection) -> None:
    store.execute("set track_functions = 'all'")
    for_two, for_many = (ledger_calls(store, contacts) for contacts in (2, 300))
    # The length of a code is looked at when it is claimed, for it may have come from another pool.
    assert {**for_many, "json_bytes": 0} == {**for_two, "json_bytes": 0}
    assert for_many["json_bytes"] <= 300


class Campaign:
    """Sends to new contacts in chunks; the receiver of their messages is the inbox."""

    def __init__(self, store: Connection, inbox: Connection, receiver: Receiver) -> None:
        self.store, self.inbox, self.receiver = store, inbox, receiver
        self.counter = Counter(store)

    def lay_out(self, contacts: int) -> list[int]:
        """Add so many contacts, and codes for them."""
        add_codes(self.store, contacts, prefix=f"OF-{contacts}")
        return add_contacts(self.store, contacts)

    def send(self, people: list[int]) -> int:
        """Send a campaign to the contacts added last and record it; return the statements of its chunks."""
        run = open_newest(self.store, len(people))
        PostgresLedger(self.store).assign_codes(run.run_id, people, CODES)
        with self.counter.counted() as statements:
            asyncio.run(self._send(run, people))
        return statements[0]

    async def _send(self, run: Run, people: list[int]) -> None:
        ledger = PostgresLedger(self.store)
        sent = await send_messages(
            ledger=ledger,
            breaker=PostgresBreaker(self.store, "inbox"),
            transport=InboxTransport.over(self.inbox),
            templates=compile_message(run.spec.message),
            run=run,
            contact_ids=people,
            in_flight=CHUNK,
        )
        recorded = await record_profiles(
            ledger=ledger,
            breaker=PostgresBreaker(self.store, "api"),
            sender=HttpSender(Endpoint(base_url=self.receiver.url, allow_private=True, concurrency=CHUNK)),
            templates=compile_data_source(run.spec.data_sources[0]),
            run=run,
            contact_ids=people,
        )
        assert (sent.ok, recorded.ok) == (len(people), len(people))


@pytest.fixture
def campaign(dsn: str, store: Connection, receiver: Receiver, no_vacuum: None) -> Iterator[Campaign]:  # noqa: ARG001  (its effect)
    with connect(dsn) as inbox:
        yield Campaign(store, inbox, receiver)


def test_a_chunk_of_contacts_takes_a_bounded_number_of_statements(campaign: Campaign) -> None:
    few, many = (campaign.send(campaign.lay_out(contacts)) for contacts in (2 * CHUNK, 16 * CHUNK))
    chunks = 2 * 14  # of messages, and of profiles
    assert (many - few) / chunks <= MOST_CHUNK


def test_a_contact_of_a_campaign_is_four_rows(campaign: Campaign, store: Connection) -> None:
    def kept() -> int:
        """Count all rows but those that a chunk adds to its run's counts, which become one when that is closed."""
        row = store.execute("select count(*) as n from promo.run_count").fetchone()
        return content(store)[0] - (int(row["n"]) if row else 0)

    def rows_of(contacts: int) -> int:
        people = campaign.lay_out(contacts)
        before = kept()
        campaign.send(people)
        return kept() - before

    campaign.send(campaign.lay_out(1))  # what is written once for all
    few, many = rows_of(20), rows_of(120)
    assert many - few == ROWS * 100


def test_a_contact_takes_no_more_of_the_disk_than_it_did(campaign: Campaign, store: Connection) -> None:
    """All that a campaign writes, until a vacuum takes away what was overwritten."""
    campaign.send(campaign.lay_out(20))
    people = campaign.lay_out(1000)
    _, before = content(store)
    campaign.send(people)
    _, after = content(store)
    assert (after - before) / len(people) <= MOST_BYTES
