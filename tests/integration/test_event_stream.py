"""The task that stays while events keep coming, on a real store and without a scheduler."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from integration.scenario import add_codes, add_contacts
from integration.test_event_queue import arrive
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.event_queue import acquire, listen, wake
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.model.errors import LedgerError, ReceiverRefusesError
from promo_campaigns.operators.event_stream import AnswerEventsOperator
from receiver import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

OTHER_SIDE = "Etc/GMT+12"
"""Where it is twelve hours earlier than UTC."""


@pytest.fixture
def include(tmp_path: Path) -> Path:
    (tmp_path / "messages").mkdir()
    text = 'channel: mobilepush\ntitle: Paid\nbody: "$promocode for $!order"\n'
    (tmp_path / "messages" / "paid.yaml").write_text(text)
    (tmp_path / "fields.yaml").write_text("events: {OrderPaid: [order]}\n")
    return tmp_path


@pytest.fixture
def answer(include: Path, dsn: str, store: Connection, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401  (a function of keywords)
    """Return a function that runs the task of a DAG run to its end."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    listen(store, workflow="paid", type_name="OrderPaid")
    add_codes(store, 50)

    def run(run_id: str = "one", **more: Any) -> dict[str, int]:  # noqa: ANN401  (parameters of the block)
        block = AnswerEventsOperator(
            task_id="answer_events",
            workflow="paid",
            event="OrderPaid",
            message="paid",
            type="Welcome",
            discount=10,
            days=7,
            include_folder=str(include),
            **{"linger": 0, **more},
        )
        dag_run = SimpleNamespace(run_type="asset_triggered", logical_date=None, run_id=run_id)
        context: Any = {"dag_run": dag_run}
        return asyncio.run(block.aexecute(context))

    return run


