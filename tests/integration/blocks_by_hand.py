"""The blocks of a workflow's DAG, run one after the other without an Airflow, with what Airflow would hand them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred
from airflow.sdk.execution_time.context import OutletEventAccessors
from croniter import croniter  # type: ignore[import-untyped]  # it has no types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.workflows import PromoWorkflow

HANDED_ON = ("batch", "contacts", "assignments")
_NUMBERS = count(1)


@dataclass
class DagRun:
    """What Airflow says of a DAG run."""

    run_type: str
    run_id: str
    logical_date: datetime | None
    run_after: datetime
    conf: dict[str, Any]

    @classmethod
    def by_hand(cls, conf: dict[str, Any]) -> DagRun:
        """Make the run of a click, with what its form says."""
        return cls("manual", f"manual__{next(_NUMBERS)}", None, datetime.now(timezone.utc), conf)

    @classmethod
    def by_asset(cls) -> DagRun:
        """Make the run that an asset woke."""
        return cls("asset_triggered", f"asset__{next(_NUMBERS)}", None, datetime.now(timezone.utc), {})

    @classmethod
    def of_dates(cls, settings: Workflow, first: str, last: str) -> Iterator[DagRun]:
        """Make the runs of a backfill, one for each date of a cron schedule."""
        assert isinstance(settings.schedule, str)
        begin, end = (datetime.fromisoformat(day).replace(tzinfo=timezone.utc) for day in (first, last))
        dates = croniter(settings.schedule, begin - timedelta(seconds=1))
        while (date := dates.get_next(datetime)) < end + timedelta(days=1):
            yield cls("backfill", f"backfill__{date}", date, datetime.now(timezone.utc), {})


@dataclass
class Task:
    """What a task is told of Airflow, and what it pushes."""

    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, *, key: str, value: Any) -> None:  # noqa: ANN401  (an XCom holds anything)
        """Keep it."""
        self.pushed[key] = value


def context_of(workflow: PromoWorkflow, run: DagRun) -> Any:  # noqa: ANN401  (Airflow's context)
    """Return what Airflow hands to each task of a run."""
    params = {**workflow.dag.params.dump(), **run.conf}
    return {
        "params": params,
        "dag": workflow.dag,
        "dag_run": run,
        "run_id": run.run_id,
        "outlet_events": OutletEventAccessors(),
    }


def start(workflow: PromoWorkflow, run: DagRun) -> dict[str, Any]:
    """Run the Start block; return its batches and what it pushed."""
    context, task = context_of(workflow, run), Task()
    batches = _run(workflow.dag.task_dict["start"], context, task)
    return {"batches": batches, **task.pushed}


def run_batches(fresh: Callable[[], PromoWorkflow], run: DagRun, started: dict[str, Any]) -> None:
    """Run the blocks of each batch, then End; a block that waits, as for its first share, ends its batch for now.

    :param fresh: returns the workflow with blocks that were not run before
    """
    waits = False
    for batch in started["batches"]:
        workflow = fresh()
        try:
            _run_batch(workflow, context_of(workflow, run), batch)
        except TaskDeferred:
            waits = True
    if not waits:
        workflow = fresh()
        end: Any = workflow.dag.task_dict["end"]
        end.run_id = started["run_id"]
        with suppress(AirflowSkipException):
            _run(end, context_of(workflow, run), Task())


def answer_events(workflow: PromoWorkflow, run: DagRun) -> None:
    """Run the one block of a workflow for events, which does not wait for more of them."""
    block: Any = workflow.dag.task_dict["answer_events"]
    block.linger = 0
    _run(block, context_of(workflow, run), Task())


def _run_batch(workflow: PromoWorkflow, context: Any, batch: object) -> None:  # noqa: ANN401  (Airflow's context)
    results: dict[str, Any] = {}
    dag: Any = workflow.dag  # whose methods have no types
    for block in dag.topological_sort():
        if not block.task_id.startswith("batch."):
            continue
        for name in HANDED_ON:
            value: Any = getattr(block, name, None)
            if hasattr(value, "iter_references"):  # what the block above returns, or the batch
                above = next(iter(value.iter_references()))[0].task_id
                setattr(block, name, results.get(above, batch))
        results[block.task_id] = _run(block, context, Task())


def _run(block: Any, context: Any, task: Task) -> Any:  # noqa: ANN401  (an operator, and what it returns)
    context = {**context, "ti": task, "task": block}
    block.render_template_fields(context)
    if hasattr(block, "aexecute"):
        return asyncio.run(block.aexecute(context))
    return block.execute(context)
