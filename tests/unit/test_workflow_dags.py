"""The DAGs that workflows become: their shape, their form, and what parsing them costs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Asset, CronTriggerTimetable, MultipleCronTriggerTimetable
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.file import might_contain_dag

from promo_campaigns.model.errors import DefinitionError, SettingError
from promo_campaigns.model.run_spec import NOBODY_IS_SENT
from promo_campaigns.operators.base.workflow_checks import asks_approval
from promo_campaigns.workflows import PromoWorkflow, load_workflows

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
CODES = {"type": "Welcome", "discount": 10, "days": 7}
YAML = """\
name: Spring sale
audience: all_contacts
promo_code: {type: Welcome, discount: 10, days: 7}
message: promo_push
schedule: 0 9 * * 1
start_date: 2026-11-02
time_zone: Europe/Kyiv
send_by: 2h
owner: marketing
tags: [spring]
"""
BLOCKS = {
    "start",
    "batch.get_contact",
    "batch.get_promo_code",
    "batch.message",
    "batch.http_request_data_source",
    "end",
}


@pytest.fixture
def include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an include folder of this test's own, where Airflow looks, without a workflow."""
    folder = tmp_path / "include"
    shutil.copytree(ROOT / "include", folder, ignore=shutil.ignore_patterns("workflows", "samples"))
    (folder / "workflows").mkdir()
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER", str(folder))
    return folder


def write(include: Path, name: str, text: str = YAML) -> None:
    (include / "workflows" / f"{name}.yaml").write_text(text, encoding="utf-8")


def in_python(**settings: Any) -> PromoWorkflow:  # noqa: ANN401  (settings of many types)
    return PromoWorkflow(
        **{"workflow_id": "spring", "audience": "all_contacts", "promo_code": CODES, "message": "promo_push"} | settings
    )


@pytest.mark.usefixtures("include")
def test_a_file_and_a_call_of_the_same_settings_are_the_same_dag(include: Path) -> None:
    write(include, "spring")
    (from_file,) = load_workflows()
    said = {"name": "Spring sale", "schedule": "0 9 * * 1", "start_date": "2026-11-02", "time_zone": "Europe/Kyiv"}
    from_python = in_python(**said, send_by="2h", owner="marketing", tags=["spring"])
    stored = [DagSerialization.to_dict(workflow.dag)["dag"] for workflow in (from_file, from_python)]
    for dag in stored:
        dag.pop("fileloc"), dag.pop("relative_fileloc", None)
    assert stored[0] == stored[1]
    assert from_file.settings == from_python.settings


def test_each_setting_is_where_airflow_shows_or_uses_it(include: Path) -> None:
    more = "description: For everybody\ncatch_up: true\nbatch_size: 50\nsend_window: 09:00-21:00\nfrequency_cap: 3/7d\n"
    more += "hold_out: 12.5\nstock: partial\nmax_active_runs: 1\n"
    reusing = YAML.replace("days: 7", "days: 7, reuse: same until it expires")
    write(include, "spring", reusing + more + "transport: smtp\ntransport_conn_id: mail\n")
    (workflow,) = load_workflows()
    dag = workflow.dag
    assert (dag.dag_id, dag.dag_display_name, dag.description) == ("spring", "Spring sale", "For everybody")
    assert (dag.owner, dag.tags, dag.catchup, dag.max_active_runs) == ("marketing", {"promo", "spring"}, True, 1)
    assert dag.start_date == datetime(2026, 11, 2, tzinfo=ZoneInfo("Europe/Kyiv"))
    assert dag.schedule == CronTriggerTimetable("0 9 * * 1", timezone="Europe/Kyiv")
    assert set(dag.task_dict) == BLOCKS
    start: Any = dag.get_task("start")
    assert (start.send_by, start.batch_size, start.workflow) == ("2h", 50, "spring")
    assert (start.quiet_hours, start.time_zone, start.frequency_cap) == ("21:00-09:00", "Europe/Kyiv", "3/7d")
    assert (start.hold_out, start.stock, start.preview_only) == (12.5, "partial", "{{ params.dry_run }}")
    assert start.reuse == "same until it expires"
    for block in ("start", "batch.message"):
        sender: Any = dag.get_task(block)
        assert (sender.transport, sender.transport_conn_id) == ("smtp", "mail")


@pytest.mark.usefixtures("include")
@pytest.mark.parametrize(
    ("approval", "asked"),
    [
        (True, ((), "", "reject")),
        (
            {"approvers": ["anna", "ben"], "timeout": "24h", "on_timeout": "approve"},
            (("anna", "ben"), "24h", "approve"),
        ),
    ],
)
def test_a_workflow_that_asks_for_approval_does_so_between_start_and_the_batches(
    approval: object, asked: tuple[object, ...]
) -> None:
    dag = in_python(approval=approval).dag
    assert set(dag.task_dict) == {*BLOCKS, "approve"}
    block: Any = dag.get_task("approve")
    assert (block.approvers, block.timeout, block.on_timeout) == asked
    assert (block.upstream_task_ids, block.downstream_task_ids) == ({"start"}, {"batch.get_contact"})
    start: Any = dag.get_task("start")
    assert asks_approval(start)
    start = in_python().dag.get_task("start")
    assert not asks_approval(start)
    assert DagSerialization.to_dict(dag)["dag"]


