"""Runs of years ago leave the ledger for files: what goes, what stays, and what no kill and no storage can lose."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from pyarrow import parquet  # type: ignore[import-untyped]  # it has no types

from integration.accounts import account
from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome, pass_days
from promo_campaigns.cli import main
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.ledger.archive import old_runs
from promo_campaigns.ledger.archive.keep import Keep, parse_keep
from promo_campaigns.ledger.archive.shelf import LocalShelf
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.ledger.restores.deciding import decide
from promo_campaigns.ledger.restores.restoring import say_restored
from promo_campaigns.ledger.retention import due_now, run_retention
from promo_campaigns.ledger.runs import close_run, open_run, set_mode
from promo_campaigns.ledger.unknown_sends import record_unknown
from promo_campaigns.model.errors import ConfigurationError, LedgerError, RunClosedError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.oversight.decision import FreeCodes, Rest
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run import Mode
from promo_campaigns.model.run_spec import Pool
from promo_campaigns.operators.upkeep.retention import ArchiveOldDataOperator
from promo_campaigns.postgres.audit import audited, list_audit
from promo_campaigns.postgres.connection import connect
from promo_campaigns.redemptions.rules import Redemption
from promo_campaigns.redemptions.store import add_redemptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from promo_campaigns.model.run import Lease, Run
    from promo_campaigns.postgres.connection import Connection

SCRIPT = Path(__file__).with_name("killed_retention.py")
MESSAGE_ONLY = replace(SPEC, data_sources=())
LATER = 400
FORGED = """
insert into promo.archive_file (kind, run_id, path, verified_at, row_count, digest)
select kind, 1, 'x', now(), 1, sha256('') from unnest('{assignments,attempts}'::text[]) kind;
update promo.run set archived_at = now() where run_id = 1
"""
KEEP = Keep()
WAITS_FOR_A_LOCK = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def send(store: Connection, run: Run, contacts: Sequence[int], outcomes: Sequence[Outcome]) -> None:
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contacts, CODES)
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    told = zip(lease.recipients, outcomes, strict=True)
    ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=to.contact_id, outcome=one) for to, one in told])


def closed_run(store: Connection, key: str = "welcome/edition/one", contacts: int = 5) -> Run:
    """Return a closed run: of its new contacts one was refused, the others reached."""
    ids = add_contacts(store, contacts)
    add_codes(store, contacts, prefix=f"CODE{ids[0]}")
    audience = replace(SPEC.audience, sql=f"select contact_id from promo.contact where contact_id >= {ids[0]}")  # noqa: S608
    run = open_run(store, replace(MESSAGE_ONLY, audience=audience), run_key=key)
    send(store, run, ids, [Outcome.REFUSED, *[Outcome.OK] * (contacts - 1)])
    close_run(store, run.run_id)
    return run


def recorded_run(store: Connection) -> Run:
    """Return a closed run of two new contacts whose profiles show their codes."""
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    send(store, run, contacts, [Outcome.OK] * 2)
    ledger = PostgresLedger(store)
    lease = ledger.begin_profiles(run.run_id, contacts, lease_s=60)
    told = [DeliveryResult(contact_id=to.contact_id, outcome=Outcome.OK) for to in lease.recipients]
    ledger.record_profile_outcomes(lease, told)
    close_run(store, run.run_id)
    return run


def repair(store: Connection, run: Run) -> Lease:
    contacts = [row["contact_id"] for row in store.execute("select contact_id from promo.contact").fetchall()]
    return PostgresLedger(store).begin_profiles(run.run_id, contacts, lease_s=60, repair=True)


def count(store: Connection, table: str) -> int:
    row = store.execute(sql.SQL("select count(*) as n from promo.{}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row["n"])


def files(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each kind of file of a folder."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(folder.iterdir()):
        kind = file.stem.rpartition("-")[2]
        rows[kind] = [*rows.get(kind, []), *parquet.read_table(file).to_pylist()]
    return rows


def test_a_run_of_a_year_ago_goes_into_files_and_its_counts_and_codes_stay(store: Connection, tmp_path: Path) -> None:
    run = closed_run(store)
    report, held = read_report(store, run.run_id).tally, store.execute("select * from promo.promo_code").fetchall()
    pass_days(store, LATER)
    done = run_retention(store, KEEP, LocalShelf(tmp_path / "archive"))
    assert (done["runs"], done["contacts"], done["waiting"]) == (1, 5, 0)
    assert [count(store, table) for table in ("assignment", "attempt", "run", "archived_code")] == [0, 0, 1, 4]
    assert store.execute("select * from promo.promo_code").fetchall() == held
    kept = read_report(store, run.run_id).tally
    assert (kept.given, sum(kept.rejected.values())) == (report.given, sum(report.rejected.values())) == (4, 1)
    rows = files(tmp_path / "archive")
    assert sorted(row["state"] for row in rows["assignments"]) == ["accepted"] * 4 + ["rejected"]
    assert sorted(row["outcome"] for row in rows["attempts"]) == ["ok"] * 4 + ["refused"]
    assert check_invariants(store) == []


def test_files_name_contacts_by_their_ids_alone(store: Connection, tmp_path: Path) -> None:
    closed_run(store)
    store.execute("update promo.contact set external_id = 'customer-' || contact_id, last_name = 'Weber'")
    pass_days(store, LATER)
    run_retention(store, KEEP, LocalShelf(tmp_path))
    rows = [row for kind in files(tmp_path).values() for row in kind]
    said = {value for row in rows for value in row.values() if isinstance(value, str)}
    assert said <= {"accepted", "rejected", "refused", "ok", "message"}
    contact = rows[0]["contact_id"]
    erase_contact(store, contact)
    assert check_invariants(store) == []


def test_it_is_in_the_audit_that_the_files_were_read_back_before_a_row_went(store: Connection, tmp_path: Path) -> None:
    closed_run(store)
    pass_days(store, LATER)
    run_retention(store, KEEP, LocalShelf(tmp_path))
    dropped, archived = list_audit(store, 2)
    assert [(entry["action"], entry["subject"], entry["rows"]) for entry in (archived, dropped)] == [
        ("archive", "run welcome/edition/one", 10),
        ("drop", "run welcome/edition/one", 5),
    ]
    assert archived["begun_at"] < dropped["begun_at"]


def test_an_archived_occurrence_is_never_opened_again_whatever_its_mode(store: Connection, tmp_path: Path) -> None:
    run = closed_run(store)
    pass_days(store, LATER)
    run_retention(store, KEEP, LocalShelf(tmp_path))
    for mode in Mode:
        set_mode(store, run.run_key, mode)
        with pytest.raises(RunClosedError, match=r"one was archived on \d{4}-\d\d-\d\d, .* an edition of its own"):
            open_run(store, run.spec, run_key=run.run_key)
    assert count(store, "assignment") == 0


def test_a_code_that_was_given_is_never_free_again(store: Connection, tmp_path: Path) -> None:
    run = closed_run(store)
    pass_days(store, LATER)
    run_retention(store, KEEP, LocalShelf(tmp_path))
    with pytest.raises(psycopg.errors.UniqueViolation):
        store.execute(
            "insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)"
            " select lower(code), 'Other', 5, now() + interval '900 days', false, code_file_id, 1 from promo.promo_code"
            " where issued_at is not null limit 1"
        )
    free = store.execute("select count(*) as n from promo.promo_code where issued_at is null").fetchall()
    assert free[0]["n"] == 1, "the one that was refused went back when it was"
    assert read_report(store, run.run_id).run_key == run.run_key


def test_what_a_shop_tells_of_an_archived_code_is_of_its_run_and_not_odd(store: Connection, tmp_path: Path) -> None:
    run = closed_run(store)
    pass_days(store, LATER)
    run_retention(store, KEEP, LocalShelf(tmp_path))
    code = store.execute("select code from promo.promo_code where held_by is not null limit 1").fetchall()[0]["code"]
    told = Redemption(code=code, order_id="o-1", redeemed_at=datetime.now(timezone.utc) + timedelta(days=1))
    add_redemptions(store, [told], source="a test")
    row = store.execute("select run_id, finding from promo.redemption").fetchone()
    assert row == {"run_id": run.run_id, "finding": None}
    assert check_invariants(store) == []


def test_runs_wait_whose_sends_are_unknown_whose_codes_are_valid_or_that_a_cap_counts(
    store: Connection, tmp_path: Path
) -> None:
    doubted = open_run(store, MESSAGE_ONLY, run_key="welcome/edition/doubted")
    contacts = add_contacts(store, 1)
    store.execute("insert into promo.assignment (run_id, contact_id) values (%s, %s)", [doubted.run_id, contacts[0]])
    add_codes(store, 1, days=9000, prefix="LONG")
    send(store, doubted, contacts, [Outcome.UNKNOWN])
    close_run(store, doubted.run_id)
    closed_run(store, "welcome/edition/capped")
    store.execute("update promo.run set cap_messages = 3, cap_window = interval '9000 h' where run_key ~ 'capped'")
    pass_days(store, LATER)
    due = {due.kind: due for due in due_now(store, Keep(runs=370))}["runs"]
    assert (due.count, due.waiting) == (1, 1)
    assert due.why == ("has sends of unknown outcome",)
    store.execute("update promo.run set cap_window = interval '9600 h' where run_key ~ 'capped'")
    assert run_retention(store, Keep(runs=370), LocalShelf(tmp_path))["waiting"] == 2
    assert list(tmp_path.iterdir()) == []


def test_a_run_waits_while_its_contacts_may_be_given_their_codes_again(store: Connection, tmp_path: Path) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 2, days=9000)
    run = open_welcome(store, spec=replace(MESSAGE_ONLY, reuse=Reuse.SAME))
    send(store, run, contacts, [Outcome.OK] * 2)
    close_run(store, run.run_id)
    pass_days(store, LATER)
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["waiting"] == 1
    again = open_welcome(store, "welcome/edition/two", spec=replace(MESSAGE_ONLY, reuse=Reuse.SAME))
    assert dict(PostgresLedger(store).assign_codes(again.run_id, contacts, CODES)), "they are given what they hold"
    assert check_invariants(store) == []


def test_runs_wait_while_a_restore_is_not_decided(store: Connection, tmp_path: Path) -> None:
    closed_run(store)
    pass_days(store, LATER)
    say_restored(store, datetime.now(timezone.utc), by="anna")
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["waiting"] == 1
    decide(store, rest=Rest.UNSENT, free_codes=FreeCodes.RELEASE, by="anna")
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["runs"] == 1


class Lying(LocalShelf):
    """A storage that returns another file than it was given."""

    @contextmanager
    def reading(self, path: str) -> Iterator[BinaryIO]:
        table = parquet.read_table(path)
        other = io.BytesIO()
        parquet.write_table(table.slice(1), other)
        other.seek(0)
        yield other


def test_nothing_goes_when_the_storage_returns_something_else(store: Connection, tmp_path: Path) -> None:
    closed_run(store)
    pass_days(store, LATER)
    with pytest.raises(LedgerError, match="holds 4 rows that are not the 5 that were written: nothing was dropped"):
        run_retention(store, KEEP, Lying(tmp_path))
    assert [count(store, "assignment"), count(store, "archived_code")] == [5, 0]
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["runs"] == 1
    assert len(list(tmp_path.iterdir())) == 2, "a file that is written again keeps its name"
    assert check_invariants(store) == []


def test_a_run_that_is_opened_again_meanwhile_stays(store: Connection, tmp_path: Path) -> None:
    run = closed_run(store)
    pass_days(store, LATER)
    due = next(iter(old_runs.due_runs(store, 365)))
    add_codes(store, 1, days=9000, prefix="LATE")
    open_run(store, run.spec, run_key=run.run_key)
    assert old_runs.archive_run(store, due, LocalShelf(tmp_path)) is False
    assert count(store, "assignment") == 5


class Interrupted(LocalShelf):
    """A storage that lets something else happen while the last file is read back."""

    def __init__(self, folder: Path, meanwhile: Callable[[], None]) -> None:
        super().__init__(folder)
        self._meanwhile = meanwhile

    @contextmanager
    def reading(self, path: str) -> Iterator[BinaryIO]:
        if path.endswith("-attempts.parquet"):
            self._meanwhile()
        with super().reading(path) as stream:
            yield stream


def test_a_run_that_is_opened_again_while_it_is_archived_is_refused_as_archived(
    store: Connection, dsn: str, tmp_path: Path
) -> None:
    """Found by a drawn schedule: the database refused it, without a word of what had happened."""
    run = closed_run(store)
    pass_days(store, LATER)
    opened: list[Future[Run]] = []
    with connect(dsn) as other, connect(dsn) as watch, ThreadPoolExecutor(1) as pool:

        def open_meanwhile() -> None:
            opened.append(pool.submit(open_run, other, run.spec, run_key=run.run_key))
            while not opened[0].done() and not watch.execute(WAITS_FOR_A_LOCK).rowcount:
                pass

        assert run_retention(store, KEEP, Interrupted(tmp_path, open_meanwhile))["runs"] == 1
        with pytest.raises(RunClosedError, match="was archived on"):
            opened[0].result(30)
    assert check_invariants(store) == []


def test_profiles_of_an_archived_run_are_not_repaired_for_that_would_be_in_no_file(
    store: Connection, tmp_path: Path
) -> None:
    """Found by a drawn schedule."""
    run = recorded_run(store)
    pass_days(store, LATER)
    assert old_runs.archive_run(store, next(iter(old_runs.due_runs(store, 365))), LocalShelf(tmp_path))
    assert not repair(store, run).recipients
    assert count(store, "attempt") == len(files(tmp_path)["attempts"]) == 4


def test_a_run_is_not_archived_while_its_profiles_are_repaired(store: Connection, tmp_path: Path) -> None:
    run = recorded_run(store)
    pass_days(store, LATER)
    assert len(repair(store, run).recipients) == 2
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["runs"] == 0
    pass_days(store, LATER + 1)
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["runs"] == 1
    assert len(files(tmp_path)["attempts"]) == 6


def test_what_each_pool_of_a_chain_gave_stays_when_its_run_is_archived_and_closed_again(
    store: Connection, tmp_path: Path
) -> None:
    """The End of its DAG run, cleared, counted what was not there any more."""
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    chained = replace(CODES, next_pools=(Pool(type="Spring", discount=5),))
    run = open_run(store, replace(MESSAGE_ONLY, codes=chained), run_key="welcome/edition/chained")
    send(store, run, contacts, [Outcome.OK, Outcome.UNKNOWN])
    close_run(store, run.run_id)
    record_unknown(store, run.run_id, contacts[1:], Outcome.REFUSED)
    pass_days(store, LATER)
    run_retention(store, KEEP, LocalShelf(tmp_path))
    for report in (read_report(store, run.run_id), close_run(store, run.run_id)):
        assert [pool.given for pool in report.pools] == [1, 0]
    kept = store.execute("select pool_given from promo.run").fetchall()
    assert kept[0]["pool_given"] == [1, 0]


@pytest.mark.parametrize("content", [None, b"PAR1, and half of it"])
def test_a_file_that_cannot_be_read_back_is_named_and_nothing_goes(
    store: Connection, tmp_path: Path, content: bytes | None
) -> None:
    closed_run(store)
    pass_days(store, LATER)

    def lose() -> None:
        (file,) = tmp_path.glob("*-attempts.parquet")
        file.unlink()
        if content is not None:
            file.write_bytes(content)

    with pytest.raises(LedgerError, match=r"attempts.parquet cannot be read back \(.*: nothing was dropped"):
        run_retention(store, KEEP, Interrupted(tmp_path, lose))
    assert count(store, "assignment") == 5
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["runs"] == 1


def test_killed_before_any_statement_it_loses_nothing_and_writes_no_file_twice(
    store: Connection, dsn: str, tmp_path: Path
) -> None:
    for edition in ("one", "two"):
        closed_run(store, f"welcome/edition/{edition}")
    pass_days(store, LATER)
    folder, contacts = tmp_path / "archive", count(store, "assignment")
    for number in range(2, 60):
        command = [sys.executable, str(SCRIPT), dsn, str(folder), str(number)]
        status = subprocess.run(command, check=False).returncode
        kept = store.execute(
            "select count(*) as n from promo.assignment a join promo.run r using (run_id) where r.archived_at is null"
        ).fetchall()[0]["n"]
        archived = store.execute(
            "select coalesce(sum(row_count), 0)::bigint as n from promo.archive_file where kind = 'assignments'"
        ).fetchall()[0]["n"]
        assert kept + archived == contacts
        assert check_invariants(store) == []
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert count(store, "assignment") == 0
    assert len(list(folder.glob("*.parquet"))) == 4
    rows = files(folder)
    assert len({(row["contact_id"], row["promo_code_id"]) for row in rows["assignments"]}) == contacts
    assert len(rows["assignments"]) == contacts


def test_one_archiver_works_at_a_time(store: Connection, dsn: str, tmp_path: Path) -> None:
    closed_run(store)
    pass_days(store, LATER)
    with connect(dsn) as other, other.transaction():
        old_runs.lock_archive(other)
        with pytest.raises(LedgerError, match="another task or command archives just now"):
            run_retention(store, KEEP, LocalShelf(tmp_path))
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["runs"] == 1


@pytest.mark.parametrize(
    "statement",
    [
        "update promo.run set archived_at = now() where run_id = 1",
        "update promo.run set archived_at = now(), dropped_at = now() where run_id = 1",
        "delete from promo.assignment where run_id = 1",
        "delete from promo.attempt where run_id = 1",
        "delete from promo.audit",
        "delete from promo.archive_file",
        "truncate promo.archived_code",
        FORGED,
    ],
)
def test_the_database_lets_nothing_go_that_is_not_archived(store: Connection, statement: str) -> None:
    closed_run(store)
    with audited(store, "export", "run"):
        pass
    with pytest.raises(psycopg.errors.CheckViolation):
        store.execute(statement.encode())


def test_rows_are_dropped_without_a_file_only_when_that_is_said(store: Connection) -> None:
    run = closed_run(store)
    pass_days(store, LATER)
    assert run_retention(store, KEEP, None)["runs"] == 0
    assert run_retention(store, KEEP, None, drop=True)["runs"] == 1
    assert check_invariants(store) == []
    with pytest.raises(LedgerError, match="its rows were dropped without a file"):
        old_runs.refuse_archived(store, [run.run_id])


def test_messages_of_the_inbox_go_but_for_contacts_that_may_be_sent_the_same_again(
    store: Connection, tmp_path: Path
) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store, spec=MESSAGE_ONLY)
    send(store, run, contacts, [Outcome.OK, Outcome.UNKNOWN])
    for contact in (*contacts, *contacts):
        store.execute(
            "insert into promo.inbox_message (idempotency_key, contact_id, channel, locator, body)"
            " values (%s, %s, 'a', 'b', 'c')",
            [uuid4(), contact],
        )
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["messages"] == 0
    pass_days(store, 91)
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["messages"] == 2
    assert store.execute("select distinct contact_id from promo.inbox_message").fetchall() == [
        {"contact_id": contacts[1]}
    ]


def test_the_audit_is_kept_for_ever_unless_a_time_is_named_and_goes_only_into_a_file(
    store: Connection, tmp_path: Path
) -> None:
    with audited(store, "export", "run welcome/edition/one", actor="anna"):
        pass
    pass_days(store, 2000)
    keep = Keep(audit=1825)
    assert run_retention(store, KEEP, LocalShelf(tmp_path))["entries"] == 0
    assert run_retention(store, keep, None, drop=True)["entries"] == 0
    assert run_retention(store, keep, LocalShelf(tmp_path))["entries"] == 1
    (row,) = files(tmp_path)[next(iter(files(tmp_path)))]
    assert (row["action"], row["subject"]) == ("export", "run welcome/edition/one")
    assert [entry["action"] for entry in list_audit(store)] == ["archive"]


def test_a_sender_with_the_rights_of_every_day_may_do_it(store: Connection, dsn: str, tmp_path: Path) -> None:
    closed_run(store)
    pass_days(store, LATER)
    with account(dsn, "sender") as address, connect(address) as sender:
        assert run_retention(sender, KEEP, LocalShelf(tmp_path))["contacts"] == 5
    assert check_invariants(store) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("run=3", "there is no kind 'run'; name runs, events, inbox, audit"),
        ("runs=0", "keep: runs must be a whole number from 1"),
        ("runs=365 audit=30", "audit=30 is shorter than runs=365"),
        ("runs=forever audit=30", "audit=30 is shorter than runs=forever"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        parse_keep(text)


def test_a_time_is_said_as_a_text_or_a_mapping() -> None:
    expected = Keep(runs=180, inbox=None)
    assert parse_keep("runs=180, inbox=forever") == parse_keep({"runs": 180, "inbox": "forever"}) == expected
    assert parse_keep("") == Keep()


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_task_archives_to_any_storage_and_leaves_runs_without_one(
    store: Connection, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    closed_run(store)
    pass_days(store, LATER)
    context: Any = {}
    assert ArchiveOldDataOperator(task_id="keep").execute(context)["runs"] == 0
    there = ArchiveOldDataOperator(task_id="keep", keep={"runs": 370}, archive=f"{scheme}{tmp_path}/archive")
    assert there.execute(context)["runs"] == 1
    assert len(files(tmp_path / "archive")["assignments"]) == 5
    with pytest.raises(LedgerError, match=r"who got which code is in .*archive/run-1-\w+-assignments.parquet"):
        old_runs.refuse_archived(store, [1])


def test_the_command_shows_what_would_go_and_does_it(
    store: Connection, dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed_run(store)
    pass_days(store, LATER)
    assert main(["retention", "show", "--json", "--dsn", dsn]) == 0
    shown = {row["kind"]: row for row in json.loads(capsys.readouterr().out)}
    assert (shown["runs"]["count"], shown["runs"]["contacts"], shown["audit"]["days"]) == (1, 5, None)
    assert count(store, "assignment") == 5
    assert main(["retention", "run", "--archive", "s3://bucket/x", "--dsn", dsn]) == 2
    assert "reaches any storage" in capsys.readouterr().err
    assert main(["retention", "run", "--archive", str(tmp_path), "--drop", "--dsn", dsn]) == 2
    capsys.readouterr()
    assert main(["retention", "run", "--archive", str(tmp_path), "--json", "--dsn", dsn]) == 0
    assert json.loads(capsys.readouterr().out)["contacts"] == 5
    assert main(["runs", "export", "welcome/edition/one", "--dsn", dsn]) == 2
    assert "was archived on" in capsys.readouterr().err
