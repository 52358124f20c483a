"""Data sources as their authors write them, and when they are called."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.definitions.definitions import read_data_source, read_run_spec
from promo_campaigns.delivery.templates import compile_data_source
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.model.run import Purpose
from promo_campaigns.model.run_spec import CodeRequest, Message, Poll, RunSpec

if TYPE_CHECKING:
    from pathlib import Path

CODES = CodeRequest(type="Welcome", discount=10, days=7)
BULK = "connection: api\npath: /cs\nrecords_per_request: 100\nbody: '[#foreach($c in $batch)\"$c.contact_id\"#end]'\n"


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Return an include folder with two sources and an audience."""
    write(tmp_path, "data_sources/profile.yaml", 'connection: api\npath: /c\nbody: \'{"code": "$promocode"}\'\n')
    write(tmp_path, "data_sources/points.yaml", "connection: api\nmethod: GET\npath: /points/$external_id\n")
    write(tmp_path, "audiences/all.sql", "select contact_id from promo.contact")
    return tmp_path


def write(include: Path, name: str, text: str) -> None:
    path = include / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")


def sources(include: Path, body: str, title: str = "") -> list[tuple[str, bool]]:
    message = f"channel: email\ntitle: {title!r}\nbody: |\n" + "".join(f"  {line}\n" for line in body.splitlines())
    write(include, "messages/m.yaml", message)
    spec = read_run_spec(include, workflow="w", audience="all", message="m", codes=CODES)
    return [(source.name, source.before) for source in spec.data_sources]


@pytest.mark.parametrize(
    ("body", "called"),
    [
        ("#set($u=$!data.get('profile'))hi", [("profile", False)]),
        ("#set($u=$!data.get('points'))$!u.get('points')", [("points", True)]),
        ("$!data.get('points').get('points')", [("points", True)]),
        ("$!points.get('points')", [("points", True)]),
        ("#foreach($p in $data.points)$p#end", [("points", True)]),
        (
            "#set($u=$!data.get('points'))#set($v=$!data.get('profile'))$!u.get(0)",
            [("points", True), ("profile", False)],
        ),
        ("#set($v=$!data.get('profile'))\n#set($u=$!data.get('points'))$!u", [("profile", False), ("points", True)]),
        ("#set($points=1)$points", []),
        ("#set($c=$!data.get('promocode'))Code $c", []),
    ],
)
def test_a_source_is_called_before_the_message_if_that_reads_its_answer(
    include: Path, body: str, called: list[tuple[str, bool]]
) -> None:
    assert sources(include, body) == called


def test_a_title_reads_answers_as_well(include: Path) -> None:
    assert sources(include, "hi", "$!data.get('points').get('name')") == [("points", True)]


