"""Batches that size themselves: as few as keep all slots at work, each small enough for an XCom."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from promo_campaigns.ledger.batch_sizes import FRAME_BYTES, LEAST_CONTACTS, XCOM_BYTES, best_batch_size

LOCAL, CELERY = 2, 16
BYTES = 7 + 2 + 16 + 2
"""Of a contact with an id of seven digits and a code of fourteen characters."""


def batches_of(contacts: int, size: int) -> int:
    return -(-contacts // size)


@pytest.mark.parametrize(
    ("contacts", "slots", "batches"),
    [
        (1, LOCAL, 1),
        (1_000, LOCAL, 1),
        (1_000, CELERY, 1),
        (20_000, LOCAL, 2),
        (20_000, CELERY, 4),
        (100_000, LOCAL, 4),
        (100_000, CELERY, 16),
        (1_000_000, LOCAL, 28),
        (1_000_000, CELERY, 32),
        (10_000_000, LOCAL, 272),
        (10_000_000, CELERY, 272),
    ],
)
def test_a_run_has_as_few_batches_as_keep_all_slots_at_work(contacts: int, slots: int, batches: int) -> None:
    size = best_batch_size(contacts, task_slots=slots, contact_bytes=BYTES)
    assert batches_of(contacts, size) == batches


def test_an_empty_run_has_a_size_as_well() -> None:
    assert best_batch_size(0, task_slots=LOCAL, contact_bytes=BYTES) >= 1


@given(st.integers(1, 50_000_000), st.integers(1, 64), st.integers(6, 800))
@example(100_000, 3, 28)
@example(19_955_398, 1, 189)
def test_every_xcom_stays_under_a_megabyte_and_no_slot_stands_idle(contacts: int, slots: int, each: int) -> None:
    size = best_batch_size(contacts, task_slots=slots, contact_bytes=each)
    batches = batches_of(contacts, size)
    assert size * each < XCOM_BYTES
    assert batches <= max(slots, batches_of(contacts, (XCOM_BYTES - FRAME_BYTES) // each) + slots)
    if contacts >= slots * LEAST_CONTACTS:
        assert batches >= slots
    if batches > slots:
        assert batches * size - contacts < size or batches % slots == 0


@given(st.integers(1, 10**9), st.text(min_size=1, max_size=40))
def test_what_a_contact_takes_is_no_more_than_was_reckoned_with(last: int, code: str) -> None:
    """The bytes that the store reckons with for an id and a code, beside what Airflow's JSON makes of them."""
    text = code.encode("ascii", "replace").decode()
    reckoned = len(str(last)) + 2 + len(json.dumps(text)) + 2
    batch = {"run_id": 1, "contact_ids": [last] * 50, "codes": [text] * 50}
    assert len(json.dumps(batch)) <= 50 * reckoned + 60


@pytest.mark.parametrize(
    ("contacts", "slots", "tasks"),
    [(1_000, LOCAL, 6), (1_000, CELERY, 6), (100_000, LOCAL, 18), (1_000_000, LOCAL, 162), (1_000_000, CELERY, 162)],
)
def test_a_campaign_has_few_tasks(contacts: int, slots: int, tasks: int) -> None:
    """Start and End, and four a batch: each costs Airflow about a second of processor."""
    size = best_batch_size(contacts, task_slots=slots, contact_bytes=BYTES)
    assert 2 + 4 * batches_of(contacts, size) <= tasks
