"""Whatever a person does by hand that changes what a campaign does is noted: who, what, of what, and why."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.ledger.approvals import decide
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import open_run
from promo_campaigns.postgres.audit import account, list_audit

if TYPE_CHECKING:
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"
WHY = "the shop called"


def noted(store: Connection) -> dict[str, Any]:
    """Return the newest entry."""
    return list_audit(store, 1)[0]


def unknown_run(store: Connection, contacts: int = 3) -> Run:
    """Open a run whose sends are all of unknown outcome."""
    ids = add_contacts(store, contacts)
    add_codes(store, contacts)
    run = open_welcome(store, KEY)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, ids, CODES)
    ledger.begin_messages(run.run_id, ids, lease_s=60, resend_within_s=0)
    store.execute("update promo.assignment set lease_until = now() - interval '1 s'")
    ledger.begin_messages(run.run_id, ids, lease_s=60, resend_within_s=0)
    return run


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (f"unknown accept {KEY} --all", ("accept unknown", f"run {KEY}", 3)),
        (f"unknown refuse {KEY} --all", ("refuse unknown", f"run {KEY}", 3)),
        (f"unknown resend {KEY} --all", ("resend unknown", f"run {KEY}", 3)),
        (f"runs mode {KEY} refuse", ("mode refuse", f"run {KEY}", 1)),
        (f"runs cancel {KEY}", ("cancel", KEY, 0)),
        ("codes withdraw 1", ("withdraw", "code file 1", 0)),
    ],
)
def test_what_a_command_changes_is_noted(store: Connection, dsn: str, command: str, told: tuple[str, str, int]) -> None:
    unknown_run(store)
    assert main([*command.split(), "--reason", WHY, "--dsn", dsn]) == 0
    entry = noted(store)
    assert (entry["action"], entry["subject"], entry["rows"]) == told
    assert entry["reason"] == WHY
    assert entry["actor"].startswith(account())
    assert entry["finished"]
    assert not entry["broken_off"]


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_an_answer_about_a_run_is_noted_and_one_too_late_changes_nothing(store: Connection, action: str) -> None:
    approved = action == "approve"
    add_contacts(store, 1)
    add_codes(store, 1)
    run = open_run(store, SPEC, run_key=KEY, approval=True)
    decide(store, run.run_id, approved=approved, by="anna")
    first = noted(store)
    assert (first["action"], first["subject"], first["rows"]) == (action, f"run {KEY}", 1)
    assert first["actor"].startswith("anna as ")
    decide(store, run.run_id, approved=not approved, by="bert")
    assert noted(store)["rows"] == 0


def test_a_mistake_is_noted_as_broken_off(store: Connection, dsn: str) -> None:
    assert main(["codes", "withdraw", "7", "--dsn", dsn]) != 0
    entry = noted(store)
    assert (entry["action"], entry["rows"], entry["broken_off"]) == ("withdraw", 0, True)


def test_an_export_whose_reader_left_is_noted_as_broken_off_and_says_nothing(store: Connection, dsn: str) -> None:
    unknown_run(store, 12_000)
    command = [sys.executable, "-c", "import sys; from promo_campaigns.cli import main; sys.exit(main())"]
    export = [*command, "runs", "export", KEY, "--dsn", dsn]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(export, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    entry = noted(store)
    assert (entry["action"], entry["finished"], entry["broken_off"]) == ("export", True, True)
    assert 0 <= entry["rows"] < 12_000
