"""Metrics reach a StatsD listener, and each alert is told once until it is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseNotifier
from airflow.sdk._shared.observability.metrics import stats
from airflow.sdk.execution_time.context import OutletEventAccessors
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

from integration.scenario import CODES, add_codes, add_contacts, open_welcome
from promo_campaigns.ledger.event_queue import listen
from promo_campaigns.ledger.interventions import pause_run, resume_run
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.unknown_sends import record_unknown
from promo_campaigns.model.errors import ConfigurationError, InvariantBrokenError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.monitoring.metrics import METRICS, Measurement
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.promo_codes import LoadPromoCodesOperator
from promo_campaigns.operators.upkeep.watch import WatchCampaignsOperator
from statsd_listener import StatsdListener, statsd_listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

LATER = """
create or replace function promo.clock() returns timestamptz
language sql stable as $$ select now() + interval '{}' $$
"""


class Told(BaseNotifier):
    """Keeps what it is told of, its template rendered."""

    template_fields = ("text",)

    def __init__(self, told: list[str], text: str = "{{ alert.kind }}: {{ alert.text }}") -> None:
        super().__init__()
        self.text = text
        self.told = told

    def notify(self, context: Any) -> None:  # noqa: ANN401, ARG002  (Airflow's signature)
        self.told.append(self.text)


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsdListener]:
    """Configure Airflow's stats as an installation with StatsD does, and as a task's process begins."""
    with statsd_listener() as listener:
        settings = {"STATSD_ON": "True", "STATSD_HOST": "127.0.0.1", "STATSD_PORT": str(listener.port)}
        for name, value in settings.items():
            monkeypatch.setenv(f"AIRFLOW__METRICS__{name}", value)
        stats.initialize(factory=get_stats_factory(), export_legacy_names=True)
        yield listener
        stats._get_backend().statsd.close()  # type: ignore[union-attr]  # noqa: SLF001  (Airflow closes it by ending)
        monkeypatch.undo()
        stats.initialize(factory=get_stats_factory(), export_legacy_names=True)


@pytest.fixture
def watch(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, int]]:
    """Return a function that runs the block."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)

    def run(notifiers: Sequence[BaseNotifier] = (), **settings: Any) -> dict[str, int]:  # noqa: ANN401  (any setting)
        context: Any = {}
        return WatchCampaignsOperator(task_id="watch", notifiers=notifiers, **settings).execute(context)

    return run


def later(store: Connection, span: str) -> None:
    """Set the store's clock on."""
    store.execute(LATER.format(span))


def leave_unknown(store: Connection, count: int) -> Run:
    """Open a run whose sends were begun and never answered."""
    contacts = add_contacts(store, count)
    add_codes(store, count)
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contacts, CODES)
    ledger.begin_messages(run.run_id, contacts, lease_s=0, resend_within_s=0)
    ledger.begin_messages(run.run_id, contacts, lease_s=0, resend_within_s=0)
    return run


def test_the_metrics_of_a_store_reach_statsd(
    store: Connection, statsd: StatsdListener, watch: Callable[..., dict[str, int]]
) -> None:
    leave_unknown(store, 3)
    add_codes(store, 7, prefix="MORE")
    store.execute("update promo.promo_code set type = 'Весна 1' where code like 'MORE%3'")
    store.execute("insert into promo.receiver (name, open_until) values ('smtp', now() + interval '1 minute')")
    listen(store, workflow="welcome_push", type_name="OrderPaid")
    later(store, "90 minutes")
    watch()
    heard = {name.removeprefix("airflow.promo."): value for name, value in statsd.heard().items()}
    waited = heard.pop("runs.oldest_wait_s").removesuffix("|g")
    assert 5400 <= float(waited) < 5500
    assert heard == {
        "codes.free.Welcome": "6|g",
        "codes.free._412_435_441_43d_430_201": "1|g",
        "runs.open": "1|g",
        "sends.unknown": "3|g",
        "receivers.open_circuits": "1|g",
        "events.waiting.welcome_push": "0|g",
        "events.oldest_wait_s.welcome_push": "0.0|g",
        "alerts.open": "2|g",
    }


