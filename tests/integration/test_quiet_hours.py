"""Quiet hours: whose they are, when they end, and that nobody is given a code or sent anything in them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk.exceptions import TaskDeferred
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.scenario import CODES, SPEC, add_codes, add_contacts, free_codes, states, tamper
from promo_campaigns.ledger.claiming import OPEN_S
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run, read_batches, read_run
from promo_campaigns.model.errors import QuietHoursError, RunSpecChangedError
from promo_campaigns.model.limits import DAY, Limits, quiet_minutes
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run import Batch
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

NIGHT = "21:00-09:00"
QUIET = replace(SPEC, limits=Limits(quiet_hours=NIGHT, time_zone="Europe/Kyiv"), data_sources=())
KEY = "welcome/edition/quiet"
ZONES = ("Europe/Kyiv", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Chatham", "UTC")
HOURS = (NIGHT, "02:30-03:30", "01:15-02:45", "mon-fri 20:00-08:00; sat,sun 18:00-12:00", "sun 00:00-24:00")
CONTEXT: Any = {}


def set_clock(store: Connection, moment: datetime) -> None:
    """Let it be this moment, for everybody who uses this store."""
    store.execute(
        "create or replace function promo.clock() returns timestamptz language sql stable parallel safe"
        f" return timestamptz '{moment.isoformat()}'"
    )


def kyiv(hour: int, minute: int = 0, *, day: int = 10) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo("Europe/Kyiv"))


def multirange(text: str) -> str:
    return "{" + ",".join(f"[{start},{end})" for start, end in quiet_minutes(text)) + "}"


def is_quiet(stretches: Sequence[tuple[int, int]], zone: str, moment: datetime) -> bool:
    local = moment.astimezone(ZoneInfo(zone))
    minute = local.weekday() * DAY + local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in stretches)


def transitions(zone: str) -> list[datetime]:
    """Return the hours of two years in which the zone's clocks are changed."""
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    hours = [start + timedelta(hours=hour) for hour in range(2 * 365 * 24)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hour for hour, before, after in zip(hours[1:], offsets, offsets[1:], strict=False) if before != after]


MOMENTS = {
    zone: st.one_of(
        st.sampled_from(transitions(zone) or [datetime(2026, 3, 1, tzinfo=timezone.utc)]),
        st.integers(0, 365 * 24).map(lambda hour: datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(hours=hour)),
    ).flatmap(lambda near: st.integers(-36 * 3600, 12 * 3600).map(lambda seconds: near + timedelta(seconds=seconds)))
    for zone in ZONES
}


def test_quiet_hours_end_when_the_clock_on_the_wall_says_so_and_not_a_minute_later(store: Connection) -> None:
    """Any zone, any hours, at any time, and above all when clocks are changed; zoneinfo is the other witness."""

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(ZONES).flatmap(lambda zone: st.tuples(st.just(zone), MOMENTS[zone])), st.sampled_from(HOURS))
    def holds(where: tuple[str, datetime], text: str) -> None:
        zone, now = where
        row = store.execute(
            "select promo.opens_at(%s::int4multirange, %s, %s, make_interval(secs => %s)) as it",
            [multirange(text), zone, now, OPEN_S],
        ).fetchone()
        assert row is not None
        stretches = quiet_minutes(text)
        soon = timedelta(seconds=OPEN_S)
        moment = now
        while is_quiet(stretches, zone, moment) or is_quiet(stretches, zone, moment + soon):
            moment = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        assert row["it"] == moment

    holds()


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        ("21:00-03:30", "2026-03-29T00:30+02:00", "2026-03-29T04:00+03:00"),  # the clock goes from 03:00 to 04:00
        ("21:00-03:30", "2026-10-25T02:30+03:00", "2026-10-25T03:30+03:00"),  # 03:00 to 04:00 comes twice
        ("21:00-03:30", "2026-10-25T03:10+02:00", "2026-10-25T03:30+02:00"),
    ],
)
def test_an_end_that_is_left_out_is_not_waited_for_and_of_two_the_first_counts(
    store: Connection, hours: str, now: str, opens: str
) -> None:
    row = store.execute(
        "select promo.opens_at(%s::int4multirange, 'Europe/Kyiv', %s, interval '1 min') as it", [multirange(hours), now]
    ).fetchone()
    assert row is not None
    assert row["it"] == datetime.fromisoformat(opens)


