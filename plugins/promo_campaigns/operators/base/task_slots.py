"""How many batches an Airflow works on at a time, and how large a batch is to be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf

from promo_campaigns.model.parameters import optional_text, whole_number

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

MOST_CONTACTS = 100_000


def batch_size_of(given: int | str | None) -> int | None:
    """Return the parameter ``batch_size`` as a number, None where nobody has said.

    :raises ConfigurationError: it is not a whole number from 1 to 100,000
    """
    if given is None or (isinstance(given, str) and not optional_text(given)):
        return None
    return whole_number("batch_size", given, least=1, most=MOST_CONTACTS)


def task_slots(task: BaseOperator) -> int:
    """Return how many tasks of a task's DAG can run at a time, as far as a task can know.

    With LocalExecutor they share the processors of this machine, and more of them gain nothing. How many workers
    another executor has is not known here: what Airflow and the DAG allow is the limit.
    """
    most: int = max(1, conf.getint("core", "parallelism"))
    dag = task.get_dag()
    if dag is not None:
        most = min(most, dag.max_active_tasks)
    return min(most, _processors()) if _runs_here(task.executor) else most


def _runs_here(named: str | None) -> bool:
    """Whether LocalExecutor runs the task: the executor it names, else the first of those that are configured.

    Either is a name, the path of a class, or an alias, a colon and one of the two.
    """
    first = named or str(conf.get("core", "executor")).split(",", 1)[0]
    return first.strip().rpartition(":")[2].rpartition(".")[2] == "LocalExecutor"


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system tells
        return os.cpu_count() or 1
