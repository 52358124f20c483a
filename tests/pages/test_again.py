"""Running a run again from its page: through the DAG run that it belongs to, in a real Airflow database."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from pages.campaign import KEY, half_sent
from promo_campaigns.ledger.interventions import cancel_run
from promo_campaigns.postgres.audit import list_audit

if TYPE_CHECKING:
    from airflow.serialization.definitions.dag import SerializedDAG

    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection


@pytest.fixture(scope="module")
def dag(empty_airflow_database: None) -> SerializedDAG:  # noqa: ARG001  (it is written to)
    """Let Airflow know a DAG of the workflow's name, as its DAG processor would."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG, Param
    from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
    from airflow.utils.session import create_session

    with DAG("welcome", schedule=None, params={"edition": Param(None, type=["null", "string"])}) as written:
        EmptyOperator(task_id="start")
    with create_session() as session:
        session.add(DagBundleModel(name="dags-folder"))
        session.flush()
        told = {"bundle_name": "dags-folder", "is_stale": False, "is_paused": False}
        model = DagModel(dag_id="welcome", **told)  # type: ignore[no-untyped-call]  # Airflow's class has no types
        session.add(model)
        session.flush()
        SerializedDagModel.write_dag(LazyDeserializedDAG.from_dag(written), bundle_name="dags-folder", session=session)
    return DagSerialization.from_dict(DagSerialization.to_dict(written))


def dag_run(dag: SerializedDAG, edition: str, run_id: str) -> str:
    """Let Airflow have a finished DAG run of an edition."""
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    with create_session() as session:
        run = dag.create_dagrun(
            run_id=run_id,
            run_after=datetime.now(timezone.utc),
            conf={"edition": edition},
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.SUCCESS,
            session=session,
        )
        return str(run.run_id)


def states_of_dag_runs() -> dict[str, str]:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return {str(run.run_id): str(run.state) for run in session.scalars(select(DagRun))}


def test_the_dag_run_is_cleared_and_found_from_both_sides(site: Site, store: Connection, dag: SerializedDAG) -> None:
    half_sent(store)
    started = dag_run(dag, "one", "manual__one")
    assert site.user.get("runs/1")["dag"] == {"dag_id": "welcome", "run_id": started}
    assert site.user.get("runs/by-dag-run", dag_id="welcome", run_id=started) == {"run_ids": [1]}
    assert site.user.get("runs/1/again/effect", mode="missing")["numbers"] == {"missing": 2, "waiting": 2}
    assert site.user.get("runs/1/again/effect", mode="profiles")["numbers"] == {"profiles": 1}
    told = site.user.post("runs/1/again", mode="profiles")
    assert told["dag"]["run_id"] == started
    assert states_of_dag_runs()[started] == "queued"
    assert store.execute("select mode from promo.run").fetchone() == {"mode": "profiles"}
    mode, again = list_audit(store)
    assert (again["action"], again["subject"], again["reason"]) == ("run again", f"run {KEY}", "profiles")
    assert (mode["action"], mode["subject"]) == ("mode profiles", f"run {KEY}")


def test_an_edition_that_airflow_has_no_more_is_triggered(site: Site, store: Connection, dag: SerializedDAG) -> None:
    assert dag.dag_id == "welcome"
    half_sent(store, "welcome/edition/two")
    told = site.user.post("runs/1/again", mode="missing")
    assert states_of_dag_runs()[told["dag"]["run_id"]] == "queued"
    assert site.user.get("runs/1")["dag"]["run_id"] == told["dag"]["run_id"]


def test_what_cannot_be_run_again_says_why(site: Site, store: Connection, dag: SerializedDAG) -> None:
    assert dag.dag_id == "welcome"
    half_sent(store, "welcome/run/manual__gone")
    answer = site.user.ask("POST", "runs/1/again", json={"mode": "missing"})
    assert answer.status_code == 409
    assert "no DAG run" in answer.json()["detail"]
    cancel_run(store, "welcome/run/manual__gone")
    assert "resume it first" in site.user.ask("POST", "runs/1/again", json={"mode": "missing"}).json()["detail"]
    assert [entry["action"] for entry in list_audit(store)] == ["cancel"]
