"""The Dry run block: a preview of a workflow file from a DAG of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from integration.scenario import add_codes, add_contacts
from integration.test_before_the_send import WORKFLOW, DagRun, TaskInstance, include  # noqa: F401  (a fixture)
from promo_campaigns.model.errors import DefinitionError, StartRefusedError
from promo_campaigns.operators.dry_run import DryRunOperator
from promo_campaigns.operators.start import StartOperator

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection


class Known:
    """What Airflow says of a DAG."""

    def __init__(self, *, paused: bool) -> None:
        self.is_paused = paused


class Asking(TaskInstance):
    """A task that may ask Airflow whether a DAG is paused."""

    def __init__(self, *, paused: bool) -> None:
        self.paused = paused
        self.pushed: dict[str, Any] = {}

    def get_dag(self, dag_id: str) -> Known:
        assert dag_id == "sale"
        return Known(paused=self.paused)

    def xcom_push(self, *, key: str, value: Any) -> None:  # type: ignore[override]  # noqa: ANN401
        self.pushed[key] = value


def context(*, paused: bool) -> Any:  # noqa: ANN401  (Airflow's context)
    return {"ti": Asking(paused=paused), "dag_run": DagRun()}


def block(include: Path, **settings: Any) -> DryRunOperator:  # noqa: ANN401, F811  (what an operator takes)
    folders = {"include_folder": str(include), "preview_folder": str(include / "previews")}
    with DAG("dry_run", schedule=None):
        return DryRunOperator(task_id="dry_run", **{"workflow": "sale", **folders, **settings})


def make_sale(include: Path, more: str = "") -> None:  # noqa: F811
    (include / "workflows").mkdir()
    (include / "workflows" / "sale.yaml").write_text(WORKFLOW + more)


@pytest.mark.parametrize("paused", [True, False])
def test_a_dry_run_previews_a_workflow_and_says_whether_it_is_on(
    store: Connection,
    include: Path,  # noqa: F811
    *,
    paused: bool,
) -> None:
    add_contacts(store, 3)
    add_codes(store, 3)
    make_sale(include)
    report = block(include).execute(context(paused=paused))
    assert (report["workflow"], report["contacts"], report["refusals"]) == ("sale", 3, [])
    assert list((include / "previews").glob("sale*.csv"))
    live = "sale is live: its DAG is on, and runs whenever it is due or triggered"
    assert (live in report["notes"]) is not paused
    assert store.execute("select count(*) as n from promo.run").fetchone() == {"n": 0}


def test_a_dry_run_refuses_what_start_refuses(store: Connection, include: Path) -> None:  # noqa: F811
    add_contacts(store, 3)
    make_sale(include)
    with pytest.raises(StartRefusedError, match="short"):
        block(include).execute(context(paused=True))
    with pytest.raises(DefinitionError, match=r"workflows/sal\.yaml: there is no such file"):
        block(include, workflow="sal").execute(context(paused=True))


def test_a_workflow_for_events_is_previewed_over_an_audience_that_is_named(
    store: Connection,
    include: Path,  # noqa: F811
) -> None:
    add_contacts(store, 3)
    make_sale(include)
    text = WORKFLOW.replace("audience: all", "audience: {event: OrderPaid}")
    (include / "workflows" / "sale.yaml").write_text(text)
    report = block(include, audience="all").execute(context(paused=True))
    assert report["refusals"] == [], "events that find no code wait for one"


@pytest.mark.parametrize(("schedule", "paused"), [("0 9 * * 1", False), ("0 9 * * 1", True), (None, False)])
def test_a_dry_run_of_a_workflow_s_own_dag_says_when_it_was_turned_on(
    store: Connection,
    include: Path,  # noqa: F811
    schedule: str | None,
    *,
    paused: bool,
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    with DAG("sale", schedule=schedule):
        start = StartOperator(
            task_id="start",
            message="push",
            audience="all",
            type="Welcome",
            discount=10,
            days=7,
            preview_only=True,
            include_folder=str(include),
            preview_folder=str(include / "previews"),
        )
    told = context(paused=paused)
    start.execute(told)
    live = [note for note in told["ti"].pushed["preview"]["notes"] if note.startswith("the DAG sale is on now")]
    assert bool(live) is (schedule is not None and not paused)
