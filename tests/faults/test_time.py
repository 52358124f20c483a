"""Time: schedules at the changes of the clock, in seven zones, and workers whose own clock is wrong."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise, product
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from faults.kill_scenario import REACHABLE, Scenario, Truth, jump, make_scenario, violations
from faults.kill_worker import FAILED, Job
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import open_run, read_batches
from promo_campaigns.model.run import LEASE_S, Mode
from promo_campaigns.model.run_key import run_key
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

ZONES = (
    "UTC",
    "Europe/Kyiv",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
)
YEARS = (2025, 2026)
STILL = datetime(2026, 3, 29, 1, tzinfo=timezone.utc)
"""Looked at in zones that never change their clock."""
SKEWS_S = (600.0, -600.0)


def changes(zone: str) -> list[datetime]:
    """Return when a zone's clock changes, in UTC."""
    here = ZoneInfo(zone)
    hours = [datetime(YEARS[0], 1, 1, tzinfo=timezone.utc) + timedelta(hours=n) for n in range(2 * 365 * 24)]
    found = [
        after
        for before, after in pairwise(hours)
        if before.astimezone(here).utcoffset() != after.astimezone(here).utcoffset()
    ]
    return found or [STILL]


def crons(zone: str, change: datetime) -> dict[str, str]:
    """Return a daily schedule at a time that the change skips or repeats, an hourly and a quarter-hourly one."""
    inside = (change - timedelta(minutes=1)).astimezone(ZoneInfo(zone)) + timedelta(minutes=16)
    return {"daily": f"{inside.minute} {inside.hour} * * *", "hourly": "30 * * * *", "quarterly": "*/15 * * * *"}


CASES = [
    pytest.param(zone, change, kind, timetable, id=f"{zone} {change:%Y-%m-%d} {kind} {timetable}")
    for zone in ZONES
    for change in changes(zone)
    for kind, timetable in product(("daily", "hourly", "quarterly"), ("trigger", "interval"))
]


def logical_dates(timetable: str, cron: str, zone: str, change: datetime) -> list[datetime]:
    """Return what Airflow's own timetable makes of the days around a change."""
    import pendulum
    from airflow.timetables.base import TimeRestriction
    from airflow.timetables.interval import CronDataIntervalTimetable
    from airflow.timetables.trigger import CronTriggerTimetable

    table = (CronTriggerTimetable if timetable == "trigger" else CronDataIntervalTimetable)(cron, timezone=zone)
    earliest, latest = (pendulum.instance(change + timedelta(days=days)) for days in (-3, 3))
    restriction = TimeRestriction(earliest=earliest, latest=latest, catchup=True)
    dates: list[datetime] = []
    last = None
    while info := table.next_dagrun_info(last_automated_data_interval=last, restriction=restriction):
        assert info.logical_date is not None
        dates.append(info.logical_date)
        last = info.data_interval
    return dates


def key_of(date: datetime, run_type: str = "scheduled") -> str:
    return run_key(workflow="w", run_type=run_type, logical_date=date, edition="", run_id="whatever")


@pytest.mark.parametrize(("zone", "change", "kind", "timetable"), CASES)
def test_no_occurrence_is_doubled_or_merged_at_a_change_of_the_clock(
    zone: str, change: datetime, kind: str, timetable: str
) -> None:
    here = ZoneInfo(zone)
    dates = logical_dates(timetable, crons(zone, change)[kind], zone, change)
    keys = [key_of(date) for date in dates]
    assert len(set(keys)) == len(dates) == len({date.timestamp() for date in dates})
    assert keys == sorted(keys)
    for date in dates:
        told = {key_of(date.astimezone(elsewhere)) for elsewhere in (here, timezone.utc, timezone(timedelta(hours=-9)))}
        assert told | {key_of(date, "backfill")} == {key_of(date)}
    if kind == "daily":
        days = Counter(date.astimezone(here).date() for date in dates)
        assert set(days.values()) == {1}
        assert len(days) >= 5


@pytest.fixture
def store(dsn: str) -> Iterator[Connection]:
    """Return a connection to a fresh store."""
    with connect(dsn) as connection:
        yield connection


