"""Workflows that are written in Python, as far as Airflow's stored DAGs tell what they are. All of it blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.parameters import code_request
from promo_campaigns.preview.workflow_outline import Block, codes_in_words
from promo_campaigns.ui.airflow_dags import list_tagged_dags, read_dags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow.serialization.definitions.dag import SerializedDAG

    from promo_campaigns.model.run_spec import CodeRequest

TAG = "promo"
_KINDS = {
    "StartOperator": "start",
    "StartOnEventsOperator": "events",
    "AnswerEventsOperator": "events",
    "ApproveRunOperator": "approve",
    "GetContactOperator": "contact",
    "GetPromoCodeOperator": "code",
    "SendMessageOperator": "message",
    "HttpDataSourceOperator": "data_source",
    "EndOperator": "end",
}
_TELLING = {"start": "audience", "events": "event", "message": "message", "data_source": "data_source"}
"""The setting that says what a block does in this workflow."""
_BY_HAND = "None"
"""The summary of Airflow's timetable for DAGs without a schedule."""
_OPENING = {"start", "events"}
_PARAMETER = re.compile(r"\{\{\s*params\.(\w+)\s*\}\}")


@dataclass(frozen=True)
class PythonWorkflow:
    """A workflow as its DAG says. What a task computes while it runs is not known here, and is None.

    :ivar file: the Python file, seen from its folder of DAGs
    :ivar schedule: in Airflow's words; None for one that is triggered by hand
    :ivar codes: which codes it gives out by default
    """

    workflow_id: str
    name: str
    description: str | None
    file: str
    schedule: str | None
    audience: str | None
    event: str | None
    message: str | None
    transport: str | None
    codes: CodeRequest | None
    blocks: tuple[Block, ...]


def list_python_workflows(
    with_runs: Collection[str], apart_from: Collection[str], *, only: str | None = None
) -> dict[str, PythonWorkflow]:
    """Return the workflows that Airflow has DAGs of, by their names: those with the tag ``promo``, or with runs.

    :param with_runs: workflows that had a run
    :param apart_from: those that are written in YAML
    :param only: no other than this one
    """
    asked = (list_tagged_dags(TAG) | {*with_runs}) - {*apart_from}
    asked = asked & {only} if only else asked
    found = {dag.dag_id: _describe(dag) for dag in read_dags(asked)}
    return {name: one for name, one in sorted(found.items()) if name in with_runs or _sends(one)}


def _sends(workflow: PythonWorkflow) -> bool:
    """Tell a workflow from a DAG that loads files or watches."""
    return any(block.kind in _OPENING for block in workflow.blocks)


def _describe(dag: SerializedDAG) -> PythonWorkflow:
    tasks = list(_in_order(dag.task_group))
    given = {name: _given(dag, tasks, name) for name in ("audience", "event", "message", "transport")}
    codes = _codes(dag, tasks)
    return PythonWorkflow(
        workflow_id=dag.dag_id,
        name=dag.dag_display_name,
        description=dag.description,
        file=str(getattr(dag, "relative_fileloc", None) or dag.dag_id),  # Airflow sets it beside its class's fields
        schedule=None if dag.timetable.summary == _BY_HAND else dag.timetable.summary,
        codes=codes,
        blocks=tuple(_block(dag, task, codes) for task in tasks),
        **{name: value if isinstance(value, str) else None for name, value in given.items()},
    )


def _in_order(group: Any) -> Iterator[Any]:  # noqa: ANN401  (Airflow's groups and tasks share no type)
    """Yield the tasks of a group, and of those in it, each after what it waits for."""
    for node in group.topological_sort():
        if hasattr(node, "children"):
            yield from _in_order(node)
        else:
            yield node


def _block(dag: SerializedDAG, task: Any, codes: CodeRequest | None) -> Block:  # noqa: ANN401  (mapped or not)
    kind = _KINDS.get(task.task_type, "other")
    if kind == "code":
        detail = codes_in_words(codes) if codes else ""
    elif kind == "other":
        detail = task.task_type
    else:
        value = _given(dag, [task], _TELLING[kind]) if kind in _TELLING else None
        detail = value if isinstance(value, str) else ""
    return Block(task.task_display_name, kind, detail)


def _codes(dag: SerializedDAG, tasks: list[Any]) -> CodeRequest | None:
    given = {name: _given(dag, tasks, name) for name in ("type", "discount", "days")}
    further = _given(dag, tasks, "next_pools") or ()
    try:
        match = _given(dag, tasks, "match")
        return code_request(**given, next_pools=further, match=match) if None not in given.values() else None
    except ConfigurationError:
        return None


def _given(dag: SerializedDAG, tasks: list[Any], name: str) -> Any:  # noqa: ANN401  (whatever its author gave)
    """Return what the first task that has a setting was given; a parameter's default where it is a parameter."""
    for task in tasks:
        value = getattr(task, "partial_kwargs", {}).get(name) or getattr(task, name, None)
        if value in (None, "", [], ()):
            continue
        asked = _PARAMETER.fullmatch(value) if isinstance(value, str) else None
        if asked and asked[1] in dag.params:
            value = dag.params[asked[1]]
        return None if isinstance(value, str) and "{{" in value else value
    return None
