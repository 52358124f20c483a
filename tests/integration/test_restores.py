"""A store that was restored from a backup: nobody is sent to twice, and no code goes to two contacts."""

from __future__ import annotations

import csv
import io
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from integration.accounts import account
from integration.backups import Phone, take_backup
from integration.scenario import (
    CODES,
    SPEC,
    add_codes,
    add_contacts,
    free_codes,
    open_welcome,
    pass_days,
    states,
    tamper,
)
from integration.test_event_queue import arrive, audience, drain, refusals
from integration.test_fallback_code import SHARED
from promo_campaigns.cli import main
from promo_campaigns.doctor.findings import Health
from promo_campaigns.doctor.store import look_at_store
from promo_campaigns.ledger.answered_ledger import make_ledger
from promo_campaigns.ledger.event_queue import listen
from promo_campaigns.ledger.interventions import cancel_run, pause_run, resume_run
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.restores.deciding import decide
from promo_campaigns.ledger.restores.restoring import read_left, require_restore, say_restored
from promo_campaigns.ledger.restores.told_file import ToldFileError
from promo_campaigns.ledger.restores.told_sends import reconcile_file
from promo_campaigns.ledger.runs import close_run, open_run, read_run_by_key
from promo_campaigns.model.errors import (
    ConfigurationError,
    LedgerError,
    RestoredRunError,
    RunHaltedError,
)
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.limits import Limits
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.oversight.decision import FreeCodes, Rest
from promo_campaigns.model.oversight.first_share import parse_start_with
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.postgres.audit import list_audit
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from promo_campaigns.ledger.restores.told_sends import Reconciled
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"
MESSAGE_ONLY = replace(SPEC, data_sources=())


@dataclass
class World:
    """A store, and what is made of its backups.

    :ivar back_up: dumps the store, and returns what restores the dump and says so
    :ivar addresses: of the stores that were restored
    """

    store: Connection
    phone: Phone
    back_up: Callable[[], Callable[[], Connection]]
    addresses: list[str]


@pytest.fixture
def world(store: Connection, dsn: str, postgres_server: str, tmp_path: Path) -> Iterator[World]:
    """Return a store that can be backed up; every promise holds in what was restored, whatever was done with it."""
    with ExitStack() as stack:
        restored: list[Connection] = []
        addresses: list[str] = []

        def back_up() -> Callable[[], Connection]:
            backup = take_backup(store, dsn, postgres_server, tmp_path)

            def restore() -> Connection:
                address, connection = stack.enter_context(backup.restored())
                addresses.append(address)
                say_restored(connection, backup.taken_at, by="anna", reason="the disk died")
                assert check_invariants(connection) == []
                restored.append(connection)
                return connection

            return restore

        world = World(store, Phone(), back_up, addresses)
        yield world
        for connection in restored:
            assert check_invariants(connection) == []
        assert world.phone.heard_once()


def reconcile(store: Connection, rows: Iterable[dict[str, object]]) -> Reconciled:
    """Tell a store of sends by a file."""
    listed = list(rows)
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in listed for name in row))
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(listed)
    report = reconcile_file(store, io.BytesIO(text.getvalue().encode()), file="log.csv")
    assert check_invariants(store) == []
    return report


def reasons(report: Reconciled) -> list[tuple[int, str]]:
    return [(one.line, one.reason) for one in report.rejected]


def decision(store: Connection, rest: Rest | None = Rest.UNSENT, free: FreeCodes | None = FreeCodes.WITHDRAW) -> None:
    """Decide all that is left."""
    decide(store, rest=rest, free_codes=free, by="anna")
    assert check_invariants(store) == []


