"""Runs whose DAG run failed, or is gone, as a real Airflow's database has it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from promo_campaigns.connections.airflow_dag_runs import find_dag_runs, read_dag_runs
from promo_campaigns.model.oversight.dag_run import DagRunState

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 28, 9, tzinfo=timezone.utc)
DAG = "stuck_sale"
DAG_RUNS: list[dict[str, Any]] = [
    {"run_id": "by_hand", "run_type": "manual", "state": "failed"},
    {"run_id": "run_1", "run_type": "manual", "state": "running"},
    {"run_id": "spring_1", "run_type": "manual", "state": "running", "conf": {"edition": "spring"}},
    {"run_id": "spring_2", "run_type": "manual", "state": "failed", "conf": {"edition": "spring"}},
    {"run_id": "summer", "run_type": "manual", "state": "success", "conf": {"edition": "summer"}},
    {"run_id": "dated", "run_type": "scheduled", "state": "failed", "logical_date": AT},
]


@pytest.fixture
def known(airflow_database: None) -> Iterator[None]:  # noqa: ARG001  (made before it is written)
    """Put a DAG and its runs into Airflow's database."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        if session.get(DagBundleModel, "stuck") is None:
            session.add(DagBundleModel(name="stuck"))
            session.flush()
        dag_model: Any = DagModel  # Airflow's class has no types here
        session.add(dag_model(dag_id=DAG, bundle_name="stuck"))
        session.flush()
        session.add_all([DagRun(dag_id=DAG, run_after=AT, **one) for one in DAG_RUNS])
    yield
    with create_session() as session:
        session.query(DagRun).filter(DagRun.dag_id == DAG).delete()
        session.query(DagModel).filter(DagModel.dag_id == DAG).delete()


def test_airflow_says_what_has_become_of_the_dag_run_behind_each_kind_of_run(known: None) -> None:  # noqa: ARG001
    expected = {
        "/run/by_hand": DagRunState.FAILED,
        "/run/run_1": DagRunState.RUNNING,
        "/run/by_hand/2": DagRunState.FAILED,
        "/run/deleted": DagRunState.GONE,
        "/edition/spring": DagRunState.RUNNING,
        "/edition/summer": DagRunState.SUCCESS,
        "/edition/winter": DagRunState.GONE,
        "/2026-11-28T09:00:00Z": DagRunState.FAILED,
        "/2026-11-29T09:00:00Z": DagRunState.GONE,
        "/of/its/own": DagRunState.NOT_FOUND,
    }
    told = read_dag_runs([(DAG, f"{DAG}{rest}") for rest in expected] + [("nowhere", "nowhere/run/1")])
    assert told == {f"{DAG}{rest}": state for rest, state in expected.items()} | {"nowhere/run/1": DagRunState.NO_DAG}


def test_the_newest_dag_run_of_an_edition_is_the_first(known: None) -> None:  # noqa: ARG001
    from airflow.utils.session import create_session

    with create_session() as session:
        found = find_dag_runs(session, DAG, f"{DAG}/edition/spring")
        assert [run.run_id for run in found] == ["spring_2", "spring_1"]
