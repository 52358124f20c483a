"""A test send: the real message by the real way, to named contacts, with nothing of the campaign's touched."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from integration.scenario import CODES, add_codes, add_contacts, open_welcome
from integration.test_preview import everything
from promo_campaigns.cli import main
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.interventions import stop_sending
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import ConfigurationError, RunHaltedError, SendError
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.operators.test_send import SendTestOperator
from promo_campaigns.preview.test_message import MOST
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

PUSH = "channel: mobilepush\ntitle: Hi $first_name\nbody: 'Code: $promocode ($promocode_type $discount)'\n"
WORKFLOW = "audience: all\npromo_code: {type: Welcome, discount: 15, days: 7}\nmessage: push\n"
HOOK = 'connection: gateway\npath: /messages\nbody: \'{"to": "$locator", "text": "$body", "key": "$key"}\'\n'


class DagRun:
    """A manual run."""

    run_type, logical_date = "manual", None
    run_after = datetime.now(tz=timezone.utc)

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id


@pytest.fixture
def include(tmp_path: Path, dsn: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an include folder with a workflow, and lead Airflow's connections to the store and a receiver."""
    gateway = {
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": receiver.port,
        "extra": {"allow_insecure": True, "allow_private": True},
    }
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.setenv("AIRFLOW_CONN_GATEWAY", json.dumps(gateway))
    files = {
        "messages/push.yaml": PUSH,
        "messages/hook.yaml": PUSH + "webhook: hook\n",
        "data_sources/hook.yaml": HOOK,
        "audiences/all.sql": "select contact_id from promo.contact",
        "workflows/welcome.yaml": WORKFLOW,
        "workflows/by_hook.yaml": WORKFLOW.replace("push", "hook") + "transport: webhook\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def test_send(include: Path, dsn: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return a function that runs the command and returns its status and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["test-send", *arguments, "--include", str(include), "--dsn", dsn])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


def block(include: Path, **settings: Any) -> Callable[[str], Any]:  # noqa: ANN401  (what an operator takes and returns)
    """Return a function that runs the block in a DAG run of some id."""
    with DAG("welcome", schedule=None):
        operator = SendTestOperator(
            **{"task_id": "test", "message": "push", "include_folder": str(include), "workflow": "welcome"} | settings
        )

    def run(run_id: str) -> Any:  # noqa: ANN401
        return asyncio.run(operator.aexecute({"dag_run": DagRun(run_id)}))  # type: ignore[typeddict-item]

    return run


def test_it_shows_the_message_and_sends_nothing_without_send(
    store: Connection, test_send: Callable[..., tuple[int, str]]
) -> None:
    (who,) = add_contacts(store, 1)
    status, shown = test_send("welcome", "--contact", str(who))
    assert status == 0
    assert shown == f"contact {who} (mobilepush)\nHi Name 1\n\nCode: {PLACEHOLDER} (Welcome 15)\n"
    assert read_inbox(store) == []


def test_it_sends_the_real_message_and_touches_nothing_of_the_campaign(
    store: Connection, test_send: Callable[..., tuple[int, str]]
) -> None:
    """Of all tables only the inbox, which is this transport's receiver, holds more than before."""
    one, two, _ = add_contacts(store, 3)
    (nobody,) = add_contacts(store, 1, channel=None)
    add_codes(store, 5)
    before = everything(store)
    names = [arg for who in (one, two, nobody, 10**12) for arg in ("--contact", str(who))]
    status, shown = test_send("--message", "push", *names, "--send")
    assert status == 1
    assert shown.splitlines()[-4:] == [
        f"contact {one}: ok",
        f"contact {two}: ok",
        f"contact {nobody}: skipped (no channel)",
        f"contact {10**12}: skipped (there is no such contact)",
    ]
    after = everything(store)
    assert {name for name in before if before[name] != after[name]} <= {"inbox_message", "sequences"}
    assert {message["contact_id"] for message in read_inbox(store)} == {one, two}
    assert {message["body"] for message in read_inbox(store)} == {f"Code: {PLACEHOLDER} (Test 0)"}


def test_a_stop_of_all_sending_holds_for_test_sends(
    store: Connection, include: Path, test_send: Callable[..., tuple[int, str]]
) -> None:
    (who,) = add_contacts(store, 1)
    stop_sending(store, by="anna")
    status, told = test_send("welcome", "--contact", str(who), "--send")
    assert (status, "all sending was stopped by anna" in told, read_inbox(store)) == (3, True, [])
    assert test_send("welcome", "--contact", str(who))[0] == 0
    with pytest.raises(RunHaltedError, match="promo sending start lets it go on"):
        block(include, contact_ids=[who])("manual_1")


def test_each_test_send_has_keys_of_its_own_and_none_of_a_run(
    store: Connection, test_send: Callable[..., tuple[int, str]]
) -> None:
    """The inbox takes a key once: a second test arrives, and neither keeps the run's message away."""
    (who,) = add_contacts(store, 1)
    for _ in range(2):
        assert test_send("welcome", "--contact", str(who), "--send")[0] == 0
    assert len(read_inbox(store)) == 2


def test_by_a_webhook_the_request_leaves_as_a_run_s_would(
    store: Connection, receiver: Receiver, test_send: Callable[..., tuple[int, str]]
) -> None:
    (who,) = add_contacts(store, 1)
    assert test_send("by_hook", "--contact", str(who), "--send", "--json")[0] == 0
    (request,) = receiver.received
    sent = json.loads(request.body)
    assert (sent["to"], sent["text"]) == (f"token-{who}", f"Code: {PLACEHOLDER} (Welcome 15)")
    assert request.headers["Idempotency-Key"] == sent["key"]
    receiver.answer = lambda _: Answer(status=422)
    status, shown = test_send("by_hook", "--contact", str(who), "--send", "--json")
    assert status == 1
    assert [one["outcome"] for one in json.loads(shown)] == ["refused"]


def test_a_code_on_the_contact_s_profile_is_masked(
    store: Connection, include: Path, test_send: Callable[..., tuple[int, str]]
) -> None:
    (who,) = add_contacts(store, 1)
    (code,) = add_codes(store, 1, prefix="REALCODE")
    PostgresLedger(store).assign_codes(open_welcome(store).run_id, [who], CODES)
    store.execute("update promo.contact set last_name = %s", [code])
    (include / "messages" / "push.yaml").write_text(PUSH.replace("$first_name", "$last_name"), encoding="utf-8")
    assert code not in test_send("welcome", "--contact", str(who))[1]


def test_a_test_send_is_to_a_few_and_to_somebody(test_send: Callable[..., tuple[int, str]]) -> None:
    names = [arg for who in range(1, MOST + 2) for arg in ("--contact", str(who))]
    status, told = test_send("welcome", *names)
    assert (status, f"goes to 1 to {MOST} contacts, not to {MOST + 1}" in told) == (2, True)
    assert test_send("--contact", "1") == (2, "promo: name a workflow, or all its parts: --message missing\n")


def test_the_block_sends_once_in_a_dag_run_and_says_what_came_of_it(store: Connection, include: Path) -> None:
    """A second try of the same DAG run is the same send, to a receiver that honours keys."""
    one, two = add_contacts(store, 2)
    run = block(include, contact_ids=[two, one])
    expected = [{"contact_id": who, "outcome": "ok", "detail": ""} for who in (one, two)]
    assert run("manual_1") == run("manual_1") == expected
    assert len(read_inbox(store)) == 2
    run("manual_2")
    assert len(read_inbox(store)) == 4


def test_the_block_fails_when_somebody_is_sent_nothing(store: Connection, include: Path) -> None:
    (who,) = add_contacts(store, 1)
    (gone,) = add_contacts(store, 1, channel=None)
    with pytest.raises(SendError, match="1 of 2 test messages were not accepted; the first: no channel"):
        block(include, contact_ids=[who, gone])("manual_1")
    assert len(read_inbox(store)) == 1


def test_the_block_is_not_retried_by_the_defaults_of_its_dag(include: Path) -> None:
    with DAG("welcome", schedule=None, default_args={"retries": 3}):
        operator = SendTestOperator(task_id="test", message="push", contact_ids=[1], include_folder=str(include))
    assert operator.retries == 0


def test_a_message_that_its_transport_cannot_carry_is_refused(include: Path, store: Connection) -> None:
    (who,) = add_contacts(store, 1)
    with pytest.raises(ConfigurationError, match=r"messages/push\.yaml"):
        block(include, contact_ids=[who], transport="webhook", transport_conn_id="gateway")("manual_1")


def test_both_ways_of_a_test_send_keep_to_the_limits_of_the_receiver_that_runs_share(
    store: Connection,
    include: Path,
    receiver: Receiver,
    test_send: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (who,) = add_contacts(store, 1)
    limited = {**json.loads(receiver.connection), "schema": "http"}
    limited["extra"] |= {"requests_per_s": 100}
    for name in ("gateway", "other"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(limited))
    assert test_send("by_hook", "--contact", str(who), "--send")[0] == 0
    (include / "data_sources" / "hook.yaml").write_text(HOOK.replace("gateway", "other"), encoding="utf-8")
    block(include, message="hook", transport="webhook", contact_ids=[who])("manual_1")
    known = store.execute("select receiver from promo.rate_budget order by 1").fetchall()
    assert [row["receiver"] for row in known] == ["connection gateway", "connection other"]


def test_a_contact_that_is_not_there_is_told_and_the_status_is_1(
    store: Connection, test_send: Callable[..., tuple[int, str]]
) -> None:
    (who,) = add_contacts(store, 1)
    status, shown = test_send("welcome", "--contact", str(who), "--contact", "99999999")
    assert status == 1
    assert "contact 99999999: not sent, there is no such contact" in shown
    assert test_send("welcome", "--contact", "99999999", "--json")[0] == 1
