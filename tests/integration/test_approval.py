"""A run that a person must approve gives out no code before, and none after it was refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from integration.scenario import CODES, PUSH, SPEC, add_codes, add_contacts, free_codes, states, tamper
from promo_campaigns.cli import main
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.ledger.approvals import count_left_out, decide, read_approval
from promo_campaigns.ledger.interventions import cancel_run
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.ledger.runs import close_run, open_run, read_batches, read_run
from promo_campaigns.model.approval import ApprovalStatus
from promo_campaigns.model.errors import ConfigurationError, LedgerConflictError, NotApprovedError, PoolShortageError
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.parameters import parse_names
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.operators.approval import ApproveRunOperator
from promo_campaigns.preview.approval_form import approval_form
from promo_campaigns.preview.dry_run import write_preview

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from promo_campaigns.model.run import Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"
MESSAGE_ONLY = replace(SPEC, data_sources=())
NO_CONTEXT: Any = {}
NOW = datetime.now(tz=timezone.utc)


def open_asking(store: Connection, spec: RunSpec = MESSAGE_ONLY, policy: StockPolicy = StockPolicy.FAIL) -> Run:
    return open_run(store, spec, run_key=KEY, stock_policy=policy, approval=True)


def claim(store: Connection, run: Run) -> int:
    """Take the run's batches as far as their codes, and return how many were given one."""
    ledger = PostgresLedger(store)
    batches = read_batches(store, run, 10)
    held = [ledger.assign_codes(run.run_id, ledger.reachable_contacts(batch), CODES) for batch in batches]
    return sum(len(pairs) for pairs in held)


@pytest.mark.parametrize("policy", [StockPolicy.FAIL, StockPolicy.PARTIAL])
def test_before_its_approval_nobody_of_a_run_is_given_a_code(store: Connection, policy: StockPolicy) -> None:
    """Whatever Airflow does: the ledger refuses."""
    add_contacts(store, 4)
    add_codes(store, 4)
    run = open_asking(store, policy=policy)
    with pytest.raises(NotApprovedError, match=f"run {run.run_id} waits for its approval"):
        claim(store, run)
    assert (states(store, run), free_codes(store)) == ({"pending": 4}, 4)
    assert decide(store, run.run_id, approved=True, by="anna").status is ApprovalStatus.GIVEN
    assert claim(store, run) == 4


def test_before_its_approval_nobody_is_given_again_the_code_it_holds(store: Connection) -> None:
    add_contacts(store, 2)
    add_codes(store, 2)
    assert claim(store, open_run(store, MESSAGE_ONLY, run_key="welcome/edition/before")) == 2
    run = open_asking(store, replace(MESSAGE_ONLY, reuse=Reuse.SAME))
    with pytest.raises(NotApprovedError):
        claim(store, run)
    assert states(store, run) == {"pending": 2}
    decide(store, run.run_id, approved=True, by="anna")
    assert claim(store, run) == 2


def test_a_run_that_was_refused_is_closed_with_everybody_skipped_and_no_code_taken(store: Connection) -> None:
    add_contacts(store, 4)
    add_codes(store, 4)
    run = open_asking(store)
    first = decide(store, run.run_id, approved=False, by="anna")
    assert (first.status, first.by) == (ApprovalStatus.REFUSED, "anna")
    assert claim(store, run) == 0
    report = close_run(store, run.run_id)
    assert report.tally.skipped == {"not approved": 4}
    assert free_codes(store) == 4


def test_what_was_said_first_stands(store: Connection) -> None:
    add_contacts(store, 2)
    add_codes(store, 2)
    run = open_asking(store)
    decide(store, run.run_id, approved=False, by="anna")
    again = decide(store, run.run_id, approved=True, by="ben")
    assert (again.status, again.by) == (ApprovalStatus.REFUSED, "anna")
    assert states(store, run) == {"skipped": 2}