@pytest.fixture
def recorded(include: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """Return the receiver of profiles, to which the message's data source leads."""
    (include / "data_sources").mkdir()
    source = 'connection: profiles\npath: /profile\nbody: \'{"order": "$order"}\'\n'
    (include / "data_sources" / "profile.yaml").write_text(source)
    body = "#set($url = $!data.get('profile'))$promocode for $!order"
    (include / "messages" / "paid.yaml").write_text(f'channel: mobilepush\ntitle: Paid\nbody: "{body}"\n')
    monkeypatch.setenv("AIRFLOW_CONN_PROFILES", receiver.connection)
    return receiver


def set_hour(store: Connection, hour: int) -> None:
    """Stop the store's clock at this hour of today, UTC."""
    today = datetime.now(timezone.utc).replace(hour=hour, minute=0, second=0, microsecond=0)
    store.execute(
        "create or replace function promo.clock() returns timestamptz language sql stable parallel safe"
        f" return timestamptz '{today.isoformat()}'"
    )


def open_runs(store: Connection) -> int:
    row = store.execute("select count(*) as n from promo.run where closed_at is null").fetchone()
    assert row is not None
    return int(row["n"])


def test_what_waits_is_answered_and_running_it_again_answers_nothing_twice(store: Connection, answer: Any) -> None:  # noqa: ANN401  (the fixture's function)
    contacts = add_contacts(store, 3)
    arrive(store, contacts, order="A-7")
    arrive(store, contacts[:1], order="A-8")
    assert answer() == {"runs": 2, "events": 4, "accepted": 4}
    bodies = [message["body"].partition(" for ")[2] for message in read_inbox(store)]
    assert sorted(bodies) == ["A-7", "A-7", "A-7", "A-8"]
    assert answer() == {"runs": 0, "events": 0, "accepted": 0}
    arrive(store, contacts)
    assert answer() == {"runs": 1, "events": 3, "accepted": 3}
    assert len(read_inbox(store)) == 7
    assert open_runs(store) == 0
    assert check_invariants(store) == []


def test_contacts_in_quiet_hours_are_waited_for_and_hold_nobody_up(store: Connection, answer: Any) -> None:  # noqa: ANN401  (the fixture's function)
    """At three in the morning by UTC it is three in the afternoon of the day before on the other side."""
    asleep, awake = add_contacts(store, 2)
    store.execute("update promo.contact set time_zone = %s where contact_id = %s", [OTHER_SIDE, awake])
    hours = {"quiet_hours": "00:00-12:00", "time_zone": "UTC"}
    set_hour(store, 3)
    arrive(store, [asleep, awake])
    with pytest.raises(TaskDeferred) as deferred:
        answer(**hours)
    assert deferred.value.method_name == "resume"
    assert [message["contact_id"] for message in read_inbox(store)] == [awake]
    assert open_runs(store) == 1
    set_hour(store, 13)
    assert answer(**hours)["accepted"] == 2
    assert {message["contact_id"] for message in read_inbox(store)} == {asleep, awake}
    assert open_runs(store) == 0


def test_the_task_leaves_when_another_has_come(store: Connection, answer: Any) -> None:  # noqa: ANN401  (the fixture's function)
    """By itself it would linger for an hour."""
    arrive(store, add_contacts(store, 2))
    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(answer, linger=3600, lively=3600)
        while len(read_inbox(store)) < 2 and not task.done():
            time.sleep(0.05)
        acquire(store, "paid", "somebody", quiet_s=60)
        assert task.result(timeout=60) == {"runs": 1, "events": 2, "accepted": 2}


def test_the_task_ends_when_its_time_is_up_and_the_next_task_goes_on(store: Connection, answer: Any) -> None:  # noqa: ANN401  (the fixture's function)
    arrive(store, add_contacts(store, 4))
    assert answer("one", lively=0, linger=3600, max_events=2) == {"runs": 1, "events": 2, "accepted": 2}
    assert wake(store, "paid", quiet_s=60)
    assert answer("two", max_events=2) == {"runs": 1, "events": 2, "accepted": 2}


def test_the_task_waits_in_the_triggerer_for_a_receiver_that_asks_for_it_and_then_goes_on(
    store: Connection,
    answer: Any,  # noqa: ANN401  (the fixture's function)
    recorded: Receiver,
) -> None:
    """Meanwhile nobody is woken for the events: another task would run into the same."""
    arrive(store, add_contacts(store, 2), order="A-7")
    recorded.answer = lambda _: Answer(status=429, headers={"Retry-After": "3000"})
    with pytest.raises(TaskDeferred) as deferred:
        answer()
    assert deferred.value.method_name == "resume"
    assert (len(read_inbox(store)), open_runs(store)) == (2, 1)
    arrive(store, add_contacts(store, 1), order="A-8")
    assert not wake(store, "paid", quiet_s=0)
    recorded.answer = lambda _: Answer()
    assert answer() == {"runs": 2, "events": 3, "accepted": 3}
    assert (len(read_inbox(store)), open_runs(store)) == (3, 0)


def test_a_run_that_the_receiver_refuses_for_good_holds_up_no_other_and_fails_the_task_at_its_end(
    store: Connection,
    answer: Any,  # noqa: ANN401  (the fixture's function)
    recorded: Receiver,
) -> None:
    arrive(store, add_contacts(store, 1), order="A-7")
    arrive(store, add_contacts(store, 1), order="A-8")
    recorded.answer = lambda request: Answer(status=422 if request.json["order"] == "A-7" else 200)
    with pytest.raises(LedgerError, match=r"1 of 2 runs are not finished; paid/.*/1: data source 'profile' refused"):
        answer(max_events=1)
    assert (len(read_inbox(store)), open_runs(store)) == (2, 1)
    assert check_invariants(store) == []


def test_a_receiver_that_refuses_every_call_ends_the_task_at_once_and_nobody_is_lost(
    store: Connection,
    answer: Any,  # noqa: ANN401  (the fixture's function)
    recorded: Receiver,
) -> None:
    arrive(store, add_contacts(store, 3), order="A-7")
    recorded.answer = lambda _: Answer(status=401)
    with pytest.raises(ReceiverRefusesError, match="connection profiles refuses every call: HTTP 401"):
        answer(max_events=1)
    assert (len(recorded.received), open_runs(store)) == (1, 1)
    assert not wake(store, "paid", quiet_s=0)
    recorded.answer = lambda _: Answer()
    assert answer(max_events=1)["accepted"] == 3
    assert (len(read_inbox(store)), open_runs(store)) == (3, 0)
    assert check_invariants(store) == []
