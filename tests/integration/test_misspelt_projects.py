"""A sample project with each name in it misspelt in turn: each is told before anybody is sent anything."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from integration.scenario import add_codes, add_contacts
from promo_campaigns.contacts.store import create_field
from promo_campaigns.definitions.names.store_check import require_store
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.workflows import PromoWorkflow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

FILES = {
    "workflows/sale.yaml": """\
name: Spring sale
description: A sale
message: order_mail
audience: everybody
promo_code: {type: Welcome, discount: 10, days: 7, reuse: new each run}
data_sources: [points, profile]
schedule: 0 9 * * 1
start_date: 2026-11-02
end_date: 2026-12-24
catch_up: true
max_active_runs: 1
time_zone: Europe/Kyiv
quiet_hours: 21:00-09:00
send_by: 12h
frequency_cap: 3/7d
batch_size: 50
transport: webhook
approval: true
hold_out: 5
stock: partial
shows_code: true
owner: marketing
tags: [spring]
""",
    "fields.yaml": "fields:\n  Bonus points: number\n  city: textfield\nevents:\n  OrderPaid: [order]\n",
    "audiences/everybody.sql": """\
select c.contact_id
from promo.contact c
where c.language is null or c.first_name > ''
""",
    "messages/order_mail.yaml": """\
description: A mail
channel: mobilepush
title: "$!first_name, a code"
body: |
  #set($account = $!data.get('points'))
  Hello ${first_name} $!{data.last_name} of $!city, #if($language == 'uk')$!external_id#end
  $account.get('balance') and #foreach($row in $points.rows)$row.title $foreach.count#end $!data.get('Bonus points')
  #set($profile = $!data.get('profile'))
  #macro(line $label)$label: $discount, $promocode_type#end#line($contact_id)
  $promocode until $expiration_date.substring(0, 10)
html: "<p title='$!first_name'>$data['promocode']</p>"
options:
  unsubscribe: "https://shop.example/u?c=$contact_id"
  style: "of $!language"
webhook: gateway
""",
    "data_sources/points.yaml": """\
description: Points
method: GET
connection: loyalty
path: /points/$contact_id?who=$data.get('external_id')
headers:
  X-Language: "$!language"
timeout_s: 5
success: $answer.get('balance') >= 0
failure: later
""",
    "data_sources/points.answer.json": '{"balance": 5, "rows": [{"title": "a"}]}',
    "data_sources/profile.yaml": """\
