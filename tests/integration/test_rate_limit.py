"""The rate budget of a receiver, shared through one row: measured at a real receiver, and one rule at a time."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cut_line import cut_line
from integration.scenario import CODES, PROFILE, PUSH, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.delivery.http_sender import HttpSender
from promo_campaigns.delivery.throttle.rate_limit_store import MAX_BACK_OFF_S, open_rate_limiter
from promo_campaigns.http.client import Call, HttpClient
from promo_campaigns.http.rate_limit_port import TOKEN_BATCH_S, UNLIMITED, Budget, NoPermitError
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import ConfigurationError, DatabaseUnavailableError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.sql import queries
from rate_limited_receiver import LATENCY_S, counting_receiver, start_workers
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from promo_campaigns.delivery.throttle.rate_limit_store import PostgresRateLimiter
    from promo_campaigns.http.rate_limit_port import RateLimiter
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver

PER_S = 200.0


def test_four_workers_use_their_budget_and_keep_within_it_though_one_is_killed(dsn: str) -> None:
    """The receiver measures; for as long as it stands still itself, it cannot tell when calls came."""
    with counting_receiver() as seen:
        workers = start_workers(4, dsn, seen.url, Budget(per_s=PER_S), seconds=10)
        seen.wait_for(800)
        workers.processes[0].kill()
        trips = workers.told()
    assert len(trips) == 3
    assert seen.most_in(1.0) <= PER_S * (1 + TOKEN_BATCH_S) + PER_S * seen.stalled_s
    assert seen.best_rate(5.0) >= PER_S * 0.95
    assert min(share for worker, share in seen.shares().items() if worker != "worker-0") >= 0.2
    assert max(trips) <= 10 * 2 / TOKEN_BATCH_S, "tokens are leased by the batch"


def test_four_workers_never_have_more_calls_under_way_than_there_are_slots(dsn: str) -> None:
    with counting_receiver() as seen:
        start_workers(4, dsn, seen.url, Budget(concurrency=5), seconds=4).told()
    assert max(arrival.under_way for arrival in seen.arrivals) == 5
    assert seen.best_rate(2.0) >= 0.6 * 5 / LATENCY_S
    assert len(seen.shares()) == 4


def test_a_worker_that_waited_for_anothers_update_counts_the_slots_that_went_there(dsn: str, store: Connection) -> None:
    """Both ask at once: the second's statement begins before the first has its slots, and goes on behind it."""
    waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    budget = Budget(concurrency=5)

    async def body(one: PostgresRateLimiter, two: PostgresRateLimiter) -> None:
        with connect(dsn) as other, other.transaction():
            other.execute("select from promo.rate_budget for update")
            asking = []
            for limiter in (one, two):
                asking.append(asyncio.create_task(begins(limiter, deadline=soon(30))))
                while len(store.execute(waiting).fetchall()) < len(asking):  # noqa: ASYNC110  (the server tells nobody)
                    await asyncio.sleep(0)
        assert await asyncio.gather(*asking) == [True, True]
        slots = store.execute("select slots from promo.rate_budget").fetchone()
        assert slots is not None
        assert sorted(entry["held"] for entry in slots["slots"].values()) == [1, 1]

    with_limiters(dsn, 2, budget, body)


def test_fewer_slots_than_workers_go_round(dsn: str) -> None:
    with counting_receiver() as seen:
        start_workers(3, dsn, seen.url, Budget(concurrency=1), seconds=6).told()
    assert {arrival.under_way for arrival in seen.arrivals} == {1}
    assert len(seen.shares()) == 3