@pytest.mark.usefixtures("include")
def test_a_workflow_for_events_is_woken_by_them_and_answers_in_one_block() -> None:
    audience = {"event": "OrderPaid", "reentry": "period", "period": "7d", "not_in_progress": True}
    dag = in_python(audience=audience, send_by="2h", batch_size=100, quiet_hours="21:00-09:00").dag
    (block,) = dag.tasks
    answer: Any = block
    assert (answer.event, answer.reentry, answer.period, answer.not_in_progress) == (
        "OrderPaid",
        "period",
        604800,
        True,
    )
    assert (answer.max_age, answer.max_events) == (7200, 100)
    assert (answer.type, answer.discount, answer.days, answer.message) == ("Welcome", 10, 7, "promo_push")
    assert (answer.quiet_hours, dag.max_active_runs, len(dag.params)) == ("21:00-09:00", 2, 0)
    stored = DagSerialization.to_dict(dag)["dag"]
    assert "promo_events/spring" in str(stored["timetable"])


def test_a_source_whose_answer_is_read_is_called_before_the_message(include: Path) -> None:
    (include / "data_sources" / "points.yaml").write_text("connection: api\npath: /points\nmethod: GET\n")
    (include / "messages" / "both.yaml").write_text(
        "channel: email\nbody: |\n  #set($p=$!data.get('points'))#set($u=$!data.get('promo_to_profile'))\n"
        "  $!promocode for $!p.get('total')\n"
    )
    dag = in_python(message="both").dag
    after = {task.task_id: {*task.downstream_task_ids} for task in dag.tasks}
    assert after["batch.get_promo_code"] == {"batch.http_request_data_source_points"}
    assert after["batch.http_request_data_source_points"] == {"batch.message"}
    assert after["batch.message"] == {"batch.http_request_data_source_promo_to_profile"}


@pytest.mark.usefixtures("include")
def test_settings_are_given_by_name_or_as_a_workflow() -> None:
    settings = in_python(schedule="@daily").settings
    assert PromoWorkflow(settings).dag.schedule == CronTriggerTimetable("@daily", timezone="UTC")
    with pytest.raises(TypeError, match="stock must be among them"):
        PromoWorkflow(settings, stock="wait")


@pytest.mark.parametrize(
    ("schedule", "made"),
    [
        (None, None),
        ("@daily", CronTriggerTimetable("@daily", timezone="UTC")),
        (["0 9 * * 1", "0 18 * * 5"], MultipleCronTriggerTimetable("0 9 * * 1", "0 18 * * 5", timezone="UTC")),
        ({"asset": "promo_codes/Welcome"}, [Asset("promo_codes/Welcome", uri="promo://promo_db/codes/Welcome")]),
        ({"asset": ["a", "b"]}, [Asset("a"), Asset("b")]),
        ([Asset("a")], [Asset("a")]),
        (CronTriggerTimetable("0 9 * * 1", timezone="UTC"), CronTriggerTimetable("0 9 * * 1", timezone="UTC")),
    ],
)
@pytest.mark.usefixtures("include")
def test_a_schedule_is_what_it_says(schedule: object, made: object) -> None:
    assert in_python(schedule=schedule).dag.schedule == made


@pytest.mark.usefixtures("include")
def test_a_timetable_is_named_by_its_class_and_a_wrong_one_is_told() -> None:
    name = "airflow.sdk.CronDataIntervalTimetable"
    dag = in_python(
        schedule={"timetable": name, "arguments": {"expression": "0 9 * * *", "timezone": "Europe/Kyiv"}}
    ).dag
    assert type(dag.timetable).__name__ == "CronDataIntervalTimetable"
    for wrong in ({"timetable": "airflow.sdk.Nope"}, {"timetable": "os.path"}, {"timetable": name, "arguments": {}}):
        with pytest.raises(SettingError, match=r"(?i)timetable"):
            in_python(schedule=wrong)


def test_the_form_offers_what_exists_and_starts_from_the_workflow(include: Path) -> None:
    write(include, "spring", YAML.replace("type: Welcome", "type: Spring"))
    write(include, "autumn", YAML.replace("type: Welcome", "type: Autumn"))
    message = (include / "messages" / "promo_push.yaml").read_text()
    (include / "messages" / "second.yaml").write_text(message)
    (include / "messages" / "binds_nothing.yaml").write_text("channel: email\nbody: Hi\n")
    (include / "messages" / "broken.yaml").write_text("channel: email\n")
    form = {workflow.workflow_id: workflow.dag.params for workflow in load_workflows()}["spring"]
    assert form.dump()["type"] == "Spring"
    schema = {name: form.get_param(name).schema for name in form}
    assert schema["type"]["examples"] == ["Autumn", "Spring"]
    assert schema["message"]["enum"] == ["promo_push", "second"]
    assert schema["audience"]["enum"] == ["all_contacts", "not_redeemed", "with_push_token"]
    assert schema["mode"]["enum"] == [None, "missing", "profiles", "refuse"]
    assert list(schema["mode"]["values_display"]) == ["None", "missing", "profiles", "refuse"], "else read as None"
    assert (form.get_param("message").description or "").endswith(NOBODY_IS_SENT), "no transport is named"
    assert list(form) == ["type", "discount", "days", "message", "audience", "mode", "dry_run", "edition", "repeat"]
    form.validate()


