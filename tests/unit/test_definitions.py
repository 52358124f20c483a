"""Messages, data sources and audiences as their authors write them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from promo_campaigns.definitions.definitions import read_audience, read_data_source, read_message, read_run_spec
from promo_campaigns.model.errors import ConfigurationError, DefinitionError
from promo_campaigns.model.run_spec import CodeRequest, RunSpec

SAMPLES = Path(__file__).parents[2] / "include"
CODES = CodeRequest(type="Welcome", discount=10, days=7)


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Return an include folder with one of each."""
    write(
        tmp_path,
        "messages/push.yaml",
        "channel: mobilepush\nbody: |\n  #set($url=$!data.get('source'))\n  $!promocode\n",
    )
    write(tmp_path, "data_sources/source.yaml", 'connection: api\npath: /contact\nbody: \'{"code": "$promocode"}\'\n')
    write(tmp_path, "audiences/all.sql", "select contact_id from promo.contact")
    return tmp_path


def write(include: Path, name: str, text: str) -> None:
    path = include / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")


def test_the_samples_make_a_campaign() -> None:
    spec = read_run_spec(SAMPLES, workflow="w", audience="all_contacts", message="promo_push", codes=CODES)
    assert spec.message.channel == "mobilepush"
    assert spec.data_sources
    assert (spec.data_sources[0].method, spec.data_sources[0].path) == ("POST", "/api/v1/contact")


def test_a_bound_source_is_found_in_the_message(include: Path) -> None:
    spec = read_run_spec(include, workflow="w", audience="all", message="push", codes=CODES)
    assert spec.data_sources
    assert spec.data_sources[0].name == "source"


def test_a_message_without_a_source_binds_none(include: Path) -> None:
    write(include, "messages/plain.yaml", "channel: email\nbody: Hi $!first_name\n")
    assert read_run_spec(include, workflow="w", audience="all", message="plain", codes=CODES).data_sources == ()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("channel: mobilepush\nboddy: x\n", r"messages/m\.yaml:2: there is no setting 'boddy'\. Did you mean 'body'\?"),
        ("channel: mobilepush\n", r"messages/m\.yaml: the setting 'body' is missing"),
        ("channel: mobilepush\nbody: ''\n", r"messages/m\.yaml:2: 'body' is empty"),
        ("channel: mobilepush\nbody: [a]\n", r"messages/m\.yaml:2: 'body' must be text"),
        ("channel: Mobile Push\nbody: x\n", r"messages/m\.yaml:1: 'Mobile Push' is no channel"),
        ("channel: email\nchannel: sms\nbody: x\n", r"messages/m\.yaml:2: the setting 'channel' stands twice"),
        ("channel: email\nbody: |\n  one\n  #if($x)\n", r"messages/m\.yaml:\d: body: "),
        ("channel: email\nbody: x\nhtml: '#if($x)'\n", r"messages/m\.yaml:3: html: "),
        (
            "channel: email\nbody: x\ntitle: You are #1\n",
            r"messages/m\.yaml:3: 'title' ends before the '#'.* between quotes",
        ),
        ("channel: email\nbody: #1 of all\n", r"messages/m\.yaml:2: 'body' ends before the '#'"),
        (
            "channel: email\nbody: x\noptions:\n  url: long\n    text # 2\n",
            r"messages/m\.yaml:4: 'options' ends before",
        ),
        ("channel: email\nbody: x\noptions: [a]\n", r"messages/m\.yaml:3: 'options' must map names to texts"),
        ("channel: email\nbody: x\noptions:\n  a: '#if($x)'\n", r"messages/m\.yaml:\d: options: "),
        ("channel: email\nbody: x\noptions:\n  html: x\n", r"messages/m\.yaml:3: 'html' cannot be the name"),
        ("channel: email\nbody: x\noptions:\n  a b: x\n", r"messages/m\.yaml:3: 'a b' cannot be the name"),
        ("channel: &c email\nbody: *c\n", r"messages/m\.yaml:2: an anchor is used twice"),
        ("- a\n- b\n", r"messages/m\.yaml: the file must hold settings"),
        ("channel: 'email\nbody: x\n", r"messages/m\.yaml:\d: not YAML"),
    ],
)
def test_a_wrong_message_names_file_line_and_cure(include: Path, text: str, error: str) -> None:
    write(include, "messages/m.yaml", text)
    with pytest.raises(DefinitionError, match=error):
        read_message(include, "m")


