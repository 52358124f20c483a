"""Airflow's DAG runs behind the ledger's runs, found by run key in Airflow's own database. Everything here blocks.

Airflow is imported only when it is asked; pages and commands share this.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from promo_campaigns.connections.airflow_database import be_quiet, is_set_up, why_not
from promo_campaigns.model.oversight.dag_run import DagRunState
from promo_campaigns.model.run_key import run_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.models.dagrun import DagRun

_ITSELF = "/run/"
_EDITION = "/edition/"
_LOOKED_AT = 200
"""Of a DAG's newest runs so many are looked at for an edition, which only their parameters name."""


def read_dag_runs(runs: Iterable[tuple[str, str]]) -> dict[str, DagRunState] | str:
    """Return what has become of the DAG runs behind runs, by run key; or why that cannot be known here.

    :param runs: of each run the workflow, whose DAG has its name, and the run key
    """
    if not is_set_up():
        return "no Airflow is set up here"
    try:
        from airflow.utils.session import create_session  # noqa: PLC0415  (only who asks Airflow imports it)

        be_quiet()
        with create_session() as session:
            return {key: _state(session, workflow, key) for workflow, key in runs}
    except Exception as error:  # noqa: BLE001  (whatever Airflow or its database has, it is none of ours)
        return why_not(error)


def find_dag_runs(session: Any, workflow: str, key: str) -> list[DagRun]:  # noqa: ANN401  (no driver is known here)
    """Return the DAG runs that stand for a run key, newest first.

    :param session: of Airflow's database
    :param workflow: whose DAG has its name
    """
    from airflow.models.dagrun import DagRun  # noqa: PLC0415  (only who asks Airflow imports it)

    rest = key.removeprefix(workflow)
    whose = session.query(DagRun).filter(DagRun.dag_id == workflow).order_by(DagRun.id.desc())
    if rest.startswith(_ITSELF):
        named = rest.removeprefix(_ITSELF)
        either = whose.filter(DagRun.run_id.in_([named, named.rpartition("/")[0]])).all()
        return sorted(either, key=lambda run: run.run_id != named)
    if rest.startswith(_EDITION):
        return [run for run in whose.limit(_LOOKED_AT) if key_of_dag_run(run) == key]
    at = _date_in(rest)
    return [run for run in whose.filter(DagRun.logical_date == at) if key_of_dag_run(run) == key] if at else []


def key_of_dag_run(run: DagRun) -> str:
    """Return the run key that a DAG run stands for."""
    conf: dict[str, Any] = run.conf if isinstance(run.conf, dict) else {}
    return run_key(
        workflow=run.dag_id,
        run_type=str(getattr(run.run_type, "value", run.run_type)),
        logical_date=run.logical_date,
        edition=str(conf.get("edition") or ""),
        run_id=run.run_id,
    )


def _state(session: Any, workflow: str, key: str) -> DagRunState:  # noqa: ANN401  (likewise)
    states = [DagRunState(getattr(run.state, "value", run.state)) for run in find_dag_runs(session, workflow, key)]
    under_way = [state for state in states if not state.is_over]
    return next(iter([*under_way, *states]), None) or _state_of_none(session, workflow, key)


def _state_of_none(session: Any, workflow: str, key: str) -> DagRunState:  # noqa: ANN401  (likewise)
    """Return why no DAG run stands for a run."""
    from airflow.models.dag import DagModel  # noqa: PLC0415  (only who asks Airflow imports it)
    from airflow.models.dagrun import DagRun  # noqa: PLC0415  (likewise)

    if session.get(DagModel, workflow) is None:
        return DagRunState.NO_DAG
    rest = key.removeprefix(workflow)
    if rest.startswith(_EDITION):
        looked_at = session.query(DagRun.id).filter(DagRun.dag_id == workflow).limit(_LOOKED_AT)
        return DagRunState.GONE if len(looked_at.all()) < _LOOKED_AT else DagRunState.NOT_FOUND
    return DagRunState.GONE if rest.startswith(_ITSELF) or _date_in(rest) else DagRunState.NOT_FOUND


def _date_in(rest: str) -> datetime | None:
    """Return the logical date in the rest of a run key, ``/2026-11-28T09:00:00Z``, with or without an edition."""
    try:
        return datetime.strptime(rest.partition(_EDITION)[0], "/%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