def with_limiters(
    dsn: str, workers: int, budget: Budget, body: Callable[..., Awaitable[None]], *, call_s: float = 1.0
) -> None:
    """Open the rate limiter of one receiver for several workers, and do something with them."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            limiters = [
                await stack.enter_async_context(open_rate_limiter(dsn, "one", budget, call_s=call_s))
                for _ in range(workers)
            ]
            await body(*limiters)

    asyncio.run(run())


async def begins(limiter: RateLimiter, *, deadline: float, weight: int = 1) -> bool:
    """Begin a call that is never over; False if it has no permit."""
    try:
        await limiter.permit(deadline=deadline, weight=weight).__aenter__()
    except NoPermitError:
        return False
    return True


def soon(seconds: float) -> float:
    return time.monotonic() + seconds


def test_a_receiver_without_limits_costs_the_store_nothing() -> None:
    async def run() -> None:
        async with open_rate_limiter("postgresql://nobody@nowhere.invalid/none", "one", None, call_s=1) as limiter:
            assert limiter is UNLIMITED
            async with limiter.permit(deadline=soon(-1)) as permit:
                permit.back_off(100)
            assert await begins(limiter, deadline=soon(-1))

    asyncio.run(run())


def test_a_call_after_the_deadline_is_refused_at_once_and_its_token_leased_by_nobody(dsn: str) -> None:
    async def body(one: PostgresRateLimiter, two: PostgresRateLimiter) -> None:
        assert await begins(one, deadline=soon(5))
        asked_at = time.monotonic()
        assert not await begins(two, deadline=soon(1))
        assert time.monotonic() - asked_at < 0.9
        assert 1 < two.wait_s <= 2
        assert await begins(two, deadline=soon(5))
        assert 1.9 < time.monotonic() - asked_at < 3.9

    with_limiters(dsn, 2, Budget(per_s=0.5), body)


@pytest.mark.parametrize(
    "budget",
    [Budget(per_s=1000), Budget(concurrency=5), Budget(per_s=1000, concurrency=5)],
    ids=["tokens", "slots", "both"],
)
def test_what_one_worker_is_told_to_wait_holds_for_all_with_jitter(dsn: str, store: Connection, budget: Budget) -> None:
    async def body(one: PostgresRateLimiter, two: PostgresRateLimiter) -> None:
        async with one.permit(deadline=soon(1)) as permit:
            permit.back_off(100)
        for limiter in (one, two):
            assert not await begins(limiter, deadline=soon(60))
            assert 99 < limiter.wait_s <= 130
        one.back_off(1e9)
        assert not await begins(one, deadline=soon(60))
        assert MAX_BACK_OFF_S - 1 < one.wait_s <= MAX_BACK_OFF_S * 1.5

    with_limiters(dsn, 2, budget, body)
    row = store.execute(
        "select extract(epoch from next_at - promo.clock())::float8 as wait_s from promo.rate_budget"
    ).fetchone()
    assert row is not None
    assert MAX_BACK_OFF_S - 60 < row["wait_s"] <= MAX_BACK_OFF_S * 1.5


def test_a_worker_with_a_token_hears_that_its_receiver_wants_no_calls(dsn: str) -> None:
    """It asks once, shortly before a token that it leased more than a second ago."""

    async def body(one: PostgresRateLimiter, two: PostgresRateLimiter) -> None:
        assert await begins(one, deadline=soon(5))
        waiting = asyncio.create_task(begins(two, deadline=soon(10)))
        while two.trips < 2:  # noqa: ASYNC110  (until it has leased the next token)
            await asyncio.sleep(0)
        one.back_off(100)
        assert not await waiting
        assert two.wait_s > 95
        assert (one.trips, two.trips) == (3, 4)

    with_limiters(dsn, 2, Budget(per_s=0.5), body)


def test_a_call_of_many_messages_takes_as_many_tokens(dsn: str) -> None:
    async def body(limiter: PostgresRateLimiter) -> None:
        began_at = time.monotonic()
        for _ in range(3):
            assert await begins(limiter, deadline=soon(10), weight=500)
        assert time.monotonic() - began_at > 0.95

    with_limiters(dsn, 1, Budget(per_s=1000), body)


def test_the_slots_of_a_killed_worker_come_back(dsn: str) -> None:
    async def body(killed: PostgresRateLimiter, other: PostgresRateLimiter) -> None:
        assert await begins(killed, deadline=soon(1))
        assert not await begins(other, deadline=soon(0.5))
        assert await begins(other, deadline=soon(10))

    with_limiters(dsn, 2, Budget(concurrency=1), body, call_s=0.5)


def test_a_slot_that_another_worker_got_while_its_call_waited_for_a_token_is_not_used(
    dsn: str, store: Connection
) -> None:
    """The store answers nobody until the slot has run out, and answers another worker first."""
    until = "select (value ->> 'until')::float8 as until from promo.rate_budget, jsonb_each(slots)"
    is_held = f"select from ({until}) held where until > extract(epoch from promo.clock())"  # noqa: S608  (our own)
    renewal = queries("promo_campaigns.delivery.throttle.rate_limit_store")["renew_slots"]
    another = {"receiver": "one", "holder": "another", "concurrency": 1, "wanted": 1, "in_use": 0, "hold_s": 60.0}

    async def body(limiter: PostgresRateLimiter) -> None:
        store.execute("update promo.rate_budget set next_at = promo.clock() + interval '1.5 s'")
        waiting = asyncio.create_task(begins(limiter, deadline=soon(4)))
        while not store.execute(is_held).fetchall():  # noqa: ASYNC110  (the server tells nobody)
            await asyncio.sleep(0)
        with connect(dsn) as other, other.transaction():
            other.execute("select from promo.rate_budget for update")
            while other.execute(is_held).fetchall():  # noqa: ASYNC110  (likewise)
                await asyncio.sleep(0)
            got = other.execute(renewal, another).fetchone()
        assert got is not None
        assert got["share"] == 1
        assert not await waiting

    with_limiters(dsn, 1, Budget(per_s=2, concurrency=1), body, call_s=0.0)


def test_a_worker_without_calls_keeps_no_slots(dsn: str) -> None:
    async def body(done: PostgresRateLimiter, other: PostgresRateLimiter) -> None:
        async with done.permit(deadline=soon(10)):
            assert not await begins(other, deadline=soon(0.3))
        assert await begins(other, deadline=soon(10))

    with_limiters(dsn, 2, Budget(concurrency=1), body, call_s=60)


def test_a_connection_that_is_lost_costs_no_token(dsn: str, store: Connection) -> None:
    async def body(limiter: PostgresRateLimiter) -> None:
        assert await begins(limiter, deadline=soon(5))
        store.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where pid <> pg_backend_pid() and datname = current_database()"
        )
        assert await begins(limiter, deadline=soon(10))

    with_limiters(dsn, 1, Budget(per_s=5), body)


def test_a_store_that_is_gone_means_later_and_is_asked_again(dsn: str) -> None:
    async def body(limiter: PostgresRateLimiter) -> None:
        assert await begins(limiter, deadline=soon(5))
        client.cut_at(1, away_s=3600.0)
        assert not await begins(limiter, deadline=soon(5))
        assert 0 < limiter.wait_s <= 5
        client.come_back()
        assert await begins(limiter, deadline=soon(10))

    with cut_line(dsn) as client:
        with_limiters(client.dsn, 1, Budget(per_s=5), body)


def test_no_store_and_an_old_schema_are_said_before_anything_is_sent(empty_database: str) -> None:
    async def open_and_close(dsn: str) -> None:
        async with open_rate_limiter(dsn, "one", Budget(per_s=1), call_s=1):
            pass

    with pytest.raises(DatabaseUnavailableError, match="cannot connect"):
        asyncio.run(open_and_close("postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(ConfigurationError, match="promo db migrate"):
        asyncio.run(open_and_close(empty_database))


def test_an_answer_that_asks_for_patience_holds_back_the_calls_of_every_client(dsn: str, receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(status=429, headers={"Retry-After": "100"})
    endpoint = Endpoint(base_url=receiver.url, allow_private=True)

    async def body(one: PostgresRateLimiter, two: PostgresRateLimiter) -> None:
        for limiter in (one, two):
            client = HttpClient(endpoint, limiter=limiter)
            async with client.connected():
                (answer,) = await client.send_all([Call(method="POST", path="/")], deadline=soon(60))
            assert answer.outcome is Outcome.LATER
            assert 99 < answer.retry_after_s <= 150
            assert not await begins(limiter, deadline=soon(60)), "it goes on once the store has heard"

    with_limiters(dsn, 2, Budget(per_s=100), body)
    assert len(receiver.received) == 1


def test_a_sender_commits_no_more_contacts_than_its_budget_can_call_in_time(dsn: str) -> None:
    async def body(limiter: PostgresRateLimiter) -> None:
        endpoint = Endpoint(base_url="https://receiver.example")
        assert HttpSender(endpoint, limiter=limiter).in_flight == 30
        assert HttpSender(endpoint).in_flight == 1000

    with_limiters(dsn, 1, Budget(per_s=2), body)


@pytest.fixture
def arrivals(dsn: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Lead Airflow's connections to store and receiver, within limits, and return when calls arrive."""
    extra = {"allow_insecure": True, "allow_private": True, "requests_per_s": 20, "concurrency": 4}
    profile_api = {"conn_type": "http", "host": "127.0.0.1", "port": receiver.port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", json.dumps(profile_api))
    arrived: list[float] = []

    def answer(_: Received) -> Answer:
        arrived.append(time.monotonic())
        return Answer()

    receiver.answer = answer
    return arrived


def test_the_message_block_and_the_data_source_block_share_the_budget_of_their_connection(
    store: Connection, arrivals: list[float]
) -> None:
    gateway = replace(PROFILE, name="gateway", body='{"to": "$locator", "text": "$body"}')
    by_webhook = replace(SPEC, transport="webhook", webhook=gateway, message=replace(PUSH, webhook=gateway.name))
    contact_ids = add_contacts(store, 20)
    add_codes(store, 20)
    run = open_welcome(store, spec=by_webhook)
    pairs = PostgresLedger(store).assign_codes(run.run_id, contact_ids, CODES)
    handed = {"run_id": run.run_id, "contact_ids": contact_ids, "codes": [code for _, code in pairs]}
    context: Any = {}
    message = SendMessageOperator(task_id="message", assignments=handed, message="promo_push", transport="webhook")
    sent = asyncio.run(message.aexecute(context))
    assert len(sent["contact_ids"]) == 20
    block = HttpDataSourceOperator(task_id="source", assignments=sent, data_source="promo_to_profile")
    assert asyncio.run(block.aexecute(context))["recorded"] == 20
    assert len(arrivals) == 40
    for half in (arrivals[:20], arrivals[20:]):
        assert half[-1] - half[0] >= 19 / 20 - TOKEN_BATCH_S
    budgets = store.execute("select receiver, slots from promo.rate_budget").fetchall()
    assert budgets == [{"receiver": "connection promo_profile_api", "slots": {}}]
