"""Whether the DAG of a workflow is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowRuntimeError

if TYPE_CHECKING:
    from airflow.sdk import Context


def is_live(context: Context, dag_id: str) -> bool:
    """Tell whether Airflow runs a DAG by its schedule now: it knows it, and it is not paused."""
    ask = getattr(context["ti"], "get_dag", None)
    if ask is None:
        return False
    try:
        return not ask(dag_id).is_paused
    except AirflowRuntimeError:  # there is no such DAG
        return False
