"""Quiet hours and frequency caps as their authors write them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.limits import DAY, LEAST_OPEN, WEEK, Cap, Limits, parse_cap, parse_limits, quiet_minutes

HOUR = 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIMES = st.integers(0, DAY - 1)
CLAUSES = st.tuples(st.sampled_from(DAYS), TIMES, TIMES).filter(lambda clause: clause[1] != clause[2])


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def minutes(stretches: list[tuple[int, int]]) -> set[int]:
    return {minute for start, end in stretches for minute in range(start, end)}


@given(st.lists(CLAUSES, min_size=1, max_size=8))
def test_quiet_minutes_are_those_of_the_days_that_are_named(clauses: list[tuple[str, int, int]]) -> None:
    text = "; ".join(f"{day} {clock(start)}-{clock(end)}" for day, start, end in clauses)
    expected = {
        (DAYS.index(day) * DAY + start + step) % WEEK
        for day, start, end in clauses
        for step in range((end - start) % DAY)
    }
    stretches = quiet_minutes(text)
    assert minutes(stretches) == expected
    assert all(before[1] < after[0] for before, after in pairwise(stretches))


def test_hours_without_a_day_are_those_of_every_day() -> None:
    assert minutes(quiet_minutes("21:00-09:00")) == {
        day * DAY + minute for day in range(7) for minute in [*range(9 * HOUR), *range(21 * HOUR, DAY)]
    }


def test_days_may_be_listed_and_span_the_weekend() -> None:
    assert minutes(quiet_minutes("sat-mon,wed 10:00-11:00")) == {
        day * DAY + 10 * HOUR + minute for day in (5, 6, 0, 2) for minute in range(60)
    }
    assert quiet_minutes("sun 00:00-24:00") == [(6 * DAY, WEEK)]


@pytest.mark.parametrize(
    "text",
    ["", "night", "21-9", "21:00", "25:00-09:00", "21:60-09:00", "24:00-09:00", "09:00-09:00", "noday 21:00-09:00",
     "mon- 21:00-09:00", "21:00-09:00;", "21:00-09:00, 10:00-11:00"],
)  # fmt: skip
def test_what_are_no_quiet_hours_is_refused_with_the_form_they_have(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"quiet_hours must be hours such as 21:00-09:00"):
        quiet_minutes(text)


@pytest.mark.parametrize("text", ["00:00-24:00", "12:00-11:55"])
def test_quiet_hours_must_leave_some_time(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"quiet_hours must leave at least {LEAST_OPEN} minutes"):
        quiet_minutes(text)


@pytest.mark.parametrize(
    ("text", "cap"),
    [
        ("3/7d", Cap(messages=3, hours=168)),
        ("1/24h", Cap(messages=1, hours=24)),
        ("1000/366d", Cap(messages=1000, hours=8784)),
    ],
)
def test_a_cap_is_messages_in_days_or_hours(text: str, cap: Cap) -> None:
    assert parse_cap(text) == cap


@pytest.mark.parametrize("text", ["", "3", "3/7", "3/7w", "0/7d", "3/0d", "3/367d", "1001/1d", "-1/7d", "3 per 7d"])
def test_what_is_no_cap_is_refused_with_the_form_it_has(text: str) -> None:
    with pytest.raises(ConfigurationError, match="frequency_cap must be messages per days or hours such as 3/7d"):
        parse_cap(text)


@pytest.mark.parametrize("zone", ["", "Kyiv", "Europe/Atlantis", "../etc/passwd", "+02:00"])
def test_what_is_no_time_zone_is_refused_by_name(zone: str) -> None:
    with pytest.raises(ConfigurationError, match="time_zone must be an IANA name such as Europe/Kyiv"):
        parse_limits(quiet_hours="", time_zone=zone, frequency_cap="")


def test_limits_are_kept_as_written_but_for_blanks_and_case() -> None:
    limits = parse_limits(quiet_hours=" Mon-Fri  21:00 - 09:00 ", time_zone="Europe/Kyiv", frequency_cap=" 3 / 7D ")
    assert limits == Limits(quiet_hours="mon-fri 21:00 - 09:00", time_zone="Europe/Kyiv", frequency_cap="3/7d")
    assert parse_limits(quiet_hours="", time_zone="Europe/Kyiv", frequency_cap="") == Limits()