@pytest.mark.parametrize("title", ["'You are #1' # quoted", "You are#1", "| # folded\n  You are #1"])
def test_a_comment_behind_a_whole_text_is_one(include: Path, title: str) -> None:
    write(include, "messages/m.yaml", f"channel: email # a comment\nbody: x\ntitle: {title}\n")
    assert read_message(include, "m").title.strip().endswith("#1")


def test_a_template_error_names_the_line_of_the_file(include: Path) -> None:
    write(include, "messages/m.yaml", "channel: email\n\nbody: |\n  one\n  #set($x = )\n")
    with pytest.raises(DefinitionError) as caught:
        read_message(include, "m")
    assert caught.value.line == 5


def test_a_missing_file_names_those_that_exist(include: Path) -> None:
    with pytest.raises(
        DefinitionError, match=r"messages/nope\.yaml: there is no such file\. Present in that folder: push"
    ):
        read_message(include, "nope")
    with pytest.raises(
        DefinitionError, match=r"audiences/nope\.sql: there is no such file\. Present in that folder: all"
    ):
        read_audience(include, "nope")


@pytest.mark.parametrize("name", ["../secret", "a/b", "", ".hidden", "x\0y"])
def test_a_name_cannot_leave_its_folder(include: Path, name: str) -> None:
    for read in (read_message, read_data_source, read_audience):
        with pytest.raises(DefinitionError, match="a name holds letters"):
            read(include, name)


def test_a_bound_source_must_exist(include: Path) -> None:
    write(include, "messages/m.yaml", "channel: email\nbody: \"#set($u=$!data.get('missing'))hello\"\n")
    with pytest.raises(DefinitionError, match=r"messages/m\.yaml:2: body: there is no data source 'missing'.* source"):
        read_run_spec(include, workflow="w", audience="all", message="m", codes=CODES)


def test_a_variable_made_of_a_value_is_no_source(include: Path) -> None:
    write(include, "messages/m.yaml", "channel: email\nbody: \"#set($c=$!data.get('promocode'))Code $c\"\n")
    assert read_run_spec(include, workflow="w", audience="all", message="m", codes=CODES).data_sources == ()


def test_a_message_has_html_options_and_the_webhook_that_carries_it(include: Path) -> None:
    text = "channel: sms\nbody: x\nhtml: <b>$promocode</b>\noptions: {sender: Shop}\nwebhook: source\n"
    write(include, "messages/m.yaml", text)
    spec = read_run_spec(include, workflow="w", audience="all", message="m", codes=CODES, transport="webhook")
    assert (spec.message.html, spec.message.options) == ("<b>$promocode</b>", {"sender": "Shop"})
    assert spec.webhook is not None
    assert spec.webhook.name == "source"
    assert RunSpec.from_dict(spec.as_dict()) == spec


def test_a_source_bound_in_the_html_is_bound(include: Path) -> None:
    write(include, "messages/m.yaml", "channel: email\nbody: x\nhtml: \"#set($u=$!data.get('source'))<b>x</b>\"\n")
    spec = read_run_spec(include, workflow="w", audience="all", message="m", codes=CODES)
    assert [source.name for source in spec.data_sources] == ["source"]


def test_a_spec_that_was_kept_before_there_were_transports_is_read_as_one_for_the_inbox(include: Path) -> None:
    spec = read_run_spec(include, workflow="w", audience="all", message="push", codes=CODES)
    kept = spec.as_dict()
    for name in ("transport", "transport_conn_id", "webhook"):
        del kept[name]
    for name in ("html", "options", "webhook"):
        del kept["message"][name]
    assert RunSpec.from_dict(kept).sha256 == spec.sha256


@pytest.mark.parametrize(("audience", "contact_ids"), [("", ()), ("all", (1,))])
def test_an_audience_is_given_in_one_way(include: Path, audience: str, contact_ids: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError, match="one of the two"):
        read_run_spec(include, workflow="w", audience=audience, contact_ids=contact_ids, message="push", codes=CODES)
