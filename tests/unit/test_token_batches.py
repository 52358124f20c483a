"""Tokens of a rate budget: what batches of any workers, taken at any moments, come to."""

from __future__ import annotations

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.delivery.throttle.rate_limit import LATE_S, TokenBatch, next_chunk
from promo_campaigns.http.rate_limit_port import CHUNK_S, TOKEN_BATCH_S, Budget

RATES = st.sampled_from([0.5, 1.0, 3.0, 7.0, 20.0, 200.0, 350.0])


@given(
    RATES, st.lists(st.tuples(st.integers(1, 50), st.lists(st.floats(0, 0.3), max_size=60)), min_size=1, max_size=30)
)
def test_no_second_sees_more_than_the_budget_and_a_batch(per_s: float, workers: list[tuple[int, list[float]]]) -> None:
    """Batches follow each other without a gap, their holders come back to them after any pauses: the worst there is."""
    budget = Budget(per_s=per_s)
    begun: list[float] = []
    next_at = 0.0
    for wanted, pauses in workers:
        tokens = budget.tokens(wanted)
        leased = TokenBatch(next_at, tokens, 1 / per_s)
        now = next_at
        next_at += tokens / per_s
        for pause in pauses:
            now += pause
            moment = leased.take(now)
            if moment is None:
                break
            now = max(now, moment)
            assert moment <= now <= moment + LATE_S + 1e-6
            begun.append(now)
    begun.sort()
    batch_tokens = max(1, per_s * TOKEN_BATCH_S)
    for place, start in enumerate(begun):
        assert bisect_left(begun, start + 1.0 - 1e-6) - place <= per_s + batch_tokens + 1e-6


@given(RATES, st.integers(1, 50))
def test_a_worker_that_is_in_time_loses_no_token(per_s: float, wanted: int) -> None:
    budget = Budget(per_s=per_s)
    tokens = budget.tokens(wanted)
    leased = TokenBatch(100.0, tokens, 1 / per_s)
    moments = [leased.take(100.0) for _ in range(tokens)]
    assert moments == [100.0 + token / per_s for token in range(tokens)]
    assert leased.take(100.0) is None


@given(RATES, st.integers(1, 500), st.integers(1, 500))
def test_a_batch_is_as_long_as_it_may_be_and_as_the_first_call_needs(per_s: float, wanted: int, weight: int) -> None:
    budget = Budget(per_s=per_s)
    tokens = budget.tokens(wanted, weight)
    assert weight <= tokens <= max(weight, wanted)
    assert tokens == weight or tokens / per_s <= budget.token_batch_s + 1e-6


def test_a_missed_token_is_lost_and_the_next_is_not() -> None:
    leased = TokenBatch(0.0, 10, 0.1)
    assert leased.take(0.02) == 0.0
    assert leased.take(0.36) == 0.4
    assert leased.take(0.36) == 0.5
    assert leased.take(0.92) == 0.9
    assert leased.take(0.92) is None


def test_a_call_that_weighs_more_takes_as_many_tokens() -> None:
    leased = TokenBatch(0.0, 10, 0.1)
    assert leased.take(0.0, weight=4) == 0.0
    assert leased.take(0.0, weight=4) == 0.4
    assert leased.take(0.0, weight=4) is None
    assert leased.take(0.0) is None


def test_without_a_rate_nobody_waits_for_tokens() -> None:
    assert Budget(concurrency=3).tokens(7) == 7
    assert Budget(concurrency=3).chunk(500) == 500


@given(RATES, st.integers(1, 1000))
def test_a_chunk_needs_a_fraction_of_its_lease(per_s: float, most: int) -> None:
    chunk = Budget(per_s=per_s).chunk(most)
    assert 1 <= chunk <= most
    assert chunk == 1 or chunk / per_s <= CHUNK_S


@given(st.integers(1, 500), st.floats(0.001, 1000))
def test_chunks_shrink_until_they_fit_their_lease_and_grow_again(size: int, each_s: float) -> None:
    """Calls of any speed, but no more of them than half a lease has time for."""
    for _ in range(12):
        called = size
        size = min(500, next_chunk(size, called, took_s=min(60.0, called * each_s), lease_s=120.0))
    assert size == 1 or size * each_s <= 30.0
    assert size == 500 or size * each_s >= 15.0 / 2 - each_s
