"""A block waits for a lease or a receiver in the triggerer, and spends no retry on it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk.exceptions import TaskDeferred

from integration.scenario import CODES, add_codes, add_contacts, open_welcome, states
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import LeaseHeldError
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.message import SendMessageOperator
from receiver import Answer

if TYPE_CHECKING:
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

CONTEXT: Any = {}


@pytest.fixture
def run(store: Connection, dsn: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a run of five contacts with codes, and lead Airflow's connections to its store and receiver."""
    profile_api = {
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": receiver.port,
        "extra": {"allow_insecure": True, "allow_private": True},
    }
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", json.dumps(profile_api))
    contact_ids = add_contacts(store, 5)
    add_codes(store, 5)
    run = open_welcome(store)
    PostgresLedger(store).assign_codes(run.run_id, contact_ids, CODES)
    return run


def handed(store: Connection, run: Run) -> dict[str, Any]:
    rows = store.execute("select contact_id from promo.assignment order by 1").fetchall()
    contact_ids = [row["contact_id"] for row in rows]
    pairs = PostgresLedger(store).held_codes(run.run_id, contact_ids)
    return {"run_id": run.run_id, "contact_ids": contact_ids, "codes": [code for _, code in pairs]}


def message(store: Connection, run: Run) -> SendMessageOperator:
    return SendMessageOperator(task_id="message", assignments=handed(store, run), message="promo_push")


def data_source(store: Connection, run: Run) -> HttpDataSourceOperator:
    return HttpDataSourceOperator(task_id="source", assignments=handed(store, run), data_source="promo_to_profile")


def wait_of(deferred: pytest.ExceptionInfo[TaskDeferred]) -> float:
    """Return the seconds a deferred task waits for."""
    trigger = deferred.value.trigger
    assert isinstance(trigger, TimeDeltaTrigger)
    assert deferred.value.method_name == "resume"
    return float((trigger.moment - trigger.moment.now(trigger.moment.tzinfo)).total_seconds())


def test_contacts_of_a_killed_worker_are_waited_for_and_then_sent(store: Connection, run: Run) -> None:
    killed = PostgresLedger(store).begin_messages(
        run.run_id, handed(store, run)["contact_ids"][:2], lease_s=60, resend_within_s=0
    )
    with pytest.raises(TaskDeferred) as deferred:
        asyncio.run(message(store, run).aexecute(CONTEXT))
    assert 50 < wait_of(deferred) <= 61
    assert states(store, run) == {"sending": 2, "accepted": 3}
    store.execute("update promo.assignment set lease_until = promo.clock() where lease_token = %s", [killed.token])
    sent = asyncio.run(message(store, run).aexecute(CONTEXT))
    assert len(sent["contact_ids"]) == 5
    assert states(store, run) == {"accepted": 5}


def test_a_lease_that_runs_is_named_with_its_end(store: Connection, run: Run) -> None:
    ledger = PostgresLedger(store)
    contact_ids = handed(store, run)["contact_ids"]
    ledger.require_no_lease(run.run_id, contact_ids)
    ledger.begin_messages(run.run_id, contact_ids, lease_s=60, resend_within_s=0)
    with pytest.raises(LeaseHeldError, match=r"5 contacts of run \d+ are another worker's.*over in \d\d s"):
        ledger.require_no_lease(run.run_id, contact_ids)


@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_receiver_that_fails_everybody_is_waited_for_and_nobody_is_lost(
    store: Connection, run: Run, receiver: Receiver, status: int
) -> None:
    asyncio.run(message(store, run).aexecute(CONTEXT))
    receiver.answer = lambda _: Answer(status=status)
    with pytest.raises(TaskDeferred) as deferred:
        asyncio.run(data_source(store, run).aexecute(CONTEXT))
    assert wait_of(deferred) <= 61
    assert len(receiver.received) == 5, "an open breaker lets nobody through"
    with pytest.raises(TaskDeferred):
        asyncio.run(data_source(store, run).aexecute(CONTEXT))
    assert len(receiver.received) == 5
    receiver.answer = lambda _: Answer()
    store.execute("update promo.receiver set open_until = promo.clock()")
    asyncio.run(data_source(store, run).aexecute(CONTEXT))
    assert states(store, run) == {"recorded": 5}
