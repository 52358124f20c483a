"""How many tasks of a DAG an Airflow runs at a time, by its executor."""

from __future__ import annotations

import os

import pytest
from airflow.sdk import DAG, BaseOperator

from promo_campaigns.ledger.batch_sizes import best_batch_size
from promo_campaigns.operators.base.task_slots import task_slots

BYTES = 27
"""Of a contact with an id of seven digits and a code of fourteen characters."""


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return what sets Airflow's settings; as many tasks as by default run at a time."""
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "32")
    return monkeypatch


def processors() -> int:
    """Return how many cores this process may use now: the suite keeps each of its processes on one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start(executor: str | None = None) -> BaseOperator:
    with DAG("any", schedule=None):
        return BaseOperator(task_id="start", executor=executor)


@pytest.mark.parametrize(
    ("executors", "of_the_task", "shares_the_cores"),
    [
        ("LocalExecutor", None, True),
        ("CeleryExecutor", None, False),
        ("LocalExecutor,CeleryExecutor", None, True),
        ("CeleryExecutor, LocalExecutor", None, False),
        ("LocalExecutor,CeleryExecutor", "CeleryExecutor", False),
        ("CeleryExecutor,LocalExecutor", "LocalExecutor", True),
        ("here:airflow.executors.local_executor.LocalExecutor", None, True),
    ],
)
def test_the_executor_of_the_task_says_how_many_run_at_a_time(
    airflow: pytest.MonkeyPatch, executors: str, of_the_task: str | None, *, shares_the_cores: bool
) -> None:
    airflow.setenv("AIRFLOW__CORE__EXECUTOR", executors)
    assert task_slots(start(of_the_task)) == (min(processors(), 16) if shares_the_cores else 16)


def test_under_celery_a_hundred_thousand_contacts_are_sixteen_batches(airflow: pytest.MonkeyPatch) -> None:
    airflow.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    assert -(-100_000 // best_batch_size(100_000, task_slots=task_slots(start()), contact_bytes=BYTES)) == 16


def test_parallelism_limits_the_batches_under_celery(airflow: pytest.MonkeyPatch) -> None:
    """What to set where the workers have fewer slots than Airflow's default."""
    airflow.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    airflow.setenv("AIRFLOW__CORE__PARALLELISM", "6")
    assert task_slots(start()) == 6