def by_hand(include: Path) -> DAG:
    """Return the DAG that is written by hand, as Airflow reads it."""
    bag = DagBag(str(ROOT / "dags" / "promo_code_to_profile.py"))
    assert bag.import_errors == {}, include
    return bag.dags["promo_code_to_profile"]


def test_the_dag_by_hand_offers_what_there_is_as_the_files_do(include: Path) -> None:
    write(include, "spring", YAML.replace("Welcome", "Spring"))
    shutil.copy(include / "messages" / "promo_push.yaml", include / "messages" / "second.yaml")
    (include / "messages" / "plain.yaml").write_text("channel: email\nbody: $promocode\n")
    params = by_hand(include).params
    assert params.get_param("type").schema["examples"] == ["Spring"]
    assert params.get_param("message").schema["enum"] == ["promo_push", "second"]
    assert params.get_param("audience").schema["enum"] == ["all_contacts", "not_redeemed", "with_push_token"]


@pytest.mark.parametrize("missing", ["messages/promo_push.yaml", "audiences/all_contacts.sql"])
def test_the_dag_by_hand_is_there_without_the_files_it_names_by_default(include: Path, missing: str) -> None:
    (include / missing).unlink()
    params = by_hand(include).params
    assert "enum" not in params.get_param("message").schema
    assert "enum" not in params.get_param("audience").schema


def test_a_broken_file_leaves_the_others_alone(include: Path) -> None:
    write(include, "good")
    write(include, "bad", YAML.replace("discount: 10", "discount: 100"))
    bag = DagBag(str(ROOT / "dags" / "workflows.py"))
    assert "good" in bag.dags
    assert "bad" not in bag.dags
    (error,) = bag.import_errors.values()
    assert "workflows/bad.yaml:3: 'discount' cannot be 100. In percent, exact: 0 to 99" in error


def test_the_dag_processor_is_told_under_the_name_of_the_file(include: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import structlog
    from airflow.dag_processing.processor import _serialize_dags

    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    write(include, "good")
    write(include, "bad", YAML.replace("promo_push", "promo_psh"))
    bag = DagBag(str(ROOT / "dags" / "workflows.py"))
    assert bag.import_errors == {}
    stored, errors = _serialize_dags(bag, structlog.get_logger())
    assert [dag.dag_id for dag in stored] == ["good"]
    ((file, error),) = errors.items()
    assert file.endswith("include/workflows/bad.yaml")
    assert error.endswith(
        "workflows/bad.yaml:4: there is no message 'promo_psh' in the include folder. Did you mean 'promo_push'?"
        "\n    message: promo_psh\n"
    )


@pytest.mark.parametrize("file", sorted((ROOT / "dags").glob("*.py")), ids=lambda file: file.stem)
def test_airflow_s_safe_mode_finds_every_file_of_dags(file: Path) -> None:
    """It passes over a file that does not hold the words airflow and dag."""
    assert might_contain_dag(str(file), safe_mode=True)


def test_a_task_reads_its_own_workflow_and_no_other(include: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(include, "good")
    write(include, "bad", "nonsense")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "good")
    (workflow,) = load_workflows()
    assert "enum" not in workflow.dag.params.get_param("message").schema
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "another")
    assert load_workflows() == []
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "bad")
    with pytest.raises(DefinitionError, match=r"^workflows/bad\.yaml"):
        load_workflows()


def test_parsing_reaches_nothing_and_loads_no_driver(include: Path) -> None:
    write(include, "spring")
    code = (
        "import socket, sys\n"
        "import airflow.sdk, airflow.serialization.encoders\n"
        "def refuse(*_): raise SystemExit('a socket was made while parsing')\n"
        "socket.socket.__init__ = refuse\n"
        "socket.getaddrinfo = refuse\n"
        "sys.path.insert(0, 'dags'); import workflows\n"
        "assert len(workflows.WORKFLOWS) == 1\n"
        "heavy = {'psycopg', 'aiohttp', 'openpyxl', 'alembic'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def test_forty_files_cost_no_more_than_their_dags_built_by_hand(include: Path) -> None:
    """Reading, checking and offering the form add less to a DAG than Airflow takes to make its blocks with the form."""
    for number in range(40):
        write(include, f"w{number}")
    code = (ROOT / "dags" / "promo_code_to_profile.py").read_text()
    by_hand = compile(code, "promo_code_to_profile.py", "exec")

    def build() -> None:
        for _ in range(40):
            exec(by_hand, {"__name__": "by_hand"})  # noqa: S102  (the repository's own DAG file)

    load_workflows()
    build()
    ours = min(cpu_seconds(load_workflows) for _ in range(3))
    theirs = min(cpu_seconds(build) for _ in range(3))
    assert ours < 1.5 * theirs