def in_every_state(world: World, run: Run, contacts: Sequence[int]) -> None:
    """Bring ten contacts into all states that a run under way has."""
    world.phone.send(world.store, run, contacts[:1])
    world.phone.send(world.store, run, contacts[1:2], Outcome.UNKNOWN)
    world.phone.send(world.store, run, contacts[2:3], Outcome.REFUSED)
    ledger = PostgresLedger(world.store)
    ledger.assign_codes(run.run_id, contacts[3:7], CODES)
    ledger.begin_messages(run.run_id, contacts[3:4], lease_s=0, resend_within_s=0)


def test_what_a_receiver_tells_is_not_sent_again_and_the_rest_is(world: World) -> None:
    contacts = add_contacts(world.store, 10)
    add_codes(world.store, 30)
    run = open_welcome(world.store, spec=MESSAGE_ONLY)
    in_every_state(world, run, contacts)
    restore = world.back_up()
    world.phone.send(world.store, run, contacts[4:6])  # held a code
    world.phone.send(world.store, run, contacts[7:9])  # were given one since
    store = restore()
    assert states(store, run) == {"accepted": 1, "unknown": 5, "rejected": 1, "pending": 3}
    for attempt in (
        lambda: PostgresLedger(store).assign_codes(run.run_id, contacts, CODES),
        lambda: PostgresLedger(store).begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=1e9),
    ):
        with pytest.raises(RunHaltedError, match=r"anna said on .* was restored \(the disk died\); promo db restored"):
            attempt()
    told = reconcile(store, world.phone.log())
    assert (told.rows, told.told, told.accepted, told.rejected_count) == (5, 5, 4, 0)
    assert states(store, run) == {"accepted": 5, "unknown": 3, "rejected": 1, "pending": 1}
    assert reconcile(store, world.phone.log()).accepted == 0
    decision(store)
    assert states(store, run) == {"accepted": 5, "unknown": 2, "assigned": 1, "rejected": 1, "pending": 1}
    assert free_codes(store) == 0
    add_codes(store, 5, prefix="NEW")
    world.phone.send(store, run, contacts)
    assert states(store, run) == {"accepted": 7, "unknown": 2, "rejected": 1}
    close_run(store, run.run_id)


def test_codes_whose_start_has_come_since_may_have_been_given(world: World) -> None:
    contacts = add_contacts(world.store, 4)
    codes = add_codes(world.store, 4)
    run = open_welcome(world.store, spec=MESSAGE_ONLY)
    starts = "update promo.promo_code set retired = true, waits_until = now() + %s where code = any(%s)"
    tamper(world.store, starts, [timedelta(seconds=-1), codes[:3]])
    tamper(world.store, starts, [timedelta(days=9), codes[3:]])
    restore = world.back_up()
    world.phone.send(world.store, run, contacts[:1])
    store = restore()
    early = {"contact_id": contacts[1], "code": codes[3], "run_key": run.run_key, "sent_at": ""}
    assert reconcile(store, [*world.phone.log(), early]).rejected_count == 0
    decision(store)
    assert free_codes(store) == 0
    assert store.execute("select code from promo.promo_code where waits_until is not null").fetchall() == []


def test_what_was_decided_to_be_sent_is_never_sent_again(world: World) -> None:
    contacts = add_contacts(world.store, 4)
    add_codes(world.store, 9)
    run = open_welcome(world.store, spec=MESSAGE_ONLY)
    PostgresLedger(world.store).assign_codes(run.run_id, contacts[:2], CODES)
    restore = world.back_up()
    world.phone.send(world.store, run, contacts)
    store = restore()
    decision(store, Rest.SENT, FreeCodes.RELEASE)
    assert states(store, run) == {"accepted": 2, "skipped": 2}
    assert require_restore(store).lifted_at is not None
    close_run(store, run.run_id)
    with pytest.raises(RestoredRunError, match="decided to be sent"):
        open_welcome(store, spec=MESSAGE_ONLY)
    with pytest.raises(RestoredRunError, match="an edition of its own"):
        open_run(store, MESSAGE_ONLY, run_key="welcome/of/then", due_at=datetime.now(timezone.utc) - timedelta(days=1))
    reconcile(store, world.phone.log())  # found after all
    assert states(store, run) == {"accepted": 4}