description: The profile
method: POST
connection: loyalty
path: /contacts
format: json
records_per_request: 10
body: |
  { "contacts": [ #foreach($c in $batch)#if($foreach.index > 0),#end
    { "value": "$c.get('contact_unique_identifier')", "code": "$c.promocode",
      "points": "$c.get('points').balance" }#end ] }
poll:
  path: /jobs/$answer.get('job')
  done: $answer.get('state') == 'OK'
  failed: $answer.get('state') == 'KO'
  wait_s: 30
""",
    "data_sources/gateway.yaml": """\
connection: gateway
path: /messages/$channel
key_window_s: 86400
headers:
  X-Key: "$key"
body: |
  { "to": "$locator", "subject": "$title", "text": "$data.body", "html": "$!html", "from": "$contact_id",
    "style": "$options.style", "link": "$options.get('unsubscribe')" }
""",
}
FREE = {"X-Language", "X-Key", "OrderPaid", "order"}
"""Names that are the author's own, and that nothing else here says: of headers, and of what no text reads."""
READ = re.compile(r"\$!?\{?([A-Za-z_]+)|get\('([^']+)'\)|\['([^']+)'\]|(?<=[a-z)])\.([a-z_]+)(?![a-z_]*\()")
SET = re.compile(r"#set\(\$[a-z]+|#foreach\(\$[a-z]+ in|#macro\(line \$[a-z]+|\.example|\$answer.get\('(job|state)'\)")
"""What no reference is, and what nobody can know: of an answer without an example."""
WORD = re.compile(r"^(message|transport|webhook|connection|method|format|failure|stock): (\w+)$", re.MULTILINE)
SQL = re.compile(r"contact_id|promo|contact\b|language|first_name|from|where|select")
RECEIVER = {"conn_type": "promo_http", "host": "127.0.0.1", "port": 1, "login": "us", "password": "a-key-of-theirs"}
EXTRA = {"auth": "basic", "timeout_s": 20, "requests_per_s": 5, "concurrency": 2, "allow_insecure": True}
EXTRA |= {"allow_private": True}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A project in which one name is misspelt.

    :param kind: what sort of name it is
    :param name: the name, as it should be
    :param wrong: as it is written
    :param files: files that are other than in the project; None for one that is not there
    :param connections: connections that are other
    :param conf: what the run is triggered with
    """

    kind: str
    name: str
    wrong: str
    files: dict[str, str | None] = field(default_factory=dict)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    conf: dict[str, Any] = field(default_factory=dict)


def spellings(name: str) -> list[str]:
    """Return two ways to misspell a name: a letter more, and two that changed places or one less."""
    middle = max(1, len(name) // 2)
    swapped = name[: middle - 1] + name[middle : middle + 1] + name[middle - 1] + name[middle + 1 :]
    other = swapped if swapped not in {name, ""} else name[:-1]
    return [one for one in (name[:middle] + "x" + name[middle:], other) if one and one != name]


def keys_of(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield from keys_of(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from keys_of(value)


def spans(file: str, text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each name in a file: its kind, and where it begins and ends."""
    if file.endswith(".sql"):
        yield from (("word of SQL", match.start(), match.end()) for match in SQL.finditer(text))
    if not file.endswith(".yaml"):
        return
    for key in keys_of(yaml.compose(text, Loader=yaml.SafeLoader)):
        if key.value not in FREE:
            yield "setting", key.start_mark.index, key.end_mark.index
    if file.startswith(("messages/", "data_sources/")):
        passed = [range(match.start(), match.end()) for match in SET.finditer(text)]
        for match in READ.finditer(text):
            start, end = match.span(match.lastindex or 0)
            if not any(start in span for span in passed):
                yield "variable", start, end
    yield from (("word", *match.span(2)) for match in WORD.finditer(text))


def texts_misspelt() -> Iterator[Mutant]:
    for file, text in FILES.items():
        for kind, start, end in spans(file, text):
            for wrong in spellings(text[start:end]):
                yield Mutant(kind, text[start:end], wrong, files={file: text[:start] + wrong + text[end:]})


def files_misspelt() -> Iterator[Mutant]:
    for file, text in FILES.items():
        stem = file.rpartition("/")[2].partition(".")[0]
        for wrong in spellings(stem) if not file.startswith("workflows") else ():
            moved = file.replace(f"/{stem}.", f"/{wrong}.") if "/" in file else f"{wrong}.yaml"
            yield Mutant("file", stem, wrong, files={file: None, moved: text})


def connections_misspelt() -> Iterator[Mutant]:
    whole = {**RECEIVER, "extra": EXTRA}
    for conn_id in ("loyalty", "gateway"):
        for wrong in spellings(conn_id):
            yield Mutant("connection", conn_id, wrong, connections={conn_id: {}, wrong: whole})
        for name in (*RECEIVER, *EXTRA):
            for wrong in spellings(name):
                fields, extra = (
                    {wrong if one == name else one: some[one] for one in some} for some in (RECEIVER, EXTRA)
                )
                yield Mutant("field", name, wrong, connections={conn_id: {**fields, "extra": extra}})


def triggers_misspelt() -> Iterator[Mutant]:
    for name in ("type", "discount", "days", "message", "audience", "mode", "dry_run", "edition"):
        for wrong in (*spellings(name), name.upper(), name.replace("_", "-") + "s"):
            yield Mutant("trigger", name, wrong, conf={wrong: "x"})


class Project:
    """The sample project on a real store, which tells whether a run of it would begin."""

    def __init__(self, include: Path, store: Connection, patch: pytest.MonkeyPatch) -> None:
        self._include = include
        self._store = store
        self._patch = patch
        self._runs = 0
        self._workflow: PromoWorkflow | None = None

    def refusal(self, mutant: Mutant) -> str:
        """Return what stops a run of a project before anybody is sent anything; empty if nothing does."""
        self._write(mutant)
        try:
            if not mutant.conf:
                return self._refusal()
            dag = (self._workflow or self._built()).dag
            run = SimpleNamespace(conf=mutant.conf)
            start: Any = dag.get_task("start")
            start.pre_execute({"dag_run": run, "dag": dag, "task": start})
        except Exception as error:  # noqa: BLE001  (Airflow refuses a connection with errors of many types)
            return f"{type(error).__name__}: {error}"
        return ""

    def _refusal(self) -> str:
        files = IncludeFolder(self._include)
        workflow = check_workflow(files, "sale")
        require_store(self._store, files, workflow)
        self._runs += 1
        settings = workflow.promo_code
        start: Any = StartOperator(
            task_id="start",
            workflow=f"sale {self._runs}",
            message=workflow.message,
            audience=workflow.audience,
            type=settings.type,
            discount=settings.discount,
            days=settings.days,
            transport=workflow.transport,
            include_folder=str(self._include),
        )
        run = SimpleNamespace(run_type="manual", logical_date=None, run_id="one", run_after=datetime.now(timezone.utc))
        start.execute({"dag_run": run, "ti": SimpleNamespace(xcom_push=lambda **_: None)})
        return ""

    def _built(self) -> PromoWorkflow:
        files = IncludeFolder(self._include)
        self._workflow = PromoWorkflow(check_workflow(files, "sale"), include=files)
        return self._workflow

    def _write(self, mutant: Mutant) -> None:
        for file in [file for file in self._include.rglob("*") if file.is_file()]:
            name = file.relative_to(self._include).as_posix()
            if name not in FILES or mutant.files.get(name, "") is None:
                file.unlink()
        for name, text in {**FILES, **mutant.files}.items():
            if text is not None:
                (self._include / name).parent.mkdir(exist_ok=True)
                (self._include / name).write_text(text, encoding="utf-8")
        usual = {"loyalty": {**RECEIVER, "extra": EXTRA}, "gateway": {**RECEIVER, "extra": EXTRA}}
        for conn_id, fields in {**usual, **mutant.connections}.items():
            variable = f"AIRFLOW_CONN_{conn_id.upper()}"
            self._patch.setenv(variable, json.dumps(fields)) if fields else self._patch.delenv(variable, raising=False)


@pytest.fixture
def project(tmp_path: Path, dsn: str, store: Connection, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    add_contacts(store, 3)
    add_codes(store, 3_000)
    create_field(store, "Bonus points", "number")
    create_field(store, "city", "textfield")
    return Project(tmp_path, store, monkeypatch)


def test_whatever_is_misspelt_is_told_before_anybody_is_sent_anything(
    project: Project, receiver: Receiver, store: Connection
) -> None:
    assert project.refusal(Mutant("nothing", "", "")) == ""
    every = [*texts_misspelt(), *files_misspelt(), *connections_misspelt(), *triggers_misspelt()]
    silent = []
    for mutant in every:
        told = project.refusal(mutant)
        named = (mutant.name, mutant.wrong, *(["everybody.sql:"] if mutant.kind == "word of SQL" else []))
        if not told or not any(name.lower() in told.lower() for name in named):
            silent.append((mutant.kind, mutant.name, mutant.wrong, told))
    assert silent == []
    assert len(every) >= 300
    assert receiver.received == []
    assert store.execute("select from promo.assignment where state <> 'pending'").fetchall() == []