def test_the_hour_that_comes_twice_is_two_runs_and_each_is_found_again(store: Connection) -> None:
    scenario = make_scenario(store, "inbox", "twice")
    store.execute("update promo.promo_code set type = 'other'")
    change = next(date for date in changes("Europe/Berlin") if date.month == 10)
    dates = [date for date in logical_dates("trigger", "30 * * * *", "Europe/Berlin", change) if date.hour in {0, 1}]
    nobody = replace(scenario.spec, audience=replace(scenario.spec.audience, contact_ids=(scenario.people[-1],)))
    runs = [open_run(store, nobody, run_key=key_of(date), mode=Mode.PROFILES).run_id for date in dates]
    assert len(set(runs)) == len(dates)
    again = [open_run(store, nobody, run_key=key_of(date, "backfill"), mode=Mode.PROFILES).run_id for date in dates]
    assert again == runs


@pytest.fixture
def skewed(
    dsn: str, store: Connection, receiver: Receiver, tmp_path: Path
) -> Callable[..., tuple[int, Scenario, Truth]]:
    """Return a function that has a worker with a wrong clock do a batch; codes are about to run out, or just have."""

    def run(
        skew_s: float, *, send_by_s: float | None = None, before: Callable[[Scenario], None] = lambda _: None
    ) -> tuple[int, Scenario, Truth]:
        made = make_scenario(store, "keyed", "SKEW")
        scenario = replace(made, spec=replace(made.spec, codes=replace(made.spec.codes, days=0)))
        store.execute(
            "update promo.promo_code"
            " set expires_at = promo.clock() + interval '5 min' * case when line <= 3 then -1 else 1 end"
        )
        truth = Truth(way="keyed", refused=scenario.refused)
        receiver.answer = truth.answer
        before(scenario)
        row = store.execute("select promo.clock() as now").fetchone()
        assert row is not None
        send_by = None if send_by_s is None else row["now"] + timedelta(seconds=send_by_s)
        job = Job(
            dsn=dsn,
            receiver_url=receiver.url,
            way="keyed",
            spec=scenario.spec,
            run_key=scenario.run_key,
            progress=tmp_path / "progress",
            send_by=send_by,
        )
        done = subprocess.run(
            [sys.executable, "-m", "faults.skewed_worker", str(skew_s)],
            input=pickle.dumps(job),
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        assert abs(float(done.stdout) - skew_s) < 1
        return done.returncode, scenario, truth

    return run


@pytest.mark.parametrize("skew_s", SKEWS_S)
def test_a_wrong_clock_sends_everybody_in_time_once_a_code_that_is_valid(
    store: Connection, skewed: Callable[..., tuple[int, Scenario, Truth]], skew_s: float
) -> None:
    code, scenario, truth = skewed(skew_s, send_by_s=300)
    assert code == 0
    assert len(truth.messages) == REACHABLE - 1
    assert violations(store, scenario, truth) == []


@pytest.mark.parametrize("skew_s", SKEWS_S)
def test_a_wrong_clock_sends_nobody_anything_late(
    store: Connection, skewed: Callable[..., tuple[int, Scenario, Truth]], skew_s: float
) -> None:
    code, scenario, truth = skewed(skew_s, send_by_s=-300)
    assert code == 0
    assert truth.copies == 0
    rows = store.execute("select distinct state::text as state from promo.assignment").fetchall()
    assert {row["state"] for row in rows} == {"expired", "skipped"}
    assert scenario.people


@pytest.mark.parametrize("skew_s", SKEWS_S)
@pytest.mark.parametrize("over", [False, True])
def test_a_wrong_clock_neither_breaks_a_lease_nor_waits_for_one_that_is_over(
    store: Connection,
    skewed: Callable[..., tuple[int, Scenario, Truth]],
    skew_s: float,
    over: bool,  # noqa: FBT001  (the case)
) -> None:
    def lease_to_somebody(scenario: Scenario) -> None:
        run = open_run(store, scenario.spec, run_key=scenario.run_key)
        (batch,) = read_batches(store, run, 100)
        ledger = PostgresLedger(store)
        contacts = ledger.reachable_contacts(batch)
        ledger.assign_codes(run.run_id, contacts, scenario.spec.codes)
        ledger.begin_messages(run.run_id, contacts, lease_s=LEASE_S, resend_within_s=0)
        if over:
            jump(store, LEASE_S + 1)

    code, scenario, truth = skewed(skew_s, before=lease_to_somebody)
    if over:
        assert code == 0
        assert violations(store, scenario, truth) == []
    else:
        assert code == FAILED
        assert truth.copies == 0