def scenario(store: Connection, *, send_by: datetime | None = None) -> tuple[PostgresLedger, Run, dict[str, list[int]]]:
    """Open a run with quiet hours over two contacts at home in Kyiv, and two each in two other zones."""
    contacts = {"Europe/Kyiv": add_contacts(store, 2)}
    for zone in ("America/New_York", "Asia/Tokyo"):
        contacts[zone] = add_contacts(store, 2)
        store.execute("update promo.contact set time_zone = %s where contact_id = any(%s)", [zone, contacts[zone]])
    add_codes(store, 6, days=1000)
    return PostgresLedger(store), open_run(store, QUIET, run_key=KEY, send_by=send_by), contacts


def answer(ledger: PostgresLedger, run: Run, contact_ids: list[int]) -> list[int]:
    """Send to the contacts that are due, and return them."""
    lease = ledger.begin_messages(run.run_id, contact_ids, lease_s=120, resend_within_s=0)
    ledger.record_message_outcomes(
        lease, [DeliveryResult(contact_id=to.contact_id, outcome=Outcome.OK) for to in lease.recipients]
    )
    return [to.contact_id for to in lease.recipients]


def test_a_batch_has_one_time_zone_and_everybody_is_in_one(store: Connection) -> None:
    ledger, run, contacts = scenario(store)
    batches = read_batches(store, run, 100)
    assert {batch.zone: ledger.reachable_contacts(batch) for batch in batches} == contacts
    store.execute("update promo.contact set time_zone = 'Europe/Paris'")
    again = [ledger.reachable_contacts(Batch(**asdict(batch))) for batch in read_batches(store, run, 1)]
    assert sorted(chain.from_iterable(again)) == sorted(chain.from_iterable(contacts.values())), (
        "a zone is frozen with the audience"
    )


def test_batches_stay_below_what_airflow_maps_though_each_zone_has_a_small_one(store: Connection) -> None:
    add_contacts(store, 1800)
    store.execute("update promo.contact set time_zone = (array['Europe/Paris','Asia/Tokyo','UTC'])[contact_id % 3 + 1]")
    add_codes(store, 1800)
    run = open_run(store, QUIET, run_key=KEY)
    assert len(read_batches(store, run, 1)) <= 1000


def test_nobody_is_given_a_code_or_sent_anything_in_their_quiet_hours(store: Connection) -> None:
    set_clock(store, kyiv(12))  # 05:00 in New York, 19:00 in Tokyo
    ledger, run, contacts = scenario(store)
    everybody = sorted(chain.from_iterable(contacts.values()))
    awake = sorted(contacts["Europe/Kyiv"] + contacts["Asia/Tokyo"])
    assert [who for who, _ in ledger.assign_codes(run.run_id, everybody, CODES)] == awake
    assert free_codes(store) == 2
    with pytest.raises(QuietHoursError, match=r"2 contacts .*America/New_York.* until \d\d:\d\d:\d\d UTC") as quiet:
        ledger.require_open(run.run_id, everybody)
    assert quiet.value.wait_s == 4 * 3600
    set_clock(store, kyiv(16))  # 09:00 in New York, 23:00 in Tokyo
    ledger.assign_codes(run.run_id, everybody, CODES)
    assert answer(ledger, run, everybody) == sorted(contacts["Europe/Kyiv"] + contacts["America/New_York"])
    with pytest.raises(QuietHoursError, match="Asia/Tokyo"):
        ledger.require_open(run.run_id, everybody)
    set_clock(store, kyiv(2, day=11))  # 09:00 in Tokyo
    assert answer(ledger, run, everybody) == contacts["Asia/Tokyo"]
    ledger.require_open(run.run_id, everybody)
    assert check_invariants(store) == []


def test_no_intent_is_committed_when_calls_could_begin_in_quiet_hours(store: Connection) -> None:
    set_clock(store, kyiv(20, 58))
    ledger, run, contacts = scenario(store)
    home = contacts["Europe/Kyiv"]
    ledger.assign_codes(run.run_id, home, CODES)
    set_clock(store, kyiv(20, 59))
    assert answer(ledger, run, home) == []
    with pytest.raises(QuietHoursError) as quiet:
        ledger.require_open(run.run_id, home)
    assert quiet.value.wait_s == 12 * 3600 + 60


