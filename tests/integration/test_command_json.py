"""Every command that prints a result prints it as JSON, whole or by chosen fields, and shows no code or address."""

from __future__ import annotations

import asyncio
import io
import json
import math
import uuid
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from command_line import all_commands
from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.contacts.event_store import add_event
from promo_campaigns.contacts.store import create_field
from promo_campaigns.delivery.transports.inbox import InboxTransport
from promo_campaigns.ledger.event_queue import listen
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.restores.restoring import say_restored
from promo_campaigns.ledger.runs import open_run
from promo_campaigns.model.events import Event, Identity
from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingMessage
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.connection import connect
from promo_campaigns.profile_api.keys.scopes import Scope
from promo_campaigns.profile_api.keys.store import make_key, revoke_key

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

ROOT = Path(__file__).parents[2]
MESSAGE_ONLY = replace(SPEC, data_sources=())
LOG = Path(__file__).parent / "data" / "gateway_log.csv"
SAMPLES = ROOT / "include" / "samples"
DOUBTED, ASKED = "welcome/edition/doubted", "welcome/edition/asked"
WITHOUT_STORE = {"init", "workflows check"}
ELSEWHERE = {"db start", "db stop"}
"""Commands whose JSON another test reads, since they start a server."""

RESULTS: dict[str, tuple[list[str], set[str]]] = {
    "api-key create": (["shop", "--scope", "read"], {"name", "key", "scopes"}),
    "api-key list": ([], {"name", "scopes", "revoked_at"}),
    "api-key revoke": (["shop"], {"name", "revoked"}),
    "audit": ([], {"begun_at", "action", "actor", "rows"}),
    "check": ([], set()),
    "codes files": ([], {"code_file_id", "name", "inserted"}),
    "codes generate": (
        [
            "500",
            "--type",
            "Spring",
            "--expires",
            "2037-03-31",
            "--pattern",
            "SPRING-????-????",
            "--output",
            "{tmp}/s.csv",
        ],
        {"file", "codes", "guesses_per_hit"},
    ),
    "codes load": ([str(SAMPLES / "promo_codes.csv")], {"file", "inserted", "rejected"}),
    "codes stock": ([], {"type", "discount", "free"}),
    "codes withdraw": (["1"], {"withdrawn", "issued"}),
    "contacts bounces": ([str(ROOT / "tests" / "data" / "bounce.eml")], {"mails", "closed", "unknown"}),
    "contacts close": (["{who}", "mobilepush"], {"contact_id", "type", "closed"}),
    "contacts closed": ([], {"contact_id", "type", "closed_at", "closed_for"}),
    "contacts erase": (["{other}"], {"contact_id", "already"}),
    "contacts field": (["Shoe size", "--type", "number"], {"field_id", "name"}),
    "contacts fields": ([], {"field_id", "name", "type"}),
    "contacts find": (["{who}"], {"contact_id", "found_by", "channels"}),
    "contacts load": ([str(SAMPLES / "contacts.csv")], {"file", "inserted"}),
    "contacts readmit": (["external-id", "x-{other}"], {"contact_id"}),
    "contacts reopen": (["{who}", "mobilepush"], {"contact_id", "type", "opened"}),
    "contacts reopen-failed": (["mobilepush", "--since", "2026-01-01"], {"type", "opened"}),
    "contacts show": (["{who}"], {"contact_id", "channels", "fields"}),
    "data-source test": (["promo_to_profile", "--contact", "{who}", "--send"], {"method", "url", "headers", "answer"}),
    "db grants": (["sender", "promo_app"], {"statements"}),
    "db decide": (["--rest", "unsent"], {"runs", "sends", "lifted"}),
    "db migrate": ([], {"steps"}),
    "db reconcile": (["{log}"], {"rows", "told", "accepted", "rejected"}),
    "db restored": (["--to", "2026-01-31T02:00Z"], {"restored_to", "said_by", "left"}),
    "db url": ([], {"url"}),
    "doctor": (["--include", "{include}"], {"about", "health", "found", "advice"}),
    "events list": ([], {"event_id", "key", "workflows"}),
    "events listeners": ([], {"workflow", "waiting"}),
    "events purge": ([], {"erased", "deleted"}),
    "events stop": (["welcome"], {"workflow", "waited"}),
    "inbox": ([], {"contact_id", "channel", "locator"}),
    "init": (["{tmp}"], {"folder", "made", "kept"}),
    "preview": (["welcome_push"], {"contacts", "states", "forecast"}),
    "redemptions load": ([str(SAMPLES / "redemptions.csv")], {"source", "added", "known", "findings"}),
    "redemptions odd": ([], set()),
    "redemptions report": ([DOUBTED], {"subject", "runs", "pools", "arms", "findings"}),
    "runs approve": ([ASKED], {"run_key", "decision", "by"}),
    "runs cancel": ([DOUBTED], {"run_key", "skipped", "under_way"}),
    "runs export": ([DOUBTED], {"contact_id", "code", "state"}),
    "retention run": (["--drop"], {"runs", "contacts", "waiting", "messages", "entries", "answers"}),
    "retention show": ([], {"kind", "days", "count", "contacts", "waiting", "why"}),
    "runs list": ([], {"run_key", "state", "audience", "given", "sent", "recorded", "skipped", "unknown", "failed"}),
    "runs mode": ([DOUBTED, "missing"], {"run_key", "mode"}),
    "runs pause": ([ASKED], {"run_key", "state"}),
    "runs reject": ([ASKED], {"run_key", "decision", "by"}),
    "runs report": ([DOUBTED], {"audience", "given", "unknown"}),
    "runs resume": ([DOUBTED], {"run_key", "resumed"}),
    "runs show": ([], {"run_key", "state", "moved_at", "halted_by"}),
    "runs uplift": ([DOUBTED, "--event", "Paid", "--within", "7d"], {"treated", "held_out"}),
    "sending start": ([], {"started"}),
    "sending status": ([], {"stopped", "by"}),
    "sending stop": ([], {"stopped", "by"}),
    "test-send": (["welcome_push", "--contact", "{who}", "--send"], {"contact_id", "outcome"}),
    "unknown accept": ([DOUBTED, "--all"], {"sends"}),
    "unknown list": ([], {"run_key", "contact_id", "code"}),
    "unknown refuse": ([DOUBTED, "--all"], {"sends"}),
    "unknown resend": ([DOUBTED, "--all"], {"sends"}),
    "workflows check": (["--include", "{include}"], {"kind", "file", "problem"}),
    "workflows list": (["--include", "{include}"], {"workflow", "schedule", "transport", "file"}),
}


