"""Workflows that contradict their messages are stopped by Start; one that asks before it sends is run by Airflow."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import add_codes, add_contacts
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.model.redaction import secret_forms
from promo_campaigns.postgres.connection import connect
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow.sdk import DAG

    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver

CODES: dict[str, Any] = {"type": "Welcome", "discount": 10, "days": 7}
BOTH = """channel: mobilepush
body: |
  #set($url=$!data.get('points'))
  #set($profile=$!data.get('profile'))
  $promocode for $!url.get('points') points
"""


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Return an include folder whose message reads one source and binds another."""
    files = {
        "messages/both.yaml": BOTH,
        "data_sources/points.yaml": "connection: promo_api\nmethod: GET\npath: /points/$contact_id\n",
        "data_sources/points.answer.json": '{"points": 5}',
        "data_sources/profile.yaml": 'connection: promo_api\npath: /c\nbody: \'{"code": "$promocode"}\'\n',
        "data_sources/other.yaml": "connection: promo_api\nmethod: GET\npath: /other\n",
        "audiences/all.sql": "select contact_id from promo.contact",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def store(dsn: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """Return a fresh store to which, with the receiver, Airflow's connections lead."""
    extra = {"allow_insecure": True, "allow_private": True}
    api = {"conn_type": "promo_http", "host": "127.0.0.1", "port": receiver.port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_API", json.dumps(api))
    with connect(dsn) as connection:
        yield connection


def workflow(include: Path, before: list[str], after: list[str]) -> DAG:
    """Return a workflow with these sources' blocks before and after its message."""
    from airflow.sdk import DAG, task_group

    from promo_campaigns.operators.contact import GetContactOperator
    from promo_campaigns.operators.data_source import HttpDataSourceOperator
    from promo_campaigns.operators.end import EndOperator
    from promo_campaigns.operators.message import SendMessageOperator
    from promo_campaigns.operators.promo_code import GetPromoCodeOperator
    from promo_campaigns.operators.start import StartOperator

    with DAG("wired", schedule=None, default_args={"retries": 0, "retry_delay": timedelta(0)}) as dag:
        start = StartOperator(task_id="start", message="both", audience="all", include_folder=str(include), **CODES)

        @task_group
        def each(batch: Any) -> None:  # noqa: ANN401  (an XComArg)
            contact = GetContactOperator(task_id="contact", batch=batch)
            handed: Any = GetPromoCodeOperator(task_id="code", contacts=contact.output, **CODES).output
            for name in before:
                handed = HttpDataSourceOperator(task_id=f"ask_{name}", assignments=handed, data_source=name).output
            message = SendMessageOperator(task_id="message", assignments=handed, message="both")
            for name in after:
                HttpDataSourceOperator(task_id=f"tell_{name}", assignments=message.output, data_source=name)

        each.expand(batch=start.output) >> EndOperator(task_id="end", run_id=start.run)
    return dag


@pytest.fixture
def opened(include: Path, store: Connection) -> Callable[..., None]:  # noqa: ARG001  (the connections)
    """Return a function that runs Start's own checks on a workflow."""

    def check(before: list[str], after: list[str]) -> None:
        from airflow.sdk.exceptions import AirflowNotFoundException

        from promo_campaigns.connections.lookup import airflow_connection
        from promo_campaigns.definitions.definitions import read_run_spec
        from promo_campaigns.definitions.receiver_checks import check_receivers
        from promo_campaigns.delivery.receivers import Receivers
        from promo_campaigns.model.run_spec import CodeRequest
        from promo_campaigns.operators.base.workflow_checks import check_blocks

        start = workflow(include, before, after).get_task("start")
        spec = read_run_spec(include, workflow="w", audience="all", message="both", codes=CodeRequest(**CODES))
        check_blocks(start, {}, include, spec)  # type: ignore[arg-type]  # nothing to render
        check_receivers(include, spec, Receivers("", airflow_connection), missing=(AirflowNotFoundException,))

    return check


def test_what_agrees_with_its_message_is_opened(opened: Callable[..., None]) -> None:
    opened(["points"], ["profile"])


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        (
            [],
            ["profile", "points"],
            r"both\.yaml:3: the message reads the answer of 'points', and the block 'each\.tell_points' calls it after",
        ),
        (
            ["points", "profile"],
            [],
            r"both\.yaml:4: the message binds 'profile' .* calls it before the message\. Put the block after",
        ),
        (
            ["points"],
            [],
            r"both\.yaml:4: the message binds 'profile', and no block calls it\. Put an HttpDataSourceOperator after",
        ),
        (
            [],
            ["profile"],
            r"both\.yaml:3: the message binds 'points', and no block calls it\. .* between Get promo code and Message",
        ),
        (
            ["points"],
            ["profile", "other"],
            r"both\.yaml:\d: the message does not bind 'other', and the block 'each\.tell_other' calls it",
        ),
    ],
)
def test_what_contradicts_its_message_is_not_opened(
    opened: Callable[..., None], before: list[str], after: list[str], error: str
) -> None:
    with pytest.raises(DefinitionError, match=error):
        opened(before, after)


@pytest.mark.parametrize(
    ("connection", "error"),
    [
        (None, r"data_sources/points\.yaml:1: there is no connection 'promo_api'\. Fix it in Airflow"),
        (
            {"conn_type": "http", "host": "a b"},
            r"data_sources/points\.yaml:1: connection promo_api has a host that is no plain",
        ),
        (
            {"conn_type": "promo_http", "host": "a", "extra": {"tokn": "canary"}},
            r"points\.yaml:1: connection promo_api has the extra tokn",
        ),
        (
            {"conn_type": "http", "host": "a", "extra": {"timeout_s": 1}},
            r"points\.yaml:1: data source 'points' has the timeout_s 5, and",
        ),
    ],
)
def test_a_connection_that_leads_nowhere_stops_the_run_before_it_is_opened(
    include: Path, opened: Callable[..., None], monkeypatch: pytest.MonkeyPatch, connection: object, error: str
) -> None:
    points = include / "data_sources/points.yaml"
    points.write_text(f"{points.read_text(encoding='utf-8')}timeout_s: 5\n", encoding="utf-8")
    if connection is None:
        monkeypatch.delenv("AIRFLOW_CONN_PROMO_API")
    else:
        monkeypatch.setenv("AIRFLOW_CONN_PROMO_API", json.dumps(connection))
    with pytest.raises(DefinitionError, match=error) as caught:
        opened(["points"], ["profile"])
    assert "canary" not in str(caught.value)


def run_by_airflow(tmp_path: Path, include: Path, before: list[str], after: list[str]) -> str:
    """Let Airflow read the workflow from a file and run it; return how that ended."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    file = tmp_path / "wired_dag.py"
    made = f"workflow(Path({str(include)!r}), {before!r}, {after!r})"
    file.write_text(
        "# airflow DAG\nfrom pathlib import Path\nfrom system.test_workflow_assembly import workflow\n\n"
        f"wired = {made}\n",
        encoding="utf-8",
    )
    bag = DagBag(dag_folder=str(file))
    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]  # Airflow's classes have no types
    sync_bag_to_db(bag, "dags-folder", None)
    return str(bag.dags["wired"].test(use_executor=False).state)


@pytest.mark.usefixtures("airflow_database")
def test_airflow_asks_before_it_sends_and_records_after_it(
    tmp_path: Path, include: Path, store: Connection, receiver: Receiver
) -> None:
    contacts = add_contacts(store, 4)
    add_codes(store, 4)

    def answer(request: Received) -> Answer:
        if request.method == "POST":
            return Answer()
        who = int(request.path.rpartition("/")[2])
        return Answer(status=404) if who == contacts[0] else Answer(body=json.dumps({"points": who}).encode())

    receiver.answer = answer
    assert run_by_airflow(tmp_path, include, ["points"], ["profile"]) == "success"
    rows = store.execute("select contact_id, state::text, reason from promo.assignment order by 1").fetchall()
    assert [(row["contact_id"], row["state"]) for row in rows] == [
        (who, "rejected" if who == contacts[0] else "recorded") for who in contacts
    ]
    inbox = {row["contact_id"]: row["body"] for row in read_inbox(store, limit=10)}
    assert sorted(inbox) == contacts[1:]
    assert all(f"for {who} points" in body for who, body in inbox.items())
    assert [request.method for request in receiver.received] == ["GET"] * 4 + ["POST"] * 3
    assert check_invariants(store) == []


@pytest.mark.usefixtures("airflow_database")
def test_start_itself_refuses_a_contradiction_before_anything_is_opened(
    tmp_path: Path, include: Path, store: Connection
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    assert run_by_airflow(tmp_path, include, [], ["profile", "points"]) == "failed"
    assert store.execute("select * from promo.run").fetchall() == []


@pytest.mark.usefixtures("airflow_database")
def test_no_secret_code_address_or_answer_is_shown_wherever_a_call_fails(  # noqa: PLR0913, PLR0917  (a scenario and its witnesses)
    tmp_path: Path,
    include: Path,
    store: Connection,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """In raw, URL-, base64- and JSON-escaped form: logs, rendered fields, XCom (but for codes), reasons and details."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    key, said = 'canary "key"/é', 'canary "answer"/é'
    extra = {"allow_insecure": True, "allow_private": True, "auth": "query", "key_name": "key"}
    api = {"conn_type": "promo_http", "host": "127.0.0.1", "port": receiver.port, "password": key, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_API", json.dumps(api))
    path = "/points/$contact_id?c=$promocode&t=$contact_unique_identifier"
    text = f"connection: promo_api\nmethod: GET\npath: {path}\n"
    (include / "data_sources/points.yaml").write_text(text, encoding="utf-8")
    contacts = add_contacts(store, 4)
    store.execute("update promo.contact_channel set value = 'canary \"token\"/' || contact_id")
    codes = add_codes(store, 4, prefix='CANARY "CODE"/')

    def answer(request: Received) -> Answer:
        echo = json.dumps({"points": said, "key": key, "path": request.path, "body": request.body.decode()}).encode()
        refuses = request.method == "POST" or request.path.startswith(f"/points/{contacts[0]}?")
        return Answer(status=400 if refuses else 200, body=echo)

    receiver.answer = answer
    assert run_by_airflow(tmp_path, include, ["points"], ["profile"]) == "failed"
    assert {request.method for request in receiver.received} == {"GET", "POST"}
    with create_session() as session:
        fields = [str(row.rendered_fields) for row in session.query(RenderedTaskInstanceFields).all()]
        xcoms = [str(row.value) for row in session.query(XComModel).all()]
    kept = store.execute("select reason from promo.assignment union all select detail from promo.attempt").fetchall()
    shown = "".join([*fields, *capfd.readouterr(), str(kept)])
    assert "HTTP 400" in shown
    addresses = [f'canary "token"/{who}' for who in contacts]
    for secret in (key, said, *addresses):
        assert not any(form in shown or form in "".join(xcoms) for form in secret_forms(secret)), secret
    for code in codes:
        assert not any(form in shown for form in secret_forms(code)), code
