"""Workflows as their authors write them: what is read, and what every mistake is told as."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.cli import main
from promo_campaigns.definitions.published import FILES, file_schema, schema_text
from promo_campaigns.definitions.settings.settings_schema import schema_of
from promo_campaigns.definitions.workflow import Workflow
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.definitions.workflow_parts import PromoCode
from promo_campaigns.model.errors import DefinitionError, SettingError
from promo_campaigns.model.reuse import Reuse

ROOT = Path(__file__).parents[2]
SOUND = """\
audience: all_contacts
promo_code:
  type: Welcome
  discount: 10
  days: 7
message: promo_push
"""


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Return a copy of the samples' include folder without a workflow."""
    folder = tmp_path / "include"
    shutil.copytree(ROOT / "include", folder, ignore=shutil.ignore_patterns("workflows", "samples"))
    (folder / "workflows").mkdir()
    return folder


def read(include: Path, text: str, name: str = "spring") -> Workflow:
    (include / "workflows" / f"{name}.yaml").write_text(dedent(text), encoding="utf-8")
    return check_workflow(IncludeFolder(include), name)


def error_of(include: Path, text: str) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        read(include, text)
    return caught.value


def test_the_samples_are_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workflows", "check", "--include", str(ROOT / "include")]) == 0
    assert capsys.readouterr().out.endswith(" 0 wrong\n")


def test_a_file_needs_three_settings_and_the_rest_has_defaults(include: Path) -> None:
    workflow = read(include, SOUND)
    assert workflow == Workflow(
        workflow_id="spring",
        audience="all_contacts",
        promo_code=PromoCode(type="Welcome", discount=10, days=7),
        message="promo_push",
    )


def test_every_setting_can_be_written(include: Path) -> None:
    workflow = read(
        include,
        SOUND
        + """\
name: Spring sale
description: For everybody
data_sources: [promo_to_profile]
schedule: 0 9 * * 1
start_date: 2026-11-02
end_date: 2026-12-24
catch_up: true
time_zone: Europe/Kyiv
send_by: 2h
quiet_hours: mon-fri 21:00-09:00; sat,sun 20:00-11:00
frequency_cap: 3/7d
batch_size: 500
transport: inbox
approval: {approvers: [anna], timeout: 24h, on_timeout: reject}
stock: fail
abort_at: 5
start_with: 1 %
then: 30m
owner: marketing
tags: [spring, sale]
""",
    )
    assert (workflow.schedule, workflow.start_date, workflow.catch_up) == ("0 9 * * 1", "2026-11-02", True)
    assert (workflow.data_sources, workflow.tags) == (("promo_to_profile",), ("spring", "sale"))


@pytest.mark.parametrize(
    ("change", "line", "error"),
    [
        (("message:", "mesage:"), 6, "there is no setting 'mesage'. Did you mean 'message'?"),
        (
            ("  discount: 10", "  discont: 10"),
            4,
            "there is no setting 'discont' in 'promo_code'. Did you mean 'discount'?",
        ),
        (("discount: 10", "discount: 100"), 4, "'discount' cannot be 100. In percent, exact: 0 to 99"),
        (("discount: 10", "discount: ten"), 4, "'discount' must be a whole number, not 'ten'. In percent"),
        (("discount: 10", "discount: 010"), 4, "'discount' must be a whole number, not '010'"),
        (("type: Welcome", "type: 2024"), 3, "'type' must be text, not 2024. The pool to take codes from"),
        (("message: promo_push", "message: promo_psh"), 6, "there is no message 'promo_psh'"),
        (("audience: all_contacts", "audience: all_contact"), 1, "Did you mean 'all_contacts'?"),
        (("audience: all_contacts", "audience: ../x"), 1, "'audience' cannot be '../x'. Who it is for"),
        (
            ("audience: all_contacts", "audience: {evnt: x}"),
            1,
            "there is no setting 'evnt' in 'audience'. Did you mean 'event'?",
        ),
        (("message: promo_push", "message:"), 6, "'message' is empty. The name of a file of include/messages"),
        (
            ("message: promo_push\n", ""),
            None,
            "the setting 'message' is missing. The name of a file of include/messages",
        ),
        (("  days: 7\n", ""), 2, "the setting 'days' is missing in 'promo_code'. How many whole days"),
        (("message: promo_push", "message: promo_push\nmessage: x"), 7, "the setting 'message' stands twice"),
        (
            ("message: promo_push", "message: &x promo_push\nname: *x"),
            7,
            "an anchor is used twice. Write the value out",
        ),
        (("message:", "  message:"), 6, "there is no setting 'message' in 'promo_code'. There are: days"),
        (("  type: Welcome", "  type: [Welcome"), 4, "not YAML"),
    ],
)
def test_a_mistake_is_told_by_line_with_its_text_and_the_cure(
    include: Path, change: tuple[str, str], line: int | None, error: str
) -> None:
    told = error_of(include, SOUND.replace(*change))
    assert error in str(told)
    assert str(told).startswith(f"workflows/spring.yaml:{line}: " if line else "workflows/spring.yaml: ")
    text = SOUND.replace(*change).splitlines()
    assert told.excerpt == (text[line - 1].strip() if line and line <= len(text) else "")