class TaskInstance:
    """The part of a task instance that End uses."""

    def xcom_push(self, key: str, value: object) -> None:
        """Keep nothing."""


def test_the_end_of_a_run_and_a_load_reach_statsd(
    store: Connection, statsd: StatsdListener, tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    run = open_welcome(store)
    context: Any = {"ti": TaskInstance(), "run_id": "manual__1", "outlet_events": OutletEventAccessors()}
    EndOperator(task_id="end", run_id=run.run_id).execute(context)
    heard = {name: value for name, value in statsd.heard().items() if not name.endswith("seconds.welcome")}
    assert heard == {
        "airflow.promo.invariants.failed": "0|c",
        **{f"airflow.promo.last_run.{what}.welcome": "0|g" for what in ("given", "rejected", "unknown")},
    }
    [contact] = add_contacts(store, 1)
    store.execute("insert into promo.unknown_send (run_id, contact_id) values (%s, %s)", [run.run_id, contact])
    with pytest.raises(InvariantBrokenError):
        EndOperator(task_id="end", run_id=run.run_id).execute(context)
    assert statsd.heard() == {"airflow.promo.invariants.failed": "1|c"}
    file = tmp_path / "codes.csv"
    file.write_text("code,expirationDate,discount,type\nA-1,2030-01-31,10,Welcome\nA-2,soon,10,Welcome\n")
    LoadPromoCodesOperator(task_id="load", files=str(file)).execute(context)
    heard = {name: value for name, value in statsd.heard().items() if ".promo." in name}  # Airflow tells its own
    assert heard == {"airflow.promo.codes.loaded": "1|c", "airflow.promo.codes.rejected_rows": "1|c"}


def test_a_metric_names_any_type_in_letters_that_statsd_takes() -> None:
    names = {Measurement(METRICS[0], 1, name).name for name in ("a b", "a.b", "a:b|g", "Літо", "Л", "a_b")}
    assert len(names) == 6
    assert all(name.isascii() and not set(name.removeprefix("promo.codes.free.")) & set(".:|@ ") for name in names)


def test_an_installation_without_stats_measures_and_fails_nothing(
    store: Connection, watch: Callable[..., dict[str, int]]
) -> None:
    add_codes(store, 1)
    assert watch() == {"metrics": 6, "alerts": 0, "told": 0, "over": 0}


def test_a_stuck_run_is_told_once_until_it_moves(store: Connection, watch: Callable[..., dict[str, int]]) -> None:
    told: list[str] = []
    add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    assert watch([Told(told)])["alerts"] == 0
    later(store, "61 minutes")
    assert watch([Told(told)])["told"] == 1
    assert watch([Told(told)]) == {"metrics": 6, "alerts": 1, "told": 0, "over": 0}
    contacts = [row["contact_id"] for row in store.execute("select contact_id from promo.contact")]
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contacts, CODES)
    ledger.begin_messages(run.run_id, contacts[:1], lease_s=60, resend_within_s=60)
    assert watch([Told(told)])["over"] == 1
    later(store, "130 minutes")
    assert watch([Told(told)])["told"] == 1
    assert [text.partition(" since ")[0] for text in told] == [
        "run_stuck: Run welcome/edition/one is stuck: nothing has moved"
    ] * 2
    assert told[0].endswith(" UTC; contacts who wait: 2")


def test_a_run_in_which_everybody_may_wait_is_not_stuck(
    store: Connection, watch: Callable[..., dict[str, int]]
) -> None:
    """It awaits approval, or all of its contacts are in their quiet hours."""
    add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    later(store, "2 hours")
    store.execute("update promo.run set approval = 'awaited'")
    assert watch()["alerts"] == 0
    quiet = "update promo.run set approval = null, quiet_hours = '{[0,10080)}', time_zone = 'UTC' where run_id = %s"
    store.execute(quiet, [run.run_id])
    assert watch()["alerts"] == 0
    store.execute("update promo.run set quiet_hours = null, time_zone = null")
    assert watch()["alerts"] == 1