def test_a_run_of_its_own_decision_goes_on_and_others_wait(world: World) -> None:
    contacts = add_contacts(world.store, 2)
    add_codes(world.store, 9)
    first, second = (open_welcome(world.store, f"welcome/edition/{name}", MESSAGE_ONLY) for name in ("one", "two"))
    store = world.back_up()()
    decided = decide(store, rest=Rest.UNSENT, run_key=first.run_key, free_codes=FreeCodes.RELEASE)
    assert (decided.runs, decided.lifted) == (1, False)
    world.phone.send(store, first, contacts)
    with pytest.raises(RunHaltedError):
        world.phone.send(store, second, contacts)
    resume_run(store, second.run_key)
    with pytest.raises(RunHaltedError):
        world.phone.send(store, second, contacts)
    with pytest.raises(LedgerError, match="waits for no decision"):
        decide(store, rest=Rest.SENT, run_key=first.run_key)
    assert decide(store, rest=Rest.SENT).lifted
    close_run(store, first.run_id)
    assert not open_welcome(store, first.run_key, MESSAGE_ONLY).cancelled  # it was decided to be unsent
    with pytest.raises(LedgerError, match="is decided already"):
        decide(store, rest=Rest.SENT)


def test_new_runs_wait_until_somebody_has_decided_the_free_codes(world: World) -> None:
    contacts = add_contacts(world.store, 2)
    add_codes(world.store, 4)
    store = world.back_up()()
    late = datetime.now(timezone.utc) - timedelta(hours=1)
    with pytest.raises(RestoredRunError, match="promo db restored tells what is left"):
        open_run(store, MESSAGE_ONLY, run_key="welcome/of/then", due_at=late)
    run = open_run(store, MESSAGE_ONLY, run_key="welcome/of/now", due_at=late + timedelta(hours=2))
    with pytest.raises(RunHaltedError):
        world.phone.send(store, run, contacts)
    decide(store, free_codes=FreeCodes.RELEASE)
    world.phone.send(store, run, contacts)
    assert states(store, run) == {"accepted": 2}
    decide(store, rest=Rest.UNSENT)
    open_run(store, MESSAGE_ONLY, run_key="welcome/of/then", due_at=late, stock_policy=StockPolicy.PARTIAL)


def test_a_forgotten_run_begins_with_what_was_told_of_it(world: World) -> None:
    contacts = add_contacts(world.store, 4)
    add_codes(world.store, 9)
    restore = world.back_up()
    forgotten = open_welcome(world.store)
    world.phone.send(world.store, forgotten, contacts[:2])
    store = restore()
    told = reconcile(store, world.phone.log())
    assert (told.told, told.forgotten, told.accepted) == (2, 2, 0)
    assert (read_left(store).forgotten_sends, read_left(store).forgotten_runs) == (2, 1)
    assert free_codes(store) == 7
    decision(store, Rest.UNSENT, FreeCodes.RELEASE)
    run = open_welcome(store)
    assert run.run_id > forgotten.run_id + 1_000
    assert states(store, run) == {"accepted": 2, "pending": 2}
    world.phone.send(store, run, contacts)
    assert states(store, run) == {"accepted": 4}


