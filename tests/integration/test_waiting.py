"""A block waits for a lease or a receiver in the triggerer, and spends no retry on it."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import RetryAction
from airflow.sdk.exceptions import TaskDeferred

from integration.scenario import CODES, add_codes, add_contacts, open_welcome, states
from promo_campaigns.cli.running import main
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.model.errors import LeaseHeldError, ReceiverRefusesError
from promo_campaigns.operators.base.retrying import RetryWhatMayPass
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


def test_a_receiver_that_fails_everybody_is_waited_for_and_nobody_is_lost(
    store: Connection, run: Run, receiver: Receiver
) -> None:
    asyncio.run(message(store, run).aexecute(CONTEXT))
    receiver.answer = lambda _: Answer(status=503)
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


@pytest.mark.parametrize("status", [301, 302, 308, 401, 402, 403, 407])
def test_a_refusal_that_no_waiting_fixes_fails_the_task_by_name_and_loses_nobody(
    store: Connection, run: Run, receiver: Receiver, status: int
) -> None:
    asyncio.run(message(store, run).aexecute(CONTEXT))
    receiver.answer = lambda _: Answer(status=status)
    named = rf"connection promo_profile_api refuses every call: HTTP {status}; look at .*No waiting helps.*5 of 5"
    with pytest.raises(ReceiverRefusesError, match=named) as raised:
        asyncio.run(data_source(store, run).aexecute(CONTEXT))
    decision = RetryWhatMayPass().evaluate(raised.value, try_number=1, max_tries=4)
    assert decision.action is RetryAction.FAIL
    assert f"HTTP {status}" in str(decision.reason)
    assert len(receiver.received) == 5
    with pytest.raises(ReceiverRefusesError, match=f"HTTP {status}"):
        asyncio.run(data_source(store, run).aexecute(CONTEXT))
    assert len(receiver.received) <= 7, "the next task finds out with a call or two"
    receiver.answer = lambda _: Answer()
    receiver.received.clear()
    asyncio.run(data_source(store, run).aexecute(CONTEXT))
    assert states(store, run) == {"recorded": 5}
    assert len({request.body for request in receiver.received}) == len(receiver.received) == 5


def test_the_report_of_a_run_names_the_receiver_that_refuses_until_it_is_corrected(
    store: Connection, run: Run, receiver: Receiver, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(message(store, run).aexecute(CONTEXT))
    receiver.answer = lambda _: Answer(status=401)
    with pytest.raises(ReceiverRefusesError):
        asyncio.run(data_source(store, run).aexecute(CONTEXT))
    assert main(["runs", "report", run.run_key, "--dsn", dsn]) == 0
    told = capsys.readouterr().out.replace("\\", "")
    assert "connection promo_profile_api refuses every call: HTTP 401; look at login, password" in told
    (named,) = read_report(store, run.run_id).as_dict()["receivers"]
    assert (named["refuses"], named["waits_until"]) == (True, None)
    receiver.answer = lambda _: Answer()
    asyncio.run(data_source(store, run).aexecute(CONTEXT))
    assert read_report(store, run.run_id).receivers == ()


def test_the_report_of_a_run_says_until_when_a_receiver_that_fails_is_waited_for(
    store: Connection, run: Run, receiver: Receiver
) -> None:
    asyncio.run(message(store, run).aexecute(CONTEXT))
    receiver.answer = lambda _: Answer(status=503)
    with pytest.raises(TaskDeferred):
        asyncio.run(data_source(store, run).aexecute(CONTEXT))
    told = read_report(store, run.run_id).as_markdown()
    assert re.search(
        r"connection promo\\_profile\\_api fails: HTTP 503. It is called again at \d\d:\d\d:\d\d UTC", told
    )


@pytest.mark.parametrize("host", ["no-such-host.invalid", "https://127.0.0.1"])
def test_a_wrong_host_or_scheme_fails_the_task_by_name(
    store: Connection, run: Run, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    asyncio.run(message(store, run).aexecute(CONTEXT))
    wrong = {**json.loads(receiver.connection), "host": host}
    right = os.environ["AIRFLOW_CONN_PROMO_PROFILE_API"]
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", json.dumps(wrong))
    with pytest.raises(ReceiverRefusesError, match=r"name was not found; look at the host|TLS failed.*look at host"):
        asyncio.run(data_source(store, run).aexecute(CONTEXT))
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", right)
    asyncio.run(data_source(store, run).aexecute(CONTEXT))
    assert states(store, run) == {"recorded": 5}