def test_a_closed_run_that_is_run_again_is_asked_about_anew(store: Connection) -> None:
    add_contacts(store, 2)
    add_codes(store, 2)
    run = open_asking(store)
    decide(store, run.run_id, approved=False, by="anna")
    close_run(store, run.run_id)
    again = open_asking(store)
    assert read_approval(store, again.run_id).status is ApprovalStatus.AWAITED
    with pytest.raises(NotApprovedError):
        claim(store, again)
    decide(store, again.run_id, approved=True, by="ben")
    assert open_asking(store).run_id == run.run_id
    assert read_approval(store, run.run_id).status is ApprovalStatus.GIVEN, "an open run is not asked about twice"
    assert claim(store, again) == 2


def test_a_run_awaited_is_counted_by_those_opened_after_it(store: Connection) -> None:
    add_contacts(store, 3)
    add_codes(store, 4)
    open_asking(store)
    with pytest.raises(PoolShortageError, match="3 of them for runs opened before"):
        open_run(store, MESSAGE_ONLY, run_key="welcome/edition/two")


def test_the_form_shows_counts_of_the_frozen_run_and_no_address_or_code(store: Connection) -> None:
    """A contact that joins the audience after Start is neither asked about nor sent to."""
    add_contacts(store, 5)
    add_contacts(store, 2, channel=None)
    codes = add_codes(store, 4, prefix="CANARY")
    run = open_asking(store, replace(MESSAGE_ONLY, message=replace(PUSH, name="a|b")), StockPolicy.PARTIAL)
    add_contacts(store, 6)
    add_codes(store, 9, prefix="CANARYMORE")
    frozen = read_run(store, run.run_id).spec
    report = write_preview(store, CompiledCampaign(frozen), [], run_id=run.run_id)
    subject, body = approval_form(frozen, KEY, report, count_left_out(store, run.run_id))
    assert subject == "Send a|b to 4 contacts?", "it is plain text, which Airflow shows as it is"
    for line in (
        "| to be sent | 4 |",
        "| not sent: no channel | 2 |",
        "| not sent: no code | 1 |",
        "| demand | 4 |",
        "| ahead | 0 |",
        "| stock | 13 |",
        f"- definition: `{run.spec.sha256.hex()[:12]}`, frozen: this is what is sent",
    ):
        assert line in body.splitlines()
    assert "token-" not in body
    assert not [code for code in codes if code in body]


