"""Runs as a person looks for them: in lists, by the beginning of a key, and those that are stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.doctor.stuck_runs import find_stuck_runs
from promo_campaigns.ledger.interventions import cancel_run, pause_run, stop_sending
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.run_list import find_run, list_runs, list_stuck, read_line
from promo_campaigns.ledger.runs import close_run, open_run
from promo_campaigns.model.errors import LedgerError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.oversight.dag_run import DagRunState
from promo_campaigns.model.oversight.run_line import RunState

if TYPE_CHECKING:
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection


def send(ledger: PostgresLedger, run: Run, contacts: list[int], outcome: Outcome) -> None:
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    results = [DeliveryResult(contact_id=to.contact_id, outcome=outcome) for to in lease.recipients]
    ledger.record_message_outcomes(lease, results)


def keys(store: Connection, **narrowed: object) -> list[str]:
    return [one.run_key for one in list_runs(store, **narrowed)]  # type: ignore[arg-type]  # as a test names them


def wait_for_decision(store: Connection, run_id: int) -> None:
    """Let a run wait as it does in a store that was restored."""
    store.execute("insert into promo.store_restore (restored_to, said_by, claim_id) values (now(), 'anna', 0)")
    store.execute("insert into promo.restored_run (run_id, restore_id) values (%s, 1)", [run_id])


def run_in_every_state(store: Connection) -> None:
    """Open runs that are named after their state; none of them is for anybody."""
    for number, state in enumerate(RunState):
        open_run(store, SPEC, run_key=state.value, approval=state is RunState.AWAITING)
        if state is RunState.PAUSED:
            pause_run(store, state.value)
        if state is RunState.RESTORED:
            wait_for_decision(store, number + 1)
        if state is RunState.CANCELLED:
            cancel_run(store, state.value)
        if state is RunState.CLOSED:
            close_run(store, number + 1)


def test_a_run_is_counted_by_how_far_its_contacts_are(store: Connection) -> None:
    contacts = add_contacts(store, 9)
    [stranger] = add_contacts(store, 1, channel=None)
    add_codes(store, 12)
    run, ledger = open_welcome(store), PostgresLedger(store)
    store.execute(
        "update promo.assignment set state = 'skipped', reason = 'no channel' where contact_id = %s", [stranger]
    )
    ledger.assign_codes(run.run_id, contacts[:8], CODES)
    send(ledger, run, contacts[:4], Outcome.OK)
    send(ledger, run, contacts[4:5], Outcome.UNKNOWN)
    send(ledger, run, contacts[5:7], Outcome.REFUSED)
    lease = ledger.begin_profiles(run.run_id, contacts[:2], lease_s=60)
    ledger.record_profile_outcomes(lease, [DeliveryResult(contact_id=who, outcome=Outcome.OK) for who in contacts[:2]])
    [line] = list_runs(store)
    counts = (
        line.audience,
        line.given,
        line.sent,
        line.recorded,
        line.skipped,
        line.unknown,
        line.failed,
        line.waiting,
    )
    assert counts == (10, 6, 4, 2, 1, 1, 2, 2)
    assert line == read_line(store, run.run_id)
    store.execute("delete from promo.run_count")
    store.execute("update promo.run set counted = false")
    [older] = list_runs(store)
    assert [older.audience, older.given, older.sent, older.recorded] == [10, 6, 4, 2]
    assert [older.skipped, older.unknown, older.failed, older.waiting] == [1, 1, 2, 2]


def test_the_counts_of_a_closed_run_are_one_row(store: Connection) -> None:
    contacts = add_contacts(store, 4)
    add_codes(store, 4)
    run, ledger = open_welcome(store), PostgresLedger(store)
    for contact in contacts:
        ledger.assign_codes(run.run_id, [contact], CODES)
        send(ledger, run, [contact], Outcome.REFUSED)
    close_run(store, run.run_id)
    assert store.execute("select count(*) as rows, sum(rejected) as n from promo.run_count").fetchone() == {
        "rows": 1,
        "n": 4,
    }


def test_runs_are_listed_newest_first_page_by_page(store: Connection) -> None:
    for number in range(5):
        open_welcome(store, f"welcome/run/{number}")
    first = list_runs(store, limit=2)
    assert [one.run_key for one in first] == ["welcome/run/4", "welcome/run/3"]
    second = list_runs(store, limit=2, before=first[-1].run_id)
    assert [one.run_key for one in second] == ["welcome/run/2", "welcome/run/1"]


def test_runs_are_narrowed_by_workflow_and_state(store: Connection) -> None:
    run_in_every_state(store)
    for state in RunState:
        assert keys(store, state=state) == keys(store, state=state, workflow="welcome") == [state.value]
        assert keys(store, state=state, workflow="another") == []
    assert keys(store) == keys(store, workflow="welcome") == [state.value for state in RunState][::-1]


def test_a_run_is_found_by_as_much_of_its_key_as_no_other_has(store: Connection) -> None:
    for key in ("welcome/edition/spring", "welcome/edition/summer", "welcome/edition/spring2", "farewell/ä/1"):
        open_welcome(store, key)
    assert find_run(store).run_key == "farewell/ä/1"
    assert find_run(store, "fare").run_key == find_run(store, "farewell/ä").run_key == "farewell/ä/1"
    assert find_run(store, "welcome/edition/spring").run_key == "welcome/edition/spring"
    assert find_run(store, "welcome/edition/su").run_key == "welcome/edition/summer"
    with pytest.raises(
        LedgerError, match=r"several runs begin with welcome/edition/s: .*spring, .*spring2, .*summer; give"
    ):
        find_run(store, "welcome/edition/s")
    with pytest.raises(LedgerError, match=r"no run welcome/edition/sumer; did you mean welcome/edition/summer\?"):
        find_run(store, "welcome/edition/sumer")


def test_without_any_run_there_is_no_newest(store: Connection) -> None:
    with pytest.raises(LedgerError, match="there is no run yet; a run begins with a DAG run of its workflow"):
        find_run(store)


def test_a_list_without_any_run_says_what_makes_one_begin(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list", "--dsn", dsn]) == 0
    assert capsys.readouterr().out.startswith("No run yet; a run begins with a DAG run of its workflow, which waits")
    assert main(["runs", "list", "--workflow", "welcome", "--dsn", dsn]) == 0
    assert capsys.readouterr().out == "No run.\n"


def let_hours_pass(store: Connection) -> None:
    """Let everything that is there have happened two hours ago."""
    store.execute("update promo.run set opened_at = opened_at - interval '2 h', closed_at = closed_at - interval '2 h'")
    store.execute("update promo.run_count set counted_at = counted_at - interval '2 h'")


def test_a_run_in_which_nothing_moves_is_stuck_and_one_that_waits_for_a_person_is_not(store: Connection) -> None:
    run_in_every_state(store)
    assert list_stuck(store) == []
    let_hours_pass(store)
    open_welcome(store, "new")
    [stuck] = list_stuck(store)
    assert (stuck.run_key, stuck.moved_at) == ("open", stuck.opened_at)
    stop_sending(store)
    assert list_stuck(store) == []


def test_a_run_that_moves_is_not_stuck_however_old_it_is(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    let_hours_pass(store)
    assert len(list_stuck(store)) == 1
    PostgresLedger(store).assign_codes(run.run_id, contacts[:1], CODES)
    assert list_stuck(store) == []


def quiet_run(store: Connection, *, from_now: int) -> None:
    """Open a run for somebody who is in quiet hours for the hours around so many minutes from now."""
    add_contacts(store, 2)
    add_codes(store, 2)
    open_welcome(store)
    store.execute(
        "update promo.run set time_zone = 'UTC', quiet_hours = int4multirange(int4range(at, at + 60)) from"
        " (select least((promo.minute_of_week(now(), 'UTC') + %s) %% 10080, 10020) as at) begin",  # 10080 end a week
        [from_now],
    )
    store.execute("update promo.assignment set time_zone = 'UTC'")
    let_hours_pass(store)


def test_a_run_that_waits_for_the_end_of_quiet_hours_is_not_stuck(store: Connection) -> None:
    quiet_run(store, from_now=0)
    assert list_stuck(store) == []


def test_a_run_whose_quiet_hours_are_far_away_is_stuck_like_any_other(store: Connection) -> None:
    quiet_run(store, from_now=5000)
    assert len(list_stuck(store)) == 1


def test_cancelling_a_stuck_run_gives_back_the_codes_it_reserves(store: Connection, dsn: str) -> None:
    contacts = add_contacts(store, 4)
    add_codes(store, 4)
    run = open_welcome(store)
    PostgresLedger(store).assign_codes(run.run_id, contacts[:2], CODES)
    let_hours_pass(store)
    assert main(["runs", "cancel", "welcome", "--dsn", dsn]) == 0
    assert list_stuck(store) == []
    open_welcome(store, "welcome/edition/again")


def test_the_command_tells_what_it_did_and_which_page_comes_next(
    store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        open_welcome(store, f"welcome/edition/{name}")

    def told(*words: str, status: int = 0) -> str:
        assert main([*words, "--dsn", dsn]) == status
        return capsys.readouterr().out

    assert told("runs", "list", "--limit", "1").endswith("More: --before 2\n")
    assert "welcome/edition/one" in told("runs", "list", "--limit", "1", "--before", "2")
    assert told("runs", "pause", "welcome/edition/t", "--reason", "odd") == "welcome/edition/two\tpaused\n"
    shown = told("runs", "show")
    assert "state        paused" in shown
    assert "halt reason  odd" in shown
    assert told("runs", "resume", "welcome/edition/t") == "welcome/edition/two\tgoes on\n"
    assert told("runs", "resume", "welcome/edition/t", status=1).endswith("was neither paused nor cancelled\n")
    assert (
        told("runs", "cancel", "welcome/edition/o")
        == "welcome/edition/one\tcancelled, 0 contacts are sent nothing\tclosed\n"
    )
    assert "may be run again" in told("runs", "resume", "welcome/edition/o")
    assert told("runs", "list", "--stuck") == "No run is stuck.\n"
    assert told("sending", "status") == "Runs may send.\n"
    assert told("sending", "stop", "--reason", "prices").startswith("All sending was stopped by ")
    assert "(prices); promo sending start lets it go on" in told("sending", "status", status=1)
    assert told("sending", "start") == "Runs send again.\n"
    assert told("sending", "start", status=1) == "Sending was not stopped.\n"


def test_an_open_run_whose_dag_run_is_over_is_stuck_at_once(
    store: Connection, dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that a person paused is one, too: nobody will go on with it. Where Airflow is not asked, that is said."""
    told = {
        "welcome/run/a": DagRunState.FAILED,
        "welcome/run/b": DagRunState.RUNNING,
        "welcome/run/c": DagRunState.GONE,
    }
    for key in told:
        open_welcome(store, key)
    pause_run(store, "welcome/run/c")
    found = find_stuck_runs(store, lambda _: told)
    assert [(line.run_key, state.value) for line, state in found.lines] == [
        ("welcome/run/c", "gone"),
        ("welcome/run/a", "failed"),
    ]
    monkeypatch.setattr("promo_campaigns.connections.airflow_dag_runs.is_set_up", lambda: False)
    assert main(["runs", "list", "--stuck", "--dsn", dsn]) == 0
    said = capsys.readouterr()
    assert said.out == "No run is stuck.\n"
    assert said.err.startswith("Airflow was not asked: no Airflow is set up here; run this with the environment of")
    let_hours_pass(store)
    assert main(["runs", "list", "--stuck", "--json", "--fields", "run_key,dag_run", "--dsn", dsn]) == 0
    assert '{"run_key": "welcome/run/a", "dag_run": "not asked"}' in capsys.readouterr().out
