"""DAGs in Airflow's database, as its DAG processor puts them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import DAG


def store_dag(dag: DAG, *, paused: bool = True) -> None:
    """Put a DAG with its tags into Airflow's database, which has it not yet."""
    from airflow.models.dag import DagModel, DagTag
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
    from airflow.utils.session import create_session

    with create_session() as session:
        session.merge(DagBundleModel(name="pages"))
        session.flush()
        known = {"bundle_name": "pages", "is_paused": paused, "is_stale": False, "fileloc": dag.dag_id}
        session.merge(DagModel(dag_id=dag.dag_id, **known))  # type: ignore[no-untyped-call]  # Airflow's has no types
        session.flush()
        for tag in dag.tags:
            session.merge(DagTag(dag_id=dag.dag_id, name=tag))
        lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(dag))
        SerializedDagModel.write_dag(lazy, bundle_name="pages", session=session)