def test_a_spec_comes_back_from_the_ledger_as_it_went(include: Path) -> None:
    import json

    write(include, "data_sources/bulk.yaml", BULK + "poll:\n  path: /status/$answer.id\n  wait_s: 30\n")
    assert sources(include, "#set($u=$!data.get('bulk'))#set($v=$!data.get('points'))$!v") == [
        ("bulk", False),
        ("points", True),
    ]
    spec = read_run_spec(include, workflow="w", audience="all", message="m", codes=CODES)
    again = RunSpec.from_dict(json.loads(json.dumps(spec.as_dict())))
    assert again == spec
    assert again.sha256 == spec.sha256
    assert spec.data_sources[0].poll == Poll(path="/status/$answer.id", wait_s=30)
    assert isinstance(spec.message, Message)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("connection: api\npath: contact\n", ":2: 'path' must begin with a slash. The host is the connection's"),
        ('connection: api\npath: "/a\\r\\nb"\n', ":2: 'path' holds what no address may"),
        ("connection: api\npath: /c\nmethod: PUT\n", ":3: 'method' cannot be 'PUT'. Use POST or GET"),
        ("connection: api\npath: /c\nmethod: GET\nbody: '{}'\n", ":4: a GET request has no body"),
        ("connection: api\npath: /c\nformat: csv\n", ":3: 'format' cannot be 'csv'. Use json or xml or text"),
        ("connection: api\npath: /c\nheaders: [a]\n", ":3: 'headers' must map names to texts"),
        (
            "connection: api\npath: /c\nheaders:\n  Authorization: Bearer x\n",
            ":3: the header Authorization is a secret. Credentials stand in the connection",
        ),
        ("connection: api\npath: /c\nheaders:\n  Host: x\n", ":3: the header Host is set for each request"),
        ("connection: api\npath: /c\nheaders:\n  'A b': x\n", ":3: 'headers' holds a name or value"),
        ('connection: api\npath: /c\nheaders:\n  A: "x\\ny"\n', ":3: 'headers' holds a name or value"),
        ("connection: api\npath: /c\nbody: '{\"code\": '\n", ":3: body: the body is no JSON here"),
        ("connection: api\npath: /c\nformat: xml\nbody: |\n  <a>\n", ":5: body: the body is no well-formed XML"),
        ("connection: api\npath: /c\nbody: |\n  {\n  #if(\n  }\n", ":6: body: "),
        ("connection: api\npath: '/c/#if('\n", ":2: path: "),
        ("connection: api\npath: /c\nsuccess: $answer.get(\n", ":3: success: "),
        (
            "connection: api\npath: /c\nfailure: maybe\n",
            ":3: 'failure' cannot be 'maybe'. Use refused or later or unknown",
        ),
        ("connection: api\npath: /c\ntimeout_s: 90\n", ":3: 'timeout_s' must be a number between 0.1 and 55"),
        ("connection: api\npath: /c\ntimeout_s: soon\n", ":3: 'timeout_s' must be a number"),
        (
            "connection: api\npath: /c\nrecords_per_request: 0\n",
            ":3: 'records_per_request' must be a number between 1 and 10000",
        ),
        (
            "connection: api\npath: /c\nrecords_per_request: 5\nbody: '{}'\n",
            ":3: with 'records_per_request' the body must read $batch",
        ),
        (
            "connection: api\npath: /c\nbody: '[#foreach($c in $batch)1#end]'\n",
            ":3: the body reads $batch and 'records_per_request' is missing",
        ),
        ("connection: api\npath: /c\npoll:\n  wait_s: 5\n", ":3: 'poll' goes with 'records_per_request'"),
        (BULK + "poll:\n  url: /x\n", ":5: 'poll' has no 'url'. There are: done, failed, path, wait_s"),
        (BULK + "poll:\n  fialed: x\n", ":5: 'poll' has no 'fialed'. Did you mean 'failed'?"),
        (BULK + "poll:\n  wait_s: 9999\n", ":5: 'wait_s' must be a number between 1 and 600"),
        (BULK + "poll:\n  path: x\n", ":5: the 'path' of 'poll' must begin with a slash"),
        (BULK + "poll:\n  done: 1 +\n", ":6: poll: "),
        (BULK + "poll:\n  done: $answr.ok\n", ":6: poll.done: there is no $answr. Did you mean $answer?"),
        (BULK + "poll:\n  done: $status == 404\n", ":6: poll.done: no answer can ever meet this condition. Only an"),
        (
            BULK + "poll:\n  failed: $answer.s == 'A' && $answer.s == 'B'\n",
            ":6: poll.failed: no answer can ever meet this condition",
        ),
        (BULK + "poll:\n  done: true\n", ":6: poll.done: the condition does not read the answer. Compare what"),
        (
            BULK + "poll:\n  failed: $answer.get('status') == 'FINISHED'\n",
            ":5: poll: 'done' and 'failed' are one condition. Work that failed is looked for first",
        ),
        ("connection: api\npath: /c\nkey_window_s: 1d\n", ":3: 'key_window_s' must be a whole number"),
        ("connection: api\npath: /c\nkey_window_s: -1\n", ":3: 'key_window_s' must be a whole number"),
        ("connection: api\npath: /c\ntoken: canary\n", ":3: there is no setting 'token'"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_cure_when_it_is_read(include: Path, text: str, error: str) -> None:
    write(include, "data_sources/s.yaml", text)
    with pytest.raises(DefinitionError) as caught:
        read_data_source(include, "s")
    assert str(caught.value).startswith(f"data_sources/s.yaml{error}")
    assert "canary" not in str(caught.value), "the line at fault may hold a secret"


def test_a_message_cannot_read_the_answer_of_a_bulk_request(include: Path) -> None:
    write(include, "data_sources/bulk.yaml", BULK)
    with pytest.raises(DefinitionError, match=r"data_sources/bulk\.yaml:3: a message reads the answer"):
        sources(include, "$!data.get('bulk')")


@pytest.mark.parametrize("message", ["#set($u=$!data.get('second'))hi", "$!data.get('second')$!data.get('points')"])
def test_a_source_cannot_read_an_answer_that_is_not_there_yet(include: Path, message: str) -> None:
    write(include, "data_sources/second.yaml", 'connection: api\npath: /c\nbody: \'{"n": "$data.points"}\'\n')
    with pytest.raises(
        DefinitionError, match=r"data_sources/second\.yaml:3: it reads the answer of 'points'\. Only a source"
    ):
        sources(include, message)


def test_a_source_called_after_the_message_can_read_what_the_message_read(include: Path) -> None:
    write(include, "data_sources/second.yaml", 'connection: api\npath: /c\nbody: \'{"n": "$data.points"}\'\n')
    assert sources(include, "#set($u=$!data.get('second'))$!data.get('points')") == [
        ("second", False),
        ("points", True),
    ]


def headers(include: Path, text: str) -> dict[str, str]:
    write(include, "data_sources/s.yaml", f"connection: api\npath: /c\n{text}")
    compiled = compile_data_source(read_data_source(include, "s")).headers
    return {name: str(template.render_many([{}])[0]) for name, template in compiled.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("body: '{}'\n", {"Content-Type": "application/json"}),
        ("format: xml\nbody: <a/>\n", {"Content-Type": "application/xml; charset=utf-8"}),
        ("format: text\nbody: a\n", {"Content-Type": "text/plain; charset=utf-8"}),
        (
            "body: '{}'\nheaders:\n  content-type: application/vnd.api+json\n",
            {"content-type": "application/vnd.api+json"},
        ),
        ("method: GET\n", {}),
    ],
)
def test_the_type_of_a_body_is_that_of_its_format_unless_a_header_sets_another(
    include: Path, text: str, expected: dict[str, str]
) -> None:
    assert headers(include, text) == expected


