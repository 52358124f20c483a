"""What the blocks of a DAG do while a run is halted: they wait in the triggerer, or are skipped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred

from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome, states
from promo_campaigns.definitions.workflow_notes import NO_SEND_BY
from promo_campaigns.delivery.service import DeliveryService
from promo_campaigns.ledger.interventions import cancel_run, pause_run, resume_run, start_sending, stop_sending
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import read_run_by_key
from promo_campaigns.model.errors import ConfigurationError, RepeatedRunError, RunHaltedError
from promo_campaigns.model.run import Batch
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.start import StartOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"
MESSAGE_ONLY = replace(SPEC, data_sources=())


@pytest.fixture
def run(store: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a run for three contacts, in the store that Airflow's connection leads to."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    add_contacts(store, 3)
    add_codes(store, 9)
    return open_welcome(store, KEY, MESSAGE_ONLY)


def get_contact(run: Run) -> Any:  # noqa: ANN401  (what a block hands over)
    batch = {"run_id": run.run_id, "first": 1, "last": 3}
    return GetContactOperator(task_id="contact", batch=batch).execute({})


def get_code(found: object) -> Any:  # noqa: ANN401  (likewise)
    block = GetPromoCodeOperator(task_id="code", contacts=found, days=7, type="Welcome", discount=10)
    return block.execute({})


def send(assigned: object) -> Any:  # noqa: ANN401  (likewise)
    block = SendMessageOperator(task_id="message", assignments=assigned, message="promo_push")
    return asyncio.run(block.aexecute({}))


def waits(block: Callable[[], object]) -> None:
    """Make sure that a block waits in the triggerer for about a minute."""
    with pytest.raises(TaskDeferred) as deferred:
        block()
    assert isinstance(deferred.value.trigger, TimeDeltaTrigger)
    assert deferred.value.method_name == "resume"


def test_blocks_of_a_paused_run_wait_in_the_triggerer(store: Connection, run: Run) -> None:
    found = get_contact(run)
    pause_run(store, KEY)
    waits(lambda: get_code(found))
    resume_run(store, KEY)
    assigned = get_code(found)
    stop_sending(store)
    waits(lambda: send(assigned))
    start_sending(store)
    assert send(assigned)["contact_ids"] == [1, 2, 3]


def test_blocks_of_a_cancelled_run_are_skipped_and_say_by_whom(store: Connection, run: Run) -> None:
    found = get_contact(run)
    assigned = get_code(found)
    cancel_run(store, KEY, by="anna")
    blocks: list[Callable[[], object]] = [
        lambda: get_contact(run),
        lambda: get_code(found),
        lambda: send(assigned),
    ]
    for block in blocks:
        with pytest.raises(AirflowSkipException, match="was cancelled by anna"):
            block()


def test_a_cancelled_run_hands_on_whose_message_was_accepted(store: Connection, run: Run) -> None:
    found = get_contact(run)
    assigned = get_code(found)
    first = {name: values[:1] if isinstance(values, list) else values for name, values in assigned.items()}
    send(first)
    cancel_run(store, KEY)
    assert get_code(found)["contact_ids"] == [1]
    assert send(assigned)["contact_ids"] == [1]


def test_the_service_outside_of_airflow_tells_a_halt_and_ends_a_cancelled_run(
    store: Connection, dsn: str, run: Run
) -> None:
    service = DeliveryService(dsn, lambda _: pytest.fail("the inbox has no connection"))
    batch = Batch(run_id=run.run_id, first=1, last=3)
    with service.open(run.run_id) as delivery:
        pause_run(store, KEY)
        with pytest.raises(RunHaltedError):
            asyncio.run(delivery.deliver(batch))
        cancel_run(store, KEY)
        assert asyncio.run(delivery.deliver(batch)) == 0
        assert delivery.close().tally.skipped == {"cancelled": 3}


def test_a_halt_gives_back_the_one_probe_of_an_open_circuit(store: Connection, run: Run) -> None:
    PostgresLedger(store).assign_codes(run.run_id, [1, 2, 3], CODES)
    store.execute("insert into promo.receiver (name, open_until) values ('inbox', now() - interval '1 s')")
    pause_run(store, KEY)
    waits(lambda: send({"run_id": run.run_id, "contact_ids": [1, 2, 3], "codes": held(store, run)}))
    row = store.execute("select probe_until from promo.receiver where name = 'inbox'").fetchone()
    assert row == {"probe_until": None}


def held(store: Connection, run: Run) -> list[str]:
    return [code for _, code in PostgresLedger(store).held_codes(run.run_id, [1, 2, 3])]


def context(run_type: str, run_id: str) -> Any:  # noqa: ANN401  (as much of Airflow's context as Start reads)
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    dag_run = SimpleNamespace(run_type=run_type, run_id=run_id, logical_date=at, run_after=at)
    return {"ti": SimpleNamespace(xcom_push=lambda **_: None), "dag_run": dag_run}


@pytest.fixture
def start(store: Connection, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that opens a run by the Start block."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    add_contacts(store, 1)
    add_codes(store, 9)
    for folder in ("messages", "audiences"):
        (tmp_path / folder).mkdir()
    (tmp_path / "messages" / "push.yaml").write_text('channel: mobilepush\ntitle: "Hi"\nbody: "Code: $promocode"\n')
    (tmp_path / "audiences" / "all.sql").write_text("select contact_id from promo.contact")

    def opened(run_id: str, run_type: str = "manual", schedule: str | None = None, **more: object) -> object:
        parts: dict[str, Any] = {"type": "Welcome", "discount": 10, "days": 7, "message": "push", "audience": "all"}
        with DAG("welcome", schedule=schedule):
            block = StartOperator(task_id="start", include_folder=str(tmp_path), **parts, **more)  # type: ignore[arg-type]  # as a test names them
        return block.execute(context(run_type, run_id))

    return opened


@pytest.mark.parametrize("run_type", ["manual", "operator_triggered"])
def test_a_second_click_is_refused_unless_it_says_that_it_is_meant(start: Callable[..., Any], run_type: str) -> None:
    start("one", run_type)
    with pytest.raises(RepeatedRunError, match="run welcome/run/one"):
        start("two", run_type)
    start("one", run_type)
    start("three", run_type, repeat="true")
    start("four", run_type, edition="spring")
    with pytest.raises(ConfigurationError, match="confirm_repeats_within must be a span"):
        start("five", run_type, confirm_repeats_within="soon")


@pytest.mark.parametrize("run_type", ["scheduled", "backfill", "asset_triggered"])
def test_a_schedule_a_backfill_and_an_asset_are_no_second_click(start: Callable[..., Any], run_type: str) -> None:
    start("one")
    start("two", run_type)


def test_start_says_at_which_share_of_failures_a_run_pauses_itself(
    store: Connection, start: Callable[..., Any]
) -> None:
    start("one")
    start("two", repeat=True, abort_at="2.5 %")
    found = store.execute("select abort_at::float8 as share from promo.run order by run_id").fetchall()
    assert [row["share"] for row in found] == [20, 2.5]
    for wrong in ("0", "101", "lots"):
        with pytest.raises(ConfigurationError, match="abort_at must be a share above 0"):
            start("three", repeat=True, abort_at=wrong)


def test_start_says_whom_a_run_goes_to_first(store: Connection, start: Callable[..., Any]) -> None:
    batches = start("one", start_with="50 %", then="2h")
    assert [batch["first_share"] for batch in batches] == [True]
    row = store.execute("select start_with, then_wait, first_share from promo.run").fetchone()
    assert row == {"start_with": "50 %", "then_wait": timedelta(hours=2), "first_share": 1}


def test_start_says_that_a_schedule_has_no_send_by(
    start: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    start("one", schedule="@daily", send_by="12h")
    assert NO_SEND_BY not in capsys.readouterr().out
    start("two", schedule="@daily", repeat=True)
    assert NO_SEND_BY in capsys.readouterr().out


def test_a_run_is_found_by_its_key_once_it_was_cancelled(store: Connection, run: Run) -> None:
    cancel_run(store, KEY)
    assert read_run_by_key(store, KEY).cancelled
    assert states(store, run) == {"skipped": 3}
