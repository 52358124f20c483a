"""Run keys and idempotency keys."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.model.run import Purpose
from promo_campaigns.model.run_key import idempotency_key, joint_key, run_key

NINE = datetime(2026, 10, 25, 9, tzinfo=timezone.utc)


def key(run_type: str = "manual", logical_date: datetime | None = NINE, edition: str = "", run_id: str = "r1") -> str:
    return run_key(workflow="w", run_type=run_type, logical_date=logical_date, edition=edition, run_id=run_id)


def test_a_backfill_is_the_scheduled_run_of_its_date() -> None:
    assert key("scheduled", run_id="scheduled__x") == key("backfill", run_id="backfill__y") == "w/2026-10-25T09:00:00Z"


def test_two_clicks_that_name_one_edition_are_one_send() -> None:
    assert key("manual", edition="spring", run_id="a") == key("manual", None, edition="spring", run_id="b")


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
def test_an_edition_joins_no_two_dates_into_one_send(run_type: str) -> None:
    dates = [NINE + timedelta(days=day) for day in range(3)]
    assert len({key(run_type, date, edition="spring") for date in dates}) == 3
    assert key("scheduled", edition="spring") == key("backfill", edition="spring") != key("backfill")


def test_a_manual_run_is_itself() -> None:
    assert key("manual", run_id="a") != key("manual", run_id="b")
    assert key("asset_triggered", logical_date=None) == "w/run/r1"


@pytest.mark.parametrize("zone", ["Europe/Kyiv", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_an_occurrence_is_an_instant_whatever_the_zone(zone: str) -> None:
    assert key("scheduled", NINE.astimezone(ZoneInfo(zone))) == key("scheduled", NINE)


def test_both_hours_of_a_fold_are_their_own_occurrence() -> None:
    first = datetime(2026, 10, 25, 3, 30, tzinfo=ZoneInfo("Europe/Kyiv"))
    assert key("scheduled", first) != key("scheduled", first.replace(fold=1))
    assert first.replace(fold=1).astimezone(timezone.utc) - first.astimezone(timezone.utc) == timedelta(hours=1)


@given(st.text(min_size=1), st.integers(1, 2**63 - 1), st.text(min_size=1), st.integers(1, 2**63 - 1))
def test_idempotency_keys_differ_exactly_where_their_parts_do(run: str, who: int, other_run: str, other: int) -> None:
    one, two = (run, who), (other_run, other)
    keys = {
        idempotency_key(*pair, purpose, source=source)
        for pair in (one, two)
        for purpose in Purpose
        for source in (0, 1)
    }
    assert len(keys) == (6 if one == two else 12)


@given(st.text(min_size=1), st.integers(1, 2**63 - 1), st.integers(0, 9), st.integers(0, 3))
def test_keys_are_uuids_of_names(run: str, who: int, resend_counter: int, source: int) -> None:
    """A key is remembered by receivers, so it may never be reckoned otherwise."""
    namespace = uuid.UUID("8f6d6c1e-6f0e-4b57-9a55-0d3a4c8b7e21")
    key = idempotency_key(run, who, Purpose.MESSAGE, resend_counter, source=source)
    name = f"{run}\0{who}\0message" + f"\0{resend_counter}" * bool(resend_counter) + f"\0source {source}" * bool(source)
    assert key == str(uuid.uuid5(namespace, name))
    joint = str(uuid.uuid5(namespace, "\0".join(sorted([key, name]))))
    assert joint_key([key, name]) == joint_key([name, key]) == joint
