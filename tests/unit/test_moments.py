"""The moments of requests, as shops and clients of the vendor write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from promo_campaigns.profile_api.moments import parse_moment

DAY = datetime(2026, 5, 14, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("2026-05-14", timedelta()),
        ("2026-05-14T10:11", timedelta(hours=10, minutes=11)),
        (" 2026-05-14 10:11:12 ", timedelta(hours=10, minutes=11, seconds=12)),
        ("2026-05-14T10:11:10.7022176+03:00", timedelta(hours=7, minutes=11, seconds=10, microseconds=702217)),
        ("2026-05-14T10:11:10.5Z", timedelta(hours=10, minutes=11, seconds=10, microseconds=500000)),
        ("2026-05-14T10:11-0230", timedelta(hours=12, minutes=41)),
    ],
)
def test_a_moment_is_read_with_its_zone_or_in_utc(text: str, after: timedelta) -> None:
    assert parse_moment(text) == DAY + after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "14.05.2026",
        "2026-13-01",
        "2026-05-14T25:00",
        "0001-01-01T00:00+14:00",
        "2026-05-14T10:11+99:00",
    ],
)
def test_what_is_no_moment_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="expected a date"):
        parse_moment(text)
