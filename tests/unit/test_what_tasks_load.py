"""What a task loads with its DAG's file: Airflow parses that file once more in every task."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = """\
import runpy, sys
runpy.run_path(sys.argv[1])
sys.stdout.write("\\n".join(sys.modules))
"""
OF_SCHEDULERS = {"airflow.serialization.encoders", "airflow.models.deadline", "airflow.executors.workloads"}
OF_FORMS = {"promo_campaigns.definitions.workflow_files", "promo_campaigns.definitions.names.check"}


def loaded(dag_file: str, dag_id: str, include: Path) -> set[str]:
    """Return the modules of a process that parsed a DAG file as Airflow does before it runs a task."""
    parsing = {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag_id, "_AIRFLOW_PARSING_CONTEXT_TASK_ID": "start"}
    folder = {"AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER": str(include)}
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(ROOT / "dags" / dag_file)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **parsing, **folder},
    )
    return set(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("dag_file", "dag_id", "others"),
    [
        ("promo_code_to_profile.py", "promo_code_to_profile", OF_SCHEDULERS | OF_FORMS),
        ("workflows.py", "welcome_push", OF_SCHEDULERS),
    ],
)
def test_a_task_loads_nothing_of_schedulers_or_forms(dag_file: str, dag_id: str, others: set[str]) -> None:
    modules = loaded(dag_file, dag_id, ROOT / "include")
    assert "promo_campaigns.operators.message" in modules
    assert not modules & others
    assert not modules & {"pandas", "numpy"}


def test_a_block_that_sends_nothing_loads_no_client_and_no_compiler() -> None:
    code = "import sys, promo_campaigns.delivery.service; sys.stdout.write('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.splitlines())
    assert "psycopg" in modules
    assert not modules & {"aiohttp", "promo_campaigns.velocity", "promo_campaigns.http.client"}
