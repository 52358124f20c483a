"""What Airflow knows of the DAGs of workflows: whether they are on, when they run, what they ask. All of it blocks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.api_fastapi.common.dagbag import create_dag_bag
from airflow.models.dag import DagModel, DagTag
from airflow.utils.session import create_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.models.dagbag import CachedDBDagBag
    from airflow.serialization.definitions.dag import SerializedDAG

_AHEAD = timedelta(days=366)


class DagState(NamedTuple):
    """A DAG as Airflow knows it.

    :ivar broken: its file cannot be read at present
    :ivar next_run: when its schedule makes the next run; None if it does not, or Airflow has not looked yet
    """

    paused: bool
    broken: bool
    next_run: datetime | None


class FormField(NamedTuple):
    """A parameter that a trigger form asks for.

    :ivar choices: the only values there are; None for any of the type
    """

    name: str
    title: str
    type: str
    default: Any
    choices: list[Any] | None
    examples: list[Any] | None
    description: str


def dag_states(dag_ids: Iterable[str]) -> dict[str, DagState]:
    """Return those of the DAGs that Airflow knows."""
    with create_session(scoped=False) as session:
        asked = session.query(
            DagModel.dag_id, DagModel.is_paused, DagModel.has_import_errors, DagModel.next_dagrun_create_after
        )
        rows = asked.filter(DagModel.dag_id.in_(list(dag_ids)), DagModel.is_stale.is_(False)).all()
    return {str(dag_id): DagState(bool(paused), bool(broken), due) for dag_id, paused, broken, due in rows}


def list_tagged_dags(tag: str) -> set[str]:
    """Return the DAGs that have a tag."""
    with create_session(scoped=False) as session:
        return {str(dag_id) for (dag_id,) in session.query(DagTag.dag_id).filter(DagTag.name == tag).all()}


def read_dags(dag_ids: Iterable[str]) -> list[SerializedDAG]:
    """Return those of the DAGs that Airflow knows, as they were when it read them last."""
    found = []
    for dag_id in sorted(dag_states(dag_ids)):
        with create_session(scoped=False) as session:
            found.append(_bag().get_latest_version_of_dag(dag_id, session=session))
    return [dag for dag in found if dag is not None]


def coming_runs(dag_id: str, count: int) -> list[datetime]:
    """Return when the schedule of a DAG makes its next runs, whether it is on or not; none for one without a clock."""
    with create_session(scoped=False) as session:
        dag = _bag().get_latest_version_of_dag(dag_id, session=session)
    if dag is None or dag.timetable.partitioned:
        return []
    now = datetime.now(tz=timezone.utc)
    first = max(now, dag.start_date) if dag.start_date else now
    last = min(now + _AHEAD, dag.end_date) if dag.end_date else now + _AHEAD
    return [info.run_after for info in islice(dag.iter_dagrun_infos_between(first, last), count)]


def trigger_form(dag_id: str) -> list[FormField]:
    """Return what a DAG asks for when it is triggered; nothing where Airflow does not know it."""
    with create_session(scoped=False) as session:
        dag = _bag().get_latest_version_of_dag(dag_id, session=session)
    return [] if dag is None else [_field(dag, name) for name in dag.params]


def turn_on(dag_id: str) -> None:
    """Turn a DAG on, and with it its schedule."""
    with create_session(scoped=False) as session:
        model = session.get(DagModel, dag_id)
        if model is not None:
            model.is_paused = False


def _field(dag: SerializedDAG, name: str) -> FormField:
    param = dag.params.get_param(name)
    kinds = param.schema.get("type", "string")
    kind = next((one for one in kinds if one != "null"), "string") if isinstance(kinds, list) else kinds
    choices, examples = param.schema.get("enum"), param.schema.get("examples")
    title, description = param.schema.get("title", name), param.description or param.schema.get("description", "")
    return FormField(name, title, kind, param.value, choices, examples, description)


@cache
def _bag() -> CachedDBDagBag:
    return create_dag_bag()