@pytest.mark.parametrize(
    ("text", "shows"),
    [
        ("path: /c?code=$promocode\nmethod: GET\n", True),
        ('path: /c\nbody: \'{"c": "$data.promocode"}\'\n', True),
        ("path: /c\nmethod: GET\nheaders:\n  X-Code: $promocode\n", True),
        ("path: /c/$external_id\nmethod: GET\n", False),
    ],
)
def test_it_is_known_whether_the_code_leaves_with_a_call(include: Path, text: str, shows: bool) -> None:  # noqa: FBT001  (the expected value)
    write(include, "data_sources/s.yaml", f"connection: api\n{text}")
    templates = compile_data_source(read_data_source(include, "s", before=True), 3)
    assert (templates.shows_code, templates.purpose, templates.source) == (shows, Purpose.ANSWER, 3)


def test_values_stay_where_they_were_put(include: Path) -> None:
    write(
        include,
        "data_sources/s.yaml",
        "connection: api\npath: /c/$first_name?q=$first_name\nformat: xml\nbody: <a>$first_name</a>\n",
    )
    templates = compile_data_source(read_data_source(include, "s"))
    context = {"first_name": "a/x?y=1&z#</a>"}
    assert templates.path.render_many([context]) == [
        "/c/a%2Fx%3Fy%3D1%26z%23%3C%2Fa%3E?q=a%2Fx%3Fy%3D1%26z%23%3C%2Fa%3E"
    ]
    assert templates.body.render_many([context]) == ["<a>a/x?y=1&amp;z#&lt;/a&gt;</a>"]


@pytest.mark.parametrize("path", ["/c/../x", "/./x", "/c/%2e%2E", "/c/..?q=1", "/c\\..\\x"])
def test_a_path_that_leads_elsewhere_is_refused_by_its_line(include: Path, path: str) -> None:
    write(include, "data_sources/s.yaml", f'connection: api\npath: {path}\nbody: "{{}}"\n')
    with pytest.raises(DefinitionError, match=r":2: 'path' has the part '\.' or '\.\.'"):
        read_data_source(include, "s")