@pytest.mark.parametrize(
    ("added", "error"),
    [
        ("schedule: 0 9 * *", "'schedule' cannot be '0 9 * *'. When it runs: a cron expression"),
        ("schedule: 99 9 * * 1", "'schedule' cannot be '99 9 * * 1'"),
        ("schedule: 0 0 31 2 *", "'schedule' cannot be '0 0 31 2 *'"),
        ("transport_conn_id: mail", "transport_conn_id names a connection, and messages are left in the inbox"),
        ("schedule: [0 9 * * 1, 0 9]", "'schedule' cannot be '0 9'. A cron expression, such as 0 9 * * 1"),
        ("schedule: {asset: ''}", "'asset' cannot be ''"),
        ("schedule: {asset: x, assets: y}", "there is no setting 'assets' in 'schedule'. Did you mean 'asset'?"),
        ("schedule: {timetable: x}", "'timetable' cannot be 'x'. The dotted name of a timetable's class"),
        ("time_zone: Europe/Kiew", "'time_zone' cannot be 'Europe/Kiew'. The IANA name"),
        ("start_date: 2.11.2026", "'start_date' cannot be '2.11.2026'. The first day it may run, such as 2026-11-02"),
        ("send_by: tomorrow", "'send_by' cannot be 'tomorrow'. After which nobody is sent anything: 2h"),
        ("send_by: 2026-12-24T18:00", "'send_by' cannot be '2026-12-24T18:00'"),
        ("quiet_hours: 21-9", "'quiet_hours' cannot be '21-9'. The hours in which no message goes out"),
        ("quiet_hours: 21:00-09:00\nsend_window: 09:00-21:00", "send_window and quiet_hours say the same thing twice"),
        ("send_window: 09:00-09:00", "send_window begins and ends at the same time"),
        ("catch_up: true", "catch_up needs a schedule and a start_date"),
        ("catch_up: yes", "'catch_up' must be true or false, not 'yes'"),
        ("start_date: 2026-12-02\nend_date: 2026-12-01", "end_date lies before start_date"),
        ("data_sources: []", "the message 'promo_push' binds promo_to_profile. Name all it binds"),
        ("approval: 5", "'approval' cannot be 5. Whether a person must approve each run"),
        ("approval: {approvers: []}", "'approvers' cannot be []. Ids in Airflow of the users who may approve"),
        ("approval: {approvers: [7]}", "'approvers' must be text, not 7. The id of a user is text"),
        ("approval: {timeout: soon}", "'timeout' cannot be 'soon'. How long an answer is waited for"),
        ("approval: {on_timeout: aprove}", "'on_timeout' cannot be 'aprove'. Did you mean 'approve'?"),
        ("stock: partal", "'stock' cannot be 'partal'. Did you mean 'partial'?"),
        ("hold_out: 100", "'hold_out' cannot be 100. Percent of the audience"),
        ("frequency_cap: 3 a week", "'frequency_cap' cannot be '3 a week'"),
        ("batch_size: 0", "'batch_size' cannot be 0. Contacts that one task handles, 1 to 100,000"),
        ("max_active_runs: 0", "'max_active_runs' cannot be 0. How many of its runs may be under way at once"),
        ("transport: smpt", "there is no transport 'smpt' installed. Did you mean 'smtp'?"),
        ("tags: [a, a]", "'tags' cannot be ['a', 'a']"),
        ("tags: [1]", "'tags' must be text, not 1. A tag is text"),
    ],
)
def test_a_wrong_value_is_told_with_the_allowed_form(include: Path, added: str, error: str) -> None:
    told = error_of(include, SOUND + added + "\n")
    assert error in str(told)
    assert told.line in {7, 8}