def test_contacts_in_quiet_hours_until_the_deadline_are_skipped_and_take_no_code(store: Connection) -> None:
    set_clock(store, kyiv(12))
    ledger, run, contacts = scenario(store, send_by=kyiv(15))
    everybody = sorted(chain.from_iterable(contacts.values()))
    ledger.assign_codes(run.run_id, everybody, CODES)
    ledger.require_open(run.run_id, everybody)
    assert states(store, run) == {"assigned": 4, "skipped": 2}
    set_clock(store, kyiv(14, 30))  # 21:30 in Tokyo, with codes in hand
    assert answer(ledger, run, everybody) == contacts["Europe/Kyiv"]
    tally = close_run(store, run.run_id).tally
    assert (tally.given, tally.waiting) == (2, 0)
    assert tally.skipped == tally.expired == {"quiet hours past the deadline": 2}
    assert free_codes(store) == 4
    assert check_invariants(store) == []


def test_a_code_that_fell_short_in_the_night_is_exchanged_in_the_morning(store: Connection) -> None:
    set_clock(store, kyiv(20))
    ledger, run, contacts = scenario(store)
    home = contacts["Europe/Kyiv"]
    ledger.assign_codes(run.run_id, home, CODES)
    tamper(
        store, "update promo.promo_code set expires_at = promo.clock() + interval '1 day' where issued_at is not null"
    )
    set_clock(store, kyiv(23))
    assert answer(ledger, run, home) == []
    assert states(store, run) == {"assigned": 2, "pending": 4}
    set_clock(store, kyiv(9, day=11))
    assert answer(ledger, run, home) == home
    assert check_invariants(store) == []


def test_other_quiet_hours_make_another_definition(store: Connection) -> None:
    scenario(store)
    changed = replace(QUIET, limits=replace(QUIET.limits, quiet_hours="22:00-08:00"))
    for spec in (changed, SPEC):
        with pytest.raises(RunSpecChangedError, match="limits"):
            open_run(store, replace(spec, data_sources=()), run_key=KEY)
    assert read_run(store, open_run(store, QUIET, run_key=KEY).run_id).spec == QUIET


def test_a_run_without_limits_has_the_digest_it_always_had(store: Connection) -> None:
    assert "limits" not in SPEC.as_dict()
    add_contacts(store, 1)
    run = open_run(store, replace(SPEC, codes=replace(CODES, days=0)), run_key=KEY) if add_codes(store, 1) else None
    assert run is not None
    assert [batch.zone for batch in read_batches(store, run, 10)] == [None]


def test_the_blocks_wait_for_the_end_of_quiet_hours_in_the_triggerer(
    store: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    set_clock(store, kyiv(22))
    _, run, contacts = scenario(store)
    home = contacts["Europe/Kyiv"]
    handed = {"run_id": run.run_id, "contact_ids": home, "codes": []}
    code = GetPromoCodeOperator(task_id="code", contacts=handed, days=7, type="Welcome", discount=10)
    assert waits(lambda: code.execute(CONTEXT)) == pytest.approx(11 * 3600, abs=60)
    assert free_codes(store) == 6
    set_clock(store, kyiv(9, day=11))
    assigned = code.resume(CONTEXT)
    set_clock(store, kyiv(22, day=11))
    message = SendMessageOperator(task_id="message", assignments=assigned, message="promo_push")
    assert waits(lambda: asyncio.run(message.aexecute(CONTEXT))) == pytest.approx(11 * 3600, abs=60)
    set_clock(store, kyiv(9, day=12))
    assert asyncio.run(message.aexecute(CONTEXT))["contact_ids"] == home


def waits(run: Any) -> float:  # noqa: ANN401  (whatever a block returns)
    """Return the seconds for which a block defers itself."""
    with pytest.raises(TaskDeferred) as deferred:
        run()
    trigger = deferred.value.trigger
    assert isinstance(trigger, TimeDeltaTrigger)
    assert deferred.value.method_name == "resume"
    return float((trigger.moment - trigger.moment.now(trigger.moment.tzinfo)).total_seconds())
