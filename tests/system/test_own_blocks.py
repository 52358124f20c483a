"""The examples of how-to/workflows.md in Python and of how-to/own-blocks.md, run as they stand there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from doc_pages import texts
from integration.scenario import add_codes
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from receiver import Receiver

ROOT = Path(__file__).parents[2]
(IN_PYTHON,) = texts("how-to/workflows.md", "python")
(OWN_BLOCKS,) = texts("how-to/own-blocks.md", "python")
FIND = """
from airflow.dag_processing.dagbag import DagBag

bag = DagBag("dags", safe_mode=True)
print(list(bag.dags), bag.import_errors)
"""
RUN = """\
import sys
sys.path.insert(0, "dags")
from airflow.utils.db import initdb
initdb()
from own_blocks import WORKFLOWS
[workflow] = [one for one in WORKFLOWS if one.workflow_id == "welcome_push"]
run = workflow.dag.test(run_conf={"edition": "one"}, use_executor=False)
print(run.state, sorted(task.task_id for task in run.get_task_instances() if task.map_index < 0))
"""


@pytest.fixture
def project(tmp_path: Path, dsn: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with DAGs, include files and contacts, and an Airflow of its own that leads to the test."""
    for folder in ("dags", "airflow"):
        (tmp_path / folder).mkdir()
    shutil.copytree(ROOT / "include", tmp_path / "include")
    (tmp_path / "contacts.csv").write_text("externalId,mobilepush\na,token-a\nb,token-b\nc,token-c\n")
    api = {
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": receiver.port,
        "extra": {"allow_insecure": True, "allow_private": True},
    }
    settings = {
        "AIRFLOW_HOME": tmp_path / "airflow",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow/airflow.db",
        "AIRFLOW__CORE__DAGS_FOLDER": tmp_path / "dags",
        "AIRFLOW_CONN_PROMO_DB": dsn,
        "AIRFLOW_CONN_PROMO_PROFILE_API": json.dumps(api),
        "AIRFLOW_VAR_CONTACT_FILE": tmp_path / "contacts.csv",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path


def test_a_workflow_in_python_is_a_dag_that_airflow_finds(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own: Airflow keeps the first DAGs folder it meets for as long as it lives."""
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER", str(project / "include"))
    (project / "dags" / "in_python.py").write_text(IN_PYTHON, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", FIND], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "['spring_sale_in_python'] {}"


def test_blocks_of_one_s_own_run_with_the_product_s(project: Path, dsn: str, receiver: Receiver) -> None:
    (project / "dags" / "own_blocks.py").write_text(OWN_BLOCKS, encoding="utf-8")
    with connect(dsn) as store:
        add_codes(store, 5)
    done = subprocess.run([sys.executable, "-c", RUN], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "success ['end', 'load_contacts', 'start', 'tell', 'timer']"
    assert re.search(r"welcome_push/edition/one: 100%", done.stdout + done.stderr)
    assert len(receiver.received) == 3