def test_what_speaks_against_a_row_is_told_by_its_line_and_its_code_leaves_the_pool(world: World) -> None:
    anna, ben, carl, dora, emil, *_ = add_contacts(world.store, 5)
    codes = add_codes(world.store, 9)
    run = open_welcome(world.store, spec=MESSAGE_ONLY)
    world.phone.send(world.store, run, [anna])
    stranger = add_contacts(world.store, 1)[0]
    store = world.back_up()()
    report = reconcile(
        store,
        [
            {"contact_id": ben, "code": codes[0], "run_key": KEY},
            {"contact_id": 999_999, "code": codes[1], "run_key": KEY},
            {"contact_id": carl, "code": "NO-SUCH", "run_key": KEY},
            {"contact_id": stranger, "code": codes[2], "run_key": KEY},
            {"contact_id": anna, "code": codes[3], "run_key": KEY},
            {"contact_id": dora, "code": codes[4], "run_key": KEY},
            {"contact_id": emil, "code": codes[4], "run_key": KEY},
            {"contact_id": emil, "code": "CODE…01", "run_key": KEY},
            {"contact_id": "", "code": codes[5], "run_key": KEY},
            {"contact_id": stranger, "code": codes[6], "run_key": ""},
        ],
    )
    assert [reason for _, reason in reasons(report)] == [
        "the code is another contact's",
        "there is no such contact; load it, and reconcile the file again",
        "there is no such code; load its code file, and reconcile the file again",
        "the contact is not in the run",
        "the contact holds another code of the run",
        "the file gives the code to several contacts",
        "the file gives the code to several contacts",
        "it is masked; export the runs with --reveal",
        "it names no contact",
        "it names no run, and the contact waits in none or in several; add run_key",
    ]
    assert [line for line, _ in reasons(report)] == list(range(2, 12))
    assert (report.rows, report.told, report.rejected_count) == (10, 0, 10)
    assert free_codes(store) == 3  # codes 5, 7 and 8
    decision(store)


def test_a_code_that_went_back_since_is_whose_the_receiver_says(world: World) -> None:
    anna, ben = add_contacts(world.store, 2)
    add_codes(world.store, 1)
    run = open_welcome(world.store, spec=replace(MESSAGE_ONLY, audience=Audience(name="anna", contact_ids=(anna,))))
    PostgresLedger(world.store).assign_codes(run.run_id, [anna], CODES)
    restore = world.back_up()
    cancel_run(world.store, KEY)
    PostgresLedger(world.store).assign_codes(run.run_id, [anna], CODES)
    assert free_codes(world.store) == 1
    later = open_welcome(
        world.store, "welcome/edition/two", replace(MESSAGE_ONLY, audience=Audience(name="ben", contact_ids=(ben,)))
    )
    world.phone.send(world.store, later, [ben])
    store = restore()
    told = reconcile(store, world.phone.log())
    assert (told.told, told.forgotten, told.rejected_count) == (1, 1, 0)
    assert states(store, run) == {"pending": 1}
    decision(store, Rest.UNSENT, FreeCodes.RELEASE)
    add_codes(store, 2, prefix="NEW")
    world.phone.send(store, run, [anna])
    again = open_welcome(
        store, "welcome/edition/two", replace(MESSAGE_ONLY, audience=Audience(name="ben", contact_ids=(ben,)))
    )
    assert states(store, again) == {"accepted": 1}


def test_a_contact_who_was_given_another_code_since_has_that_one(world: World) -> None:
    contacts = add_contacts(world.store, 2)
    short = add_codes(world.store, 2, days=8)
    run = open_welcome(world.store, spec=MESSAGE_ONLY)
    PostgresLedger(world.store).assign_codes(run.run_id, contacts, CODES)
    add_codes(world.store, 2, prefix="LONG")
    restore = world.back_up()
    pass_days(world.store, 3)
    world.phone.send(world.store, run, contacts[:1])
    store = restore()
    told = reconcile(store, world.phone.log())
    assert (told.told, told.accepted, told.rejected_count) == (1, 1, 0)
    assert states(store, run) == {"accepted": 1, "unknown": 1}
    held = store.execute("select code from promo.promo_code where issued_at is not null order by code").fetchall()
    assert [row["code"] for row in held] == [short[1], "LONG-000001"]
    decision(store, Rest.UNSENT, FreeCodes.RELEASE)
    world.phone.send(store, run, contacts)
    assert states(store, run) == {"accepted": 2}


