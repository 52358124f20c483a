"""Airflow's DAG runs behind the ledger's runs: found by run key, run again, and triggered. Everything here blocks."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow.api.common.trigger_dag import trigger_dag
from airflow.models.dag import DagModel
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select

from promo_campaigns.connections import airflow_dag_runs
from promo_campaigns.ui.page_errors import PageError


def find_dag_run(workflow: str, key: str) -> str | None:
    """Return the id of the newest DAG run that stands for a run key; None if Airflow has it no more.

    :param workflow: whose DAG has its name
    """
    with create_session() as session:
        return next((str(run.run_id) for run in airflow_dag_runs.find_dag_runs(session, workflow, key)), None)


def key_of_dag_run(dag_id: str, dag_run_id: str) -> str | None:
    """Return the run key that a DAG run stands for; None if Airflow has no such DAG run."""
    with create_session() as session:
        found = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == dag_run_id))
        return None if found is None else airflow_dag_runs.key_of_dag_run(found)


def clear_dag_run(dag_id: str, dag_run_id: str) -> None:
    """Let all tasks of a DAG run run again, as Airflow's own button does.

    :raises PageError: Airflow has it, or its DAG, no more
    """
    with create_session() as session:
        found = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == dag_run_id))
        dag = DBDagBag().get_dag_for_run(found, session=session) if found else None
        if dag is None:
            raise PageError(409, f"Airflow has no DAG {dag_id} with a run {dag_run_id} any more")
        dag.clear(run_id=dag_run_id, session=session)


def trigger(dag_id: str, conf: dict[str, Any], *, by: str) -> str:
    """Trigger a DAG, and return the id of the DAG run.

    :param by: the user who does it
    :raises PageError: there is no such DAG, it cannot be read, or it does not take these parameters
    """
    require_dag(dag_id)
    try:
        run = trigger_dag(
            dag_id,
            triggered_by=DagRunTriggeredByType.UI,
            triggering_user_name=by,
            conf=conf,
            run_after=datetime.now(timezone.utc),
        )
    except Exception as error:  # whatever Airflow has against it, in its own words
        raise PageError(409, f"Airflow did not start {dag_id}: {error}") from error
    if run is None:
        raise PageError(409, f"Airflow did not start {dag_id}")
    return str(run.run_id)


def require_dag(dag_id: str) -> None:
    """Refuse to start what Airflow could not start.

    :raises PageError: there is no such DAG, or its file cannot be read
    """
    with create_session() as session:
        dag = session.scalar(select(DagModel).where(DagModel.dag_id == dag_id, ~DagModel.is_stale))
        if dag is None:
            raise PageError(409, f"Airflow has no DAG {dag_id}")
        if dag.has_import_errors:
            raise PageError(409, f"the file of the DAG {dag_id} cannot be read; see the import errors in Airflow")


def is_paused(dag_id: str) -> bool | None:
    """Tell whether a DAG is paused; None if Airflow does not know it."""
    with create_session() as session:
        paused = session.scalar(select(DagModel.is_paused).where(DagModel.dag_id == dag_id, ~DagModel.is_stale))
        return None if paused is None else bool(paused)
