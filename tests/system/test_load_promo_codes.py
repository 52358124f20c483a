"""The DAG that watches the inbox, run by Airflow on real files and a real store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promo_campaigns.hooks.code_inbox import look as real_look
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.hooks.code_inbox import Look
    from promo_campaigns.postgres.connection import Connection

ROOT = Path(__file__).parents[2]
HEADER = "code,expirationDate,discount,type,inUse\n"


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW_VAR_PROMO_CODE_INBOX", str(tmp_path))
    return tmp_path


@pytest.fixture
def store(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """Return a fresh store to which Airflow's connection leads."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    with connect(dsn) as connection:
        yield connection


@pytest.fixture
def run_dag(airflow_database: None) -> Callable[..., Any]:  # noqa: ARG001  (made before the DAG runs)
    """Return a function that runs the DAG to its end and returns the DAG run."""
    sys.path.insert(0, str(ROOT / "dags"))
    from load_promo_codes import arrived

    def run(**conf: object) -> Any:  # noqa: ANN401  (Airflow's DagRun)
        return arrived.dag.test(run_conf=conf, use_executor=False)

    return run


def states(dag_run: Any) -> dict[tuple[str, int], str]:  # noqa: ANN401  (Airflow's DagRun)
    return {(task.task_id, task.map_index): str(task.state) for task in dag_run.get_task_instances()}


def announced() -> set[str]:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    with create_session() as session:
        return {event.name for event in session.query(AssetEvent).all() if event.name.startswith("promo_codes/")}


def test_each_file_is_a_task_of_its_own_and_a_bad_one_hides_nothing_of_the_others(
    store: Connection, inbox: Path, run_dag: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    (inbox / "a.csv").write_text(HEADER + "CANARY-1,2030-01-31,10,Welcome,false\nCANARY-2,31/01/2030,10,Never,false\n")
    (inbox / "b.csv").write_text("CANARY-3\n")
    (inbox / "c.json").write_text(
        '[{"code": "CANARY-4", "expirationDate": "2030.01.31", "discount": 5, "type": "Gift"}]'
    )
    dag_run = run_dag(time_zone="America/New_York")
    assert states(dag_run) == {
        ("wait_for_files", -1): "success",
        ("load", 0): "success",
        ("load", 1): "failed",
        ("load", 2): "success",
    }
    moved = sorted(str(file.relative_to(inbox)) for file in inbox.rglob("*") if not file.name.endswith(".report.json"))
    assert moved == ["loaded", "loaded/a.csv", "loaded/c.json", "rejected", "rejected/b.csv"]
    held = store.execute("select code, type, expires_at::text as until from promo.promo_code order by code").fetchall()
    assert held == [
        {"code": "CANARY-1", "type": "Welcome", "until": "2030-02-01 05:00:00+00"},
        {"code": "CANARY-4", "type": "Gift", "until": "2030-02-01 05:00:00+00"},
    ]
    assert {"promo_codes/Gift", "promo_codes/Welcome"} <= announced()
    assert "promo_codes/Never" not in announced()
    assert "CANARY" not in "".join(capfd.readouterr())


def test_a_file_that_comes_later_is_taken_by_the_trigger(
    store: Connection, inbox: Path, run_dag: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from promo_campaigns.triggers import promo_code_file

    looks = []

    def look(path: str, pattern: str, *, done_marker: bool) -> Look:
        """Look as the trigger does; the file arrives after its first look."""
        looks.append(real_look(path, pattern, done_marker=done_marker))
        if len(looks) == 1:
            (inbox / "a.csv").write_text(HEADER + "A-1,2030-01-31,10,W,false\n")
        return looks[-1]

    monkeypatch.setattr(promo_code_file, "look", look)
    assert states(run_dag()) == {("wait_for_files", -1): "success", ("load", 0): "success"}
    assert [len(seen) for seen in looks] == [0, 1, 1]
    assert store.execute("select count(*) as n from promo.promo_code").fetchone() == {"n": 1}


def test_strict_comes_from_the_trigger_form(store: Connection, inbox: Path, run_dag: Callable[..., Any]) -> None:
    (inbox / "a.csv").write_text(HEADER + "A-1,2030-01-31,10,W,false\nA-2,2030-01-31,100,W,false\n")
    assert states(run_dag(strict=True))["load", 0] == "failed"
    assert store.execute("select count(*) as n from promo.promo_code").fetchone() == {"n": 0}
    assert (inbox / "rejected" / "a.csv").exists()


def test_parsing_the_dag_loads_no_driver() -> None:

    code = (
        "import sys; sys.path.insert(0, 'dags'); import load_promo_codes\n"
        "heavy = {'psycopg', 'openpyxl', 'promo_campaigns.code_files.load'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