def test_a_row_may_leave_the_run_to_the_store_where_one_waits_only(world: World) -> None:
    contacts = add_contacts(world.store, 2)
    add_codes(world.store, 9)
    run = open_welcome(world.store, spec=MESSAGE_ONLY)
    restore = world.back_up()
    world.phone.send(world.store, run, contacts)
    store = restore()
    rows = [
        {"contact_id": row["contact_id"], "code": row["code"], "sent_at": "2026-01-01T10:00:00Z"}
        for row in world.phone.log()
    ]
    assert reconcile(store, rows).accepted == 2
    decision(store)


def test_an_export_is_such_a_file(world: World, dsn: str, tmp_path: Path) -> None:
    contacts = add_contacts(world.store, 3)
    add_codes(world.store, 9)
    run = open_welcome(world.store, spec=MESSAGE_ONLY)
    restore = world.back_up()
    world.phone.send(world.store, run, contacts[:2])
    PostgresLedger(world.store).assign_codes(run.run_id, contacts[2:], CODES)
    files = {name: tmp_path / name for name in ("shown.csv", "masked.csv")}
    for name, more in (("shown.csv", ["--reveal"]), ("masked.csv", [])):
        assert main(["runs", "export", KEY, "--output", str(files[name]), *more, "--dsn", dsn]) == 0
    store = restore()
    masked = reconcile_file(store, io.BytesIO(files["masked.csv"].read_bytes()), file="masked.csv")
    assert (masked.told, masked.rejected_count) == (0, 3)
    shown = reconcile_file(store, io.BytesIO(files["shown.csv"].read_bytes()), file="shown.csv")
    assert shown.accepted == 2
    assert states(store, run) == {"accepted": 2, "unknown": 1}
    decision(store)
    with pytest.raises(ToldFileError, match=r"bad.csv:1: the column 'phone' is not known"):
        reconcile_file(store, io.BytesIO(b"code,contact_id,phone\n"), file="bad.csv")


def test_closed_runs_that_were_run_again_take_up_what_was_told(world: World) -> None:
    contacts = add_contacts(world.store, 3)
    run = open_run(world.store, SPEC, run_key=KEY, stock_policy=StockPolicy.PARTIAL)
    add_codes(world.store, 1, prefix="FEW")
    make_ledger(world.store, SPEC).assign_codes(run.run_id, contacts, CODES)
    world.phone.send(world.store, run, contacts, Outcome.REFUSED)
    close_run(world.store, run.run_id)
    add_codes(world.store, 9)
    restore = world.back_up()
    again = open_run(world.store, SPEC, run_key=KEY, stock_policy=StockPolicy.PARTIAL)
    world.phone.send(world.store, again, contacts)
    store = restore()
    with pytest.raises(RestoredRunError):
        open_run(store, SPEC, run_key=KEY, stock_policy=StockPolicy.PARTIAL)
    assert reconcile(store, world.phone.log()).accepted == 3
    assert states(store, run) == {"accepted": 3}
    assert not read_run_by_key(store, KEY).closed  # their profiles are to be written
    decision(store)


@pytest.mark.parametrize(
    "spec",
    [
        replace(MESSAGE_ONLY, reuse=Reuse.SAME),
        replace(MESSAGE_ONLY, fallback=SHARED),
        replace(MESSAGE_ONLY, limits=Limits(frequency_cap="1/24h")),
    ],
    ids=["reuse", "fallback", "cap"],
)
def test_the_promises_hold_of_codes_that_are_given_again_shared_or_capped(world: World, spec: Any) -> None:  # noqa: ANN401
    contacts = add_contacts(world.store, 4)
    add_codes(world.store, 3 if spec.fallback else 8)
    first = open_run(
        world.store, replace(spec, limits=Limits()), run_key="welcome/edition/zero", stock_policy=StockPolicy.PARTIAL
    )
    world.phone.send(world.store, first, contacts[:1])
    run = open_run(world.store, spec, run_key=KEY, stock_policy=StockPolicy.PARTIAL)
    restore = world.back_up()
    world.phone.send(world.store, run, contacts)
    store = restore()
    report = reconcile(store, world.phone.log(KEY))
    assert reasons(report) == []
    assert report.accepted == len(world.phone.log(KEY)) > 2
    decision(store)