@pytest.mark.parametrize(
    ("audience", "added", "error"),
    [
        ("{event: OrderPaid}", "schedule: 0 9 * * 1", ":7: a workflow for events runs when there are events"),
        ("{event: OrderPaid}", "send_by: 2026-12-24T18:00+02:00", ":7: a workflow for events ends after no date"),
        ("{event: OrderPaid}", "max_active_runs: 1", ":7: a workflow for events has two runs at most"),
        ("{event: OrderPaid}", "stock: partial", ":7: events that find no code wait for one"),
        ("{event: OrderPaid}", "approval: {}", ":7: events are answered as they come, so nobody can be asked"),
        ("all_contacts", "hold_out: 12.345", ":7: hold_out has more than two decimals"),
        ("{event: OrderPaid, reentry: once, period: 7d}", "", ":1: 'reentry: period' and a 'period' go together"),
        ("{event: OrderPaid, reentry: period}", "", ":1: 'reentry: period' and a 'period' go together"),
        ("{event: OrderPaid, reentry: period, period: week}", "", ":1: 'period' cannot be 'week'. How long after"),
        (
            "{event: OrderPaid, reentry: each time}",
            "",
            ":1: 'reentry' cannot be 'each time'. Did you mean 'each_time'?",
        ),
        ("{event: ''}", "", ":1: 'event' cannot be ''. The type of the events it answers"),
    ],
)
def test_a_wrong_audience_of_events_is_told(include: Path, audience: str, added: str, error: str) -> None:
    told = error_of(include, SOUND.replace("all_contacts", audience) + added + "\n")
    assert error in str(told)


@pytest.mark.parametrize(("said", "reuse"), [("", Reuse.NEW), *((f"\n  reuse: {word.value}", word) for word in Reuse)])
def test_a_workflow_says_whether_a_contact_gets_its_code_again(include: Path, said: str, reuse: Reuse) -> None:
    assert read(include, SOUND.replace("days: 7", f"days: 7{said}")).promo_code.reuse is reuse


def test_a_type_of_event_that_is_nearly_a_declared_one_is_told_and_another_one_may_be(include: Path) -> None:
    (include / "fields.yaml").write_text("events:\n  OrderPaid: [order]\n", encoding="utf-8")
    told = error_of(include, SOUND.replace("all_contacts", "{event: OrderPayed}"))
    assert ":1: there is no event 'OrderPayed' in include/fields.yaml. Did you mean 'OrderPaid'?" in str(told)
    assert read(include, SOUND.replace("all_contacts", "{event: Birthday}")).event == "Birthday"


def test_another_word_for_reuse_is_told(include: Path) -> None:
    told = error_of(include, SOUND.replace("days: 7", "days: 7\n  reuse: same"))
    assert ":6: 'reuse' cannot be 'same'" in str(told)


def test_a_mistake_in_a_message_is_told_by_the_message_s_own_line(include: Path) -> None:
    (include / "messages" / "promo_push.yaml").write_text("channel: email\nbody: |\n  #if($x)\n")
    told = error_of(include, SOUND)
    assert told.file == "messages/promo_push.yaml"


@pytest.mark.parametrize("name", ["no.yaml", "binary.yaml", "list.yaml", "deep.yaml", "huge.yaml"])
def test_a_file_that_is_no_workflow_at_all_is_told(include: Path, name: str) -> None:
    content = {"binary.yaml": b"\xff\xfe\x00", "list.yaml": b"- a\n", "deep.yaml": b"a: " + b"[" * 5000}
    content["huge.yaml"] = b"#" * 1_000_001
    if name in content:
        (include / "workflows" / name).write_bytes(content[name])
    with pytest.raises(DefinitionError, match=rf"^workflows/{name}"):
        check_workflow(IncludeFolder(include), Path(name).stem)