def test_a_run_that_stopped_itself_is_told_until_a_person_decides(
    store: Connection, watch: Callable[..., dict[str, int]]
) -> None:
    """One that a person paused is told to nobody, and is not stuck."""
    told: list[str] = []
    add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    pause_run(store, run.run_key, by="ann")
    later(store, "2 hours")
    assert watch([Told(told)])["alerts"] == 0
    store.execute("update promo.run set halted_by = 'abort_at', halt_reason = '30 of 100 were refused'")
    assert watch([Told(told)])["told"] == 1
    resume_run(store, run.run_key, by="ann")
    assert watch([Told(told)], stuck_after_minutes=600)["over"] == 1
    assert told == ["run_stopped: Run welcome/edition/one stopped itself: 30 of 100 were refused"]


def test_unknown_sends_over_a_number_are_told_until_their_outcomes_are_recorded(
    store: Connection, watch: Callable[..., dict[str, int]]
) -> None:
    told: list[str] = []
    run = leave_unknown(store, 3)
    assert watch([Told(told)], unknown_over=3)["told"] == 0
    assert watch([Told(told)], unknown_over=2)["told"] == 1
    contacts = [row["contact_id"] for row in store.execute("select contact_id from promo.unknown_send")]
    record_unknown(store, run.run_id, contacts[:1], Outcome.OK)
    assert watch([Told(told)], unknown_over=2)["over"] == 1
    assert told == [
        "unknown_sends: Run welcome/edition/one has 3 sends whose outcome nobody knows, more than 2",
    ]


def test_a_receiver_that_refuses_is_told_with_its_reason(
    store: Connection, watch: Callable[..., dict[str, int]], capfd: pytest.CaptureFixture[str]
) -> None:
    store.execute(
        "insert into promo.receiver (name, open_until, reason) values ('api', 'infinity', 'HTTP 401'),"
        " ('smtp', now(), 'no answer'), ('fcm', null, null)"
    )
    assert watch()["told"] == 2
    shown = "".join(capfd.readouterr())
    assert "Receiver api refuses everybody: HTTP 401. To do: look at its connection in Airflow" in shown
    assert "Receiver smtp is not called for a while after failures: no answer. To do: " in shown
    store.execute("update promo.receiver set open_until = null")
    assert watch()["over"] == 2
    assert watch()["alerts"] == 0


def test_events_that_nobody_takes_are_told(store: Connection, watch: Callable[..., dict[str, int]]) -> None:
    told: list[str] = []
    listen(store, workflow="welcome_push", type_name="OrderPaid")
    [contact] = add_contacts(store, 1)
    store.execute(
        "with e as (insert into promo.event (type, contact_id, token) values ('OrderPaid', %s, gen_random_uuid())"
        " returning event_id, contact_id, received_at)"
        " insert into promo.event_queue (event_id, workflow, contact_id, received_at)"
        " select event_id, 'welcome_push', contact_id, received_at from e on conflict do nothing",
        [contact],
    )
    assert watch([Told(told)])["told"] == 0
    later(store, "2 hours")
    assert watch([Told(told)])["told"] == 1
    assert told[0].startswith("events_wait: Workflow welcome_push takes no events: 1 in its queue, the oldest since ")


def test_a_wrong_setting_is_refused(watch: Callable[..., dict[str, int]]) -> None:
    with pytest.raises(ConfigurationError, match="stuck_after_minutes"):
        watch(stuck_after_minutes="soon")


def test_the_dag_watches_every_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "dags"))
    import watch_campaigns

    dag = watch_campaigns.watch.dag
    assert (dag.dag_id, [task.task_id for task in dag.tasks], dag.catchup) == ("watch_campaigns", ["watch"], False)
