"""When a code expires."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.code_files.expiration_date import NEVER, expires_at, pool_time_zone
from promo_campaigns.model.errors import ConfigurationError

NEW_YORK = pool_time_zone("America/New_York")
KYIV = pool_time_zone("Europe/Kyiv")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-01-31", "2030-01-31T22:00:00+00:00"),
        ("2030.01.31", "2030-01-31T22:00:00+00:00"),
        ("2030-01-31T23:59", "2030-01-31T21:59:00+00:00"),
        ("2030-01-31T23:59:30", "2030-01-31T21:59:30+00:00"),
        ("2030-12-31", "2030-12-31T22:00:00+00:00"),
        ("2028-02-29", "2028-02-29T22:00:00+00:00"),
    ],
)
def test_the_four_formats_are_read_in_the_zone_and_a_day_is_valid_to_its_end(text: str, moment: str) -> None:
    assert expires_at(text, KYIV).isoformat() == moment


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2027-03-14T02:30", "America/New_York", "2027-03-14T07:30:00+00:00"),  # skipped: it is 03:30 then
        ("2027-11-07T01:30", "America/New_York", "2027-11-07T05:30:00+00:00"),  # twice: the first, in summer time
        ("2027-04-29", "Africa/Cairo", "2027-04-29T22:00:00+00:00"),  # the next midnight is skipped
    ],
)
def test_a_time_in_a_gap_moves_forward_and_of_two_the_first_is_meant(text: str, zone: str, moment: str) -> None:
    assert expires_at(text, pool_time_zone(zone)).isoformat() == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "31/01/2030",
        "2030-1-31",
        "2030-01-32",
        "2030-02-29",
        "2030-01-31 23:59",
        "2030-01-31T24:00",
        "2030-01-31T23:59Z",
        "2030-01-31T23:59:60",
        "2030.01.31T23:59",
        "2030-01.31",
        "20300131",
        "２０３０-01-31",  # noqa: RUF001  (full-width digits)
        "0000-01-01",
        "2030-01-31\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        expires_at(text, KYIV)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize("text", ["9999-12-31", "9999.12.31", "9999-12-31T00:00", "9999-12-31T23:59:59"])
def test_the_last_day_of_the_calendar_means_never_and_is_that_day_in_every_zone(text: str, zone: str) -> None:
    moment = expires_at(text, pool_time_zone(zone))
    assert moment == NEVER
    assert moment.astimezone(pool_time_zone(zone)).date() == date.max


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_ends_of_the_calendar_are_refused_and_never_overflow(zone: str) -> None:
    for text in ("0001-01-01T00:00", "9999-12-31T23:59"):
        try:
            moment = expires_at(text, pool_time_zone(zone))
        except ValueError:
            continue
        assert moment.tzinfo == timezone.utc


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001  (wall-clock times)
def test_a_later_wall_clock_time_never_expires_earlier_than_an_hour_before(local: datetime) -> None:
    text, later = (moment.strftime("%Y-%m-%dT%H:%M:%S") for moment in (local, local + timedelta(hours=2)))
    assert expires_at(later, NEW_YORK) - expires_at(text, NEW_YORK) >= timedelta(hours=1)


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "Europe", "UTC\0"])
def test_a_zone_that_does_not_exist_is_said_so(name: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no time zone"):
        pool_time_zone(name)