@pytest.fixture
def who(store: Connection, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the contacts of a store in which there is something of everything, beside its receiver."""
    monkeypatch.chdir(ROOT)
    api = f"promo-http://127.0.0.1:{receiver.port}?allow_insecure=true&allow_private=true"
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", api)
    contacts = add_contacts(store, 2)
    store.execute("update promo.contact set external_id = 'x-' || contact_id")
    add_codes(store, 4, prefix="CANARYCODE")
    run = open_welcome(store, DOUBTED, MESSAGE_ONLY)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contacts, CODES)
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(
        lease, [DeliveryResult(contact_id=to.contact_id, outcome=Outcome.UNKNOWN) for to in lease.recipients]
    )
    open_run(store, MESSAGE_ONLY, run_key=ASKED, approval=True)
    listen(store, workflow="welcome", type_name="Paid")
    return contacts


def printed(*words: str, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401  (whatever JSON holds)
    assert main(list(words)) in {0, 1}, capsys.readouterr()
    told = capsys.readouterr()
    assert told.err == ""
    assert not any(secret in told.out for secret in ("CANARYCODE", "canary@example.com", "canary-token-of-somebody"))
    return json.loads(told.out)


def test_each_command_that_can_print_json_is_looked_at() -> None:
    able = {
        name
        for name, command in all_commands().items()
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert able == set(RESULTS) | ELSEWHERE


@pytest.mark.parametrize("command", RESULTS)
def test_a_result_is_json_whole_and_by_fields(
    command: str, who: list[int], dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, expected = RESULTS[command]
    words = [
        *command.split(),
        *(word.format(who=who[0], other=who[1], include=ROOT / "include", tmp=tmp_path, log=LOG) for word in more),
    ]
    store = [] if command in WITHOUT_STORE else ["--dsn", dsn]
    prepare(command, who, dsn)
    told = printed(*words, "--json", *store, capsys=capsys)
    found = told if isinstance(told, dict) else set().union(*told)
    assert expected <= set(found)
    if not found:
        return
    field = min(expected)
    prepare(command, who, dsn)
    chosen = printed(*words, "--json", "--fields", field, *store, capsys=capsys)
    assert {frozenset(one) for one in ([chosen] if isinstance(chosen, dict) else chosen)} == {frozenset([field])}
    prepare(command, who, dsn)
    assert main([*words, "--fields", field, *store]) in {0, 1}
    assert field.replace("_", " ") in capsys.readouterr().out.replace("_", " ")


def prepare(command: str, who: list[int], dsn: str) -> None:
    """Bring about what a command is for: what it does can be done again only then."""
    with connect(dsn) as store:
        prepare_key(store, command)
        prepare_channels(store, command)
        prepare_restore(store, command)
        if command == "contacts readmit":
            erase_contact(store, who[1])
        if command == "events stop":
            listen(store, workflow="welcome", type_name="Paid")
        if command == "events list":
            add_event(
                store, Event(type="Paid", key="canary@example.com", identity=Identity(), params={}, token=uuid.uuid4())
            )
        if command == "audit":
            with audited(store, "export", "run x"):
                pass
        if command == "contacts fields":
            create_field(store, "Shoe size", "number")
        if command == "codes withdraw":
            load_code_file(store, io.BytesIO((SAMPLES / "promo_codes.csv").read_bytes()), name="promo_codes.csv")
        if command == "inbox":
            asyncio.run(InboxTransport.over(store).send([message_to(who[0])], deadline=math.inf))


def prepare_channels(store: Connection, command: str) -> None:
    if command == "contacts closed":
        store.execute("update promo.contact_channel set unsubscribed_at = now()")


def prepare_restore(store: Connection, command: str) -> None:
    if command in {"db decide", "db reconcile"}:
        say_restored(store, datetime(2026, 1, 31, tzinfo=timezone.utc))


def prepare_key(store: Connection, command: str) -> None:
    if command.startswith("api-key "):
        revoke_key(store, "shop")
    if command in {"api-key list", "api-key revoke"}:
        make_key(store, "shop", [Scope.READ])


def message_to(contact_id: int) -> OutgoingMessage:
    return OutgoingMessage(
        contact_id=contact_id,
        channel="mobilepush",
        locator="canary-token-of-somebody",
        title="Hi",
        body="CANARYCODE-1",
        idempotency_key=str(uuid.uuid4()),
    )