def test_the_command_names_each_wrong_file_and_counts_them(include: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in {"a": SOUND, "b": SOUND + "tagz: [x]\n", "c": "x"}.items():
        (include / "workflows" / f"{name}.yaml").write_text(text)
    assert main(["workflows", "check", "--include", str(include)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "workflows/b.yaml:7: there is no setting 'tagz'. Did you mean 'tags'?"
    assert shown[1] == "    tagz: [x]"
    assert shown[2].startswith("workflows/c.yaml: the file must hold settings")
    assert shown[-1] == "3 workflows, 2 wrong"


def test_the_command_tells_all_that_is_wrong_with_a_workflow(include: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = SOUND.replace("discount: 10", "discount: ten").replace("message:", "mesage:")
    (include / "workflows" / "a.yaml").write_text(wrong + "abort_at: 101\nsend_by: soon\n")
    named = SOUND.replace("audience: all_contacts", "audience: nobody") + "transport: pigeon\n"
    (include / "workflows" / "b.yaml").write_text(named)
    text = 'channel: mobilepush\ntitle: "Hi $first_nam"\nbody: "Your code: $promocod"\n'
    (include / "messages" / "wrong.yaml").write_text(text)
    (include / "workflows" / "c.yaml").write_text(SOUND.replace("promo_push", "wrong"))
    assert main(["workflows", "check", "--include", str(include)]) == 1
    told = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    for at, said in enumerate(
        (
            "workflows/a.yaml:6: there is no setting 'mesage'",
            "workflows/a.yaml:7: 'abort_at' cannot be 101",
            "workflows/a.yaml:4: 'discount' must be a whole number, not 'ten'",
            "workflows/a.yaml:8: 'send_by' cannot be 'soon'",
            "workflows/b.yaml:1: there is no audience 'nobody'",
            "workflows/b.yaml:7: there is no transport 'pigeon'",
            "messages/wrong.yaml:2: title: $first_nam reads 'first_nam'",
            "messages/wrong.yaml:3: body: $promocod reads 'promocod'",
            "messages/wrong.yaml:3: the message never shows the promo code",
        )
    ):
        assert said in told[at], told
    assert told[-1] == "3 workflows, 3 wrong"


def test_the_schema_is_published_as_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    from jsonschema import Draft202012Validator

    assert main(["workflows", "schema"]) == 0
    published = json.loads(capsys.readouterr().out)
    assert published == file_schema()
    Draft202012Validator.check_schema(published)
    assert published["properties"].keys() == Workflow.model_fields.keys() - {"workflow_id"}
    for sample in (ROOT / "include" / "workflows").glob("*.yaml"):
        Draft202012Validator(published).validate(yaml.safe_load(sample.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", FILES)
def test_what_is_published_about_the_settings_is_what_the_model_says(name: str) -> None:
    published = (ROOT / name).read_text(encoding="utf-8")
    assert published == FILES[name](), "the model has changed: run `make published`"


def test_every_setting_is_described() -> None:
    schema = schema_of(Workflow)
    for form in (schema, *schema["$defs"].values()):
        assert all(setting["description"] for setting in form["properties"].values())


def test_every_sample_tells_its_editor_where_the_schema_is() -> None:
    samples = list((ROOT / "include" / "workflows").glob("*.yaml"))
    assert samples
    for sample in samples:
        first = sample.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (sample.parent / first.split("=", 1)[1]).read_text(encoding="utf-8") == schema_text()


def test_a_file_cannot_give_itself_another_name(include: Path) -> None:
    told = error_of(include, SOUND + "workflow_id: autumn\n")
    assert "workflows/spring.yaml:7: there is no setting 'workflow_id'" in str(told)
    (include / "workflows" / "a b.yaml").write_text(SOUND)
    with pytest.raises(DefinitionError, match=r"'workflow_id' cannot be 'a b'\. What identifies it"):
        check_workflow(IncludeFolder(include), "a b")


def test_in_python_none_and_a_default_say_nothing() -> None:
    needed: dict[str, Any] = {
        "workflow_id": "spring",
        "audience": "all_contacts",
        "promo_code": {"type": "Welcome", "discount": 10, "days": 7},
        "message": "promo_push",
    }
    said = Workflow.given(
        **needed, send_by="", start_date=None, batch_size=None, data_sources=None, hold_out=0, tags=()
    )
    assert said == Workflow.given(**needed)
    with pytest.raises(SettingError, match=r"there is no setting 'batchsize'\. Did you mean 'batch_size'\?"):
        Workflow.given(**needed, batchsize=None, tagz=[])


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
SETTINGS = st.dictionaries(
    st.sampled_from(sorted([*schema_of(Workflow)["properties"], "nothing"])) | st.text(max_size=3), PLAIN, max_size=6
)


@given(SETTINGS)
def test_whatever_is_written_is_taken_or_told_as_a_setting_s_mistake(document: dict[str, Any]) -> None:
    told: SettingError | None = None
    try:
        Workflow.model_validate({"workflow_id": "spring", **document})
    except SettingError as error:
        told = error
    assert told is None or set(told.setting[:1]) <= {*document}


def test_the_command_notes_what_should_be_known_of_a_workflow_that_is_right(
    include: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over = "schedule: '0 9 * * 1'\nend_date: 2020-01-31\n"
    late = "schedule: '0 9 * * 1'\nsend_by: 2020-01-31T10:00+00:00\n"
    (include / "workflows" / "a.yaml").write_text(SOUND + over)
    (include / "workflows" / "b.yaml").write_text(SOUND + late)
    assert main(["workflows", "check", "--include", str(include)]) == 0
    line = SOUND.count("\n") + 1
    late_words = "a schedule without send_by: a date that is made up for late is sent all the same; write send_by: 12h"
    assert capsys.readouterr().out.splitlines() == [
        "workflows/a.yaml:1: note: inbox: nobody is really sent anything; name a transport to send",
        f"workflows/a.yaml:{line}: note: {late_words}",
        f"workflows/a.yaml:{line + 1}: note: end_date 2020-01-31 is over: it runs by its schedule no more",
        "workflows/b.yaml:1: note: inbox: nobody is really sent anything; name a transport to send",
        f"workflows/b.yaml:{line + 1}: note: send_by 2020-01-31T10:00+00:00 is over: nobody will be sent anything",
        "Audiences were not selected, nor fields compared: no database was named",
        "2 workflows, 0 wrong",
    ]


def test_the_command_names_a_file_of_dags_that_airflow_passes_over(
    include: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW__CORE__DAGS_FOLDER", raising=False)
    dags = include.parent / "dags"
    (dags / "ours").mkdir(parents=True)
    (dags / "ours" / "sale.py").write_text("from promo_campaigns import PromoWorkflow\nPromoWorkflow()\n")
    (dags / "right.py").write_text('"""Airflow DAGs."""\nfrom promo_campaigns import PromoWorkflow\n')
    (dags / "other.py").write_text("print()\n")
    (include / "workflows" / "a.yaml").write_text(SOUND)
    assert main(["workflows", "check", "--include", str(include)]) == 1
    said = capsys.readouterr().out
    assert said.startswith("dags/ours/sale.py: Airflow's safe mode skips it, so that its workflows are no DAGs.")
    assert "1 workflow, 1 wrong" in said
    assert main(["workflows", "check", "--include", str(include), "--json"]) == 1
    monkeypatch.setenv("AIRFLOW__CORE__DAG_DISCOVERY_SAFE_MODE", "False")
    assert main(["workflows", "check", "--include", str(include)]) == 0


def test_the_command_lists_the_workflows(include: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workflows", "list", "--include", str(include)]) == 0
    assert capsys.readouterr().out.startswith("There is no workflow in")
    (include / "workflows" / "a.yaml").write_text(SOUND)
    (include / "workflows" / "b.yaml").write_text("x")
    assert main(["workflows", "list", "--include", str(include), "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert (first["workflow"], first["codes"], first["transport"]) == ("a", "Welcome, 10 %, 7 days", "inbox")
    assert second["wrong"].startswith("workflows/b.yaml")