def test_a_run_that_went_beyond_its_first_share_was_let_go(world: World) -> None:
    contacts = add_contacts(world.store, 4)
    add_codes(world.store, 9)
    run = open_run(world.store, MESSAGE_ONLY, run_key=KEY, start_with=parse_start_with(1))
    restore = world.back_up()
    resumed = world.store.execute("update promo.run set let_go_at = now() where run_id = %s", [run.run_id])
    assert resumed.rowcount == 1
    world.phone.send(world.store, run, contacts)
    store = restore()
    assert reconcile(store, world.phone.log()).accepted == 4
    decision(store)


def test_paused_and_cancelled_runs_wait_too_and_are_so_again_afterwards(world: World) -> None:
    contacts = add_contacts(world.store, 2)
    add_codes(world.store, 9)
    run = open_welcome(world.store, spec=MESSAGE_ONLY)
    PostgresLedger(world.store).assign_codes(run.run_id, contacts[:1], CODES)
    pause_run(world.store, KEY)
    restore = world.back_up()
    resume_run(world.store, KEY)
    world.phone.send(world.store, run, contacts)
    store = restore()
    assert cancel_run(store, KEY).skipped == 1  # who held a code may have been sent to, and keeps it
    assert states(store, run) == {"unknown": 1, "skipped": 1}
    reconcile(store, world.phone.log())
    decision(store)
    assert states(store, run) == {"accepted": 2}


def test_events_that_waited_are_put_off(world: World) -> None:
    contacts = add_contacts(world.store, 3)
    add_codes(world.store, 9)
    listen(world.store, workflow="welcome", type_name="OrderPaid")
    arrive(world.store, contacts[:2])
    restore = world.back_up()
    store = restore()
    arrive(store, contacts[2:])
    assert refusals(store) == ["restored", "restored"]
    assert read_left(store).events == 2
    assert audience(store, drain(store, "welcome/run/now")) == contacts[2:]
    decision(store, Rest.UNSENT, FreeCodes.RELEASE)
    assert audience(store, drain(store, "welcome/run/later")) == contacts[:2]
    other = restore()
    decision(other, Rest.SENT, FreeCodes.RELEASE)
    assert refusals(other) == ["sent before a restore", "sent before a restore"]


def test_events_that_a_forgotten_run_answered_are_not_answered_again(world: World) -> None:
    anna, ben, carl = add_contacts(world.store, 3)
    add_codes(world.store, 9)
    listen(world.store, workflow="welcome", type_name="OrderPaid")
    arrive(world.store, [anna, ben, carl, anna])
    restore = world.back_up()
    forgotten = drain(world.store, "welcome/run/forgotten")
    assert forgotten is not None
    world.phone.send(world.store, forgotten, [anna, ben])
    store = restore()
    assert reconcile(store, world.phone.log()).forgotten == 2
    decision(store, Rest.UNSENT, FreeCodes.RELEASE)
    assert refusals(store) == ["sent before a restore", "sent before a restore"]
    assert audience(store, drain(store, "welcome/run/forgotten")) == [carl]
    assert audience(store, drain(store, "welcome/run/later")) == [anna]


def test_a_forgotten_run_leaves_other_events_of_its_contacts_to_others(world: World) -> None:
    contacts = add_contacts(world.store, 1)
    add_codes(world.store, 9)
    listen(world.store, workflow="welcome", type_name="OrderPaid")
    arrive(world.store, contacts * 2)
    restore = world.back_up()
    forgotten = drain(world.store, "welcome/run/forgotten")
    assert forgotten is not None
    world.phone.send(world.store, forgotten, contacts)
    store = restore()
    reconcile(store, world.phone.log())
    decision(store, Rest.UNSENT, FreeCodes.RELEASE)
    assert audience(store, drain(store, "welcome/run/forgotten")) == []
    assert audience(store, drain(store, "welcome/run/later")) == contacts