def test_a_run_nobody_is_asked_about_says_so(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    run = open_run(store, MESSAGE_ONLY, run_key=KEY)
    assert read_approval(store, run.run_id).as_dict() == {
        "run_id": run.run_id,
        "run_key": KEY,
        "approval": None,
        "by": "",
        "at": None,
    }
    assert claim(store, run) == 1


def test_how_long_there_is_to_answer_is_known_from_the_send_by(store: Connection) -> None:
    soon = datetime.now(tz=timezone.utc) + timedelta(hours=2)
    nobody = replace(MESSAGE_ONLY, audience=Audience(name="nobody", contact_ids=(10**12,)))
    run = open_run(store, nobody, run_key=KEY, send_by=soon, approval=True)
    left_s = read_approval(store, run.run_id).left_s
    assert left_s is not None
    assert 7000 < left_s <= 7200


@pytest.fixture
def asking(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ApproveRunOperator]:
    """Return a function that makes the block of a run, with Airflow's connection to the store."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)

    def make(run_id: int, **settings: Any) -> ApproveRunOperator:  # noqa: ANN401  (what an operator takes)
        with DAG("welcome", schedule=None):
            return ApproveRunOperator(task_id="approve", run_id=run_id, preview_folder=str(tmp_path), **settings)

    return make


def test_nobody_is_asked_about_a_run_that_was_approved_is_closed_or_is_too_late(
    store: Connection, asking: Callable[..., ApproveRunOperator]
) -> None:
    """The block goes on at once: it never reaches Airflow's form, which is not there in this test."""
    add_contacts(store, 2)
    add_codes(store, 4)
    run = open_asking(store)
    decide(store, run.run_id, approved=True, by="anna")
    assert asking(run.run_id).execute(NO_CONTEXT)["by"] == "anna"
    store.execute("update promo.run set approval = 'awaited', approved_at = null, approved_by = null")
    tamper(store, "update promo.run set send_by = promo.clock() - interval '1 minute'")
    assert asking(run.run_id).execute(NO_CONTEXT)["approval"] == "awaited"
    assert claim(store, run) == 0
    close_run(store, run.run_id)
    assert asking(run.run_id).execute(NO_CONTEXT)["run_key"] == KEY
    with pytest.raises(AirflowSkipException, match="nothing was opened"):
        asking(0).execute(NO_CONTEXT)


def test_a_block_that_asks_about_a_run_that_was_cancelled_is_skipped_and_says_by_whom(
    store: Connection, asking: Callable[..., ApproveRunOperator]
) -> None:
    add_contacts(store, 2)
    add_codes(store, 4)
    run = open_asking(store)
    cancel_run(store, KEY, by="anna", reason="wrong text")
    answered = {"chosen_options": ["Approve"], "params_input": {}, "responded_at": NOW, "responded_by_user": None}
    looks: tuple[Callable[[], object], ...] = (
        lambda: asking(run.run_id).execute(NO_CONTEXT),
        lambda: asking(run.run_id).execute_complete(NO_CONTEXT, answered),
    )
    for look in looks:
        with pytest.raises(AirflowSkipException, match=r"was cancelled by anna .*\(wrong text\)"):
            look()
    assert read_approval(store, run.run_id).status is ApprovalStatus.AWAITED


def test_nobody_is_asked_about_a_run_in_which_nobody_waits(
    store: Connection, asking: Callable[..., ApproveRunOperator]
) -> None:
    run = open_asking(store)
    assert asking(run.run_id).execute(NO_CONTEXT)["approval"] == "awaited"
    assert close_run(store, run.run_id).tally.audience == 0


def test_a_block_behind_a_run_that_nobody_was_to_be_asked_about_refuses(
    store: Connection, asking: Callable[..., ApproveRunOperator]
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    run = open_run(store, MESSAGE_ONLY, run_key=KEY)
    with pytest.raises(LedgerConflictError, match="put this block behind its Start block"):
        asking(run.run_id).execute(NO_CONTEXT)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"timeout": "soon"}, "timeout must be a span of time such as 10m"),
        ({"on_timeout": "wait"}, "on_timeout must be"),
    ],
)
def test_a_wrong_parameter_is_told_before_anybody_is_asked(
    store: Connection, asking: Callable[..., ApproveRunOperator], settings: dict[str, str], told: str
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    run = open_asking(store)
    with pytest.raises(ConfigurationError, match=told):
        asking(run.run_id, **settings).execute(NO_CONTEXT)
    assert read_approval(store, run.run_id).status is ApprovalStatus.AWAITED


def test_it_can_be_said_by_command_and_what_was_said_first_stands(
    store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_contacts(store, 1)
    add_codes(store, 2)
    run = open_asking(store)
    assert main(["runs", "approve", KEY, "--dsn", dsn]) == 0
    assert capsys.readouterr().out.startswith(f"{KEY}\tgiven by ")
    assert main(["runs", "reject", KEY, "--dsn", dsn]) == 1
    assert capsys.readouterr().out.startswith(f"{KEY}\tgiven by ")
    assert claim(store, run) == 1
    open_run(store, MESSAGE_ONLY, run_key="welcome/edition/two")
    assert main(["runs", "approve", "welcome/edition/two", "--dsn", dsn]) == 2
    assert "nobody is asked about run welcome/edition/two" in capsys.readouterr().err


def test_the_database_refuses_an_approval_without_a_moment(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    open_asking(store)
    with pytest.raises(psycopg.errors.CheckViolation, match="run_approved"):
        store.execute("update promo.run set approval = 'given', approved_by = 'anna'")


def test_names_come_as_a_list_or_as_text() -> None:
    assert parse_names("by", ["anna", " ben "]) == parse_names("by", "anna, ben,") == ["anna", "ben"]
    assert parse_names("by", None) == parse_names("by", "None") == []
    with pytest.raises(ConfigurationError, match="by must be a list of names"):
        parse_names("by", [1])


def test_a_refused_run_is_told_in_its_report(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    run = open_asking(store)
    decide(store, run.run_id, approved=False, by="anna")
    assert "| skipped: not approved | 1 |" in read_report(store, run.run_id).as_markdown()