def test_what_is_told_late_stops_a_send_that_is_due(world: World) -> None:
    contacts = add_contacts(world.store, 3)
    add_codes(world.store, 9)
    run = open_welcome(world.store, spec=MESSAGE_ONLY)
    PostgresLedger(world.store).assign_codes(run.run_id, contacts[:2], CODES)
    restore = world.back_up()
    world.phone.send(world.store, run, contacts)
    store = restore()
    decision(store, Rest.UNSENT, FreeCodes.WITHDRAW)
    assert states(store, run) == {"assigned": 2, "pending": 1}
    assert reconcile(store, world.phone.log()).accepted == 3
    assert states(store, run) == {"accepted": 3}


def test_said_again_it_freezes_what_was_opened_in_between(world: World) -> None:
    contacts = add_contacts(world.store, 2)
    add_codes(world.store, 9)
    store = world.back_up()()
    first = require_restore(store)
    decide(store, free_codes=FreeCodes.RELEASE)
    run = open_welcome(store, spec=MESSAGE_ONLY)
    PostgresLedger(store).assign_codes(run.run_id, contacts[:1], CODES)
    again = say_restored(store, datetime.now(timezone.utc) - timedelta(seconds=0.001))
    assert (again.restore_id, again.restored_to, again.free_codes) == (first.restore_id, first.restored_to, None)
    assert states(store, run) == {"unknown": 1, "pending": 1}
    decision(store, Rest.UNSENT, FreeCodes.RELEASE)
    world.phone.send(store, run, contacts)
    with pytest.raises(ConfigurationError, match="is yet to come"):
        say_restored(store, datetime.now(timezone.utc) + timedelta(hours=1))
    said = [(row["action"], row["subject"]) for row in list_audit(store)]
    assert ("decide", "rest unsent, free codes release of the restored store") in said
    assert [action for action, _ in said].count("restored") == 2


def test_a_decision_alone_lets_go_what_waits(world: World) -> None:
    add_contacts(world.store, 1)
    add_codes(world.store, 2)
    open_welcome(world.store, spec=MESSAGE_ONLY)
    world.back_up()()
    with account(world.addresses[0], "sender") as sender, connect(sender) as theirs:
        for attack in (
            "update promo.store_restore set lifted_at = now(), free_codes = 'release', rest = 'unsent'",
            "update promo.restored_run set rest = 'unsent', decided_at = now()",
            "delete from promo.restored_run",
            "insert into promo.restored_send values ('k', 1, 1, 1, null, true)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                theirs.execute(attack.encode())
        assert theirs.execute("select from promo.restored_run").rowcount == 1


def test_doctor_list_and_command_tell_while_something_is_left_to_decide(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_contacts(world.store, 1)
    add_codes(world.store, 2)
    open_welcome(world.store, spec=MESSAGE_ONLY)
    world.back_up()()
    [address] = world.addresses
    assert [one.about for one in look_at_store(address, tmp_path) if one.health is Health.WRONG] == ["restore"]
    assert main(["runs", "list", "--state", "restored", "--dsn", address]) == 0
    assert KEY in capsys.readouterr().out
    assert main(["db", "restored", "--dsn", address]) == 1
    assert "2 codes that are free, or were given since" in capsys.readouterr().out
    assert main(["db", "decide", "--dsn", address]) == 2
    assert main(["db", "decide", "--rest", "sent", "--free-codes", "withdraw", "--dsn", address]) == 0
    assert "1 contacts are sent nothing more; 2 codes withdrawn; all is decided" in capsys.readouterr().out
    assert main(["db", "restored", "--dsn", address]) == 0
    assert [one for one in look_at_store(address, tmp_path) if one.health is Health.WRONG] == []
