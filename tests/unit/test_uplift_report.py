"""The arithmetic of uplift: published figures, exact coverage, and a report that says what it knows."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import cache
from math import comb, isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.uplift.intervals import Interval, difference, mean_difference, proportion
from promo_campaigns.uplift.report import Arm, Conversions, UpliftReport

SHARES = st.integers(1, 10**7).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size)))
CHANCES = st.floats(0, 1).map(lambda chance: round(chance, 6))


def rounded(interval: Interval) -> tuple[float, float]:
    return round(interval.low, 4), round(interval.high, 4)


@pytest.mark.parametrize(
    ("count", "size", "bounds"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_a_share_has_the_published_bounds(count: int, size: int, bounds: tuple[float, float]) -> None:
    """Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3."""
    assert rounded(proportion(count, size)) == bounds


@pytest.mark.parametrize(
    ("one", "other", "bounds"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((0, 10), (0, 10), (-0.2775, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1)),
        ((10, 10), (0, 10), (0.6075, 1)),
    ],
)
def test_a_difference_has_the_published_bounds(
    one: tuple[int, int], other: tuple[int, int], bounds: tuple[float, float]
) -> None:
    """Newcombe, Interval estimation for the difference between independent proportions, 1998, table II, method 10."""
    assert rounded(difference(proportion(*one), proportion(*other))) == bounds


@cache
def coverage(sizes: tuple[int, int], chances: tuple[float, float]) -> float:
    """Return how often the interval holds the true difference: the sum over everything that can happen."""
    (size, other_size), (chance, other_chance) = sizes, chances
    true = chance - other_chance
    shares = [(proportion(count, size), likelihood(count, size, chance)) for count in range(size + 1)]
    others = [(proportion(n, other_size), likelihood(n, other_size, other_chance)) for n in range(other_size + 1)]
    held = 0.0
    for share, weight in shares:
        for other, other_weight in others:
            found = difference(share, other)
            held += weight * other_weight * (found.low - 1e-12 <= true <= found.high + 1e-12)
    return held


def likelihood(count: int, size: int, chance: float) -> float:
    return comb(size, count) * chance**count * (1 - chance) ** (size - count)


@given(sizes=st.tuples(st.integers(10, 50), st.integers(10, 50)), chances=st.tuples(CHANCES, CHANCES))
def test_the_interval_holds_the_truth_about_as_often_as_it_says(
    sizes: tuple[int, int], chances: tuple[float, float]
) -> None:
    """Of single points the published least is 0.867."""
    assert coverage(sizes, chances) > 0.86


def test_on_the_average_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    grid = [n / 10 for n in range(1, 10)]
    found = [coverage((40, 20), (chance, other)) for chance in grid for other in grid]
    assert 0.945 < sum(found) / len(found) < 0.965


@given(SHARES, SHARES)
def test_a_difference_is_within_its_bounds_and_turns_with_its_sides(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    found, turned = (difference(proportion(*a), proportion(*b)) for a, b in ((one, other), (other, one)))
    assert -1 - 1e-9 <= found.low <= found.estimate <= found.high <= 1 + 1e-9
    assert isclose(found.low, -turned.high, abs_tol=1e-12)
    assert isclose(found.estimate, -turned.estimate, abs_tol=1e-12)


@given(SHARES, SHARES, st.integers(2, 100))
def test_more_contacts_of_the_same_rates_say_more(one: tuple[int, int], other: tuple[int, int], times: int) -> None:
    few = difference(proportion(*one), proportion(*other))
    many = difference(*(proportion(count * times, size * times) for count, size in (one, other)))
    assert many.high - many.low < few.high - few.low


def test_a_difference_of_means_goes_by_the_variance_of_each() -> None:
    found = mean_difference((10.0, 400.0, 100), (4.0, 900.0, 300))
    assert (found.estimate, round(found.high - found.estimate, 4)) == (6.0, round(1.959964 * 7**0.5, 4))


def report_of(**arms: Arm) -> UpliftReport:
    return UpliftReport(
        subject="run welcome/edition/*one*",
        conversions=str(Conversions(name="OrderPaid")),
        within_s=14 * 86400,
        runs=1,
        waiting=3,
        mixed=2,
        open_until=datetime(2026, 12, 24, 18, 30, tzinfo=timezone.utc),
        arms={name: arms.get(name, Arm()) for name in ("treated", "intended", "held_out")},
    )


def test_the_report_is_a_table_and_what_it_says() -> None:
    told = report_of(
        treated=Arm(contacts=8000, converted=560, value=11200.0, variance=900.0),
        intended=Arm(contacts=9000, converted=600, value=12000.0, variance=900.0),
        held_out=Arm(contacts=1000, converted=48, value=960.0, variance=900.0),
    ).as_markdown()
    lines = told.splitlines()
    assert lines[0] == "**run welcome/edition/\\*one\\***: events OrderPaid within 14 days"
    assert "| given a code | 8,000 | 560 | 7.00% | 6.46% to 7.58% | 11,200.00 |" in lines
    assert "| held out | 1,000 | 48 | 4.80% | 3.64% to 6.31% | 960.00 |" in lines
    assert "Given a code against held out: +2.20 percentage points (95 %: +0.60 to +3.50)." in told
    assert "Meant to get one against held out: +1.87 percentage points" in told
    assert "Value a contact, given a code against held out: +0.44 (95 %: -1.53 to +2.41)." in told
    assert "(intention to treat)" in told
    assert "3 contacts have no outcome yet" in told
    assert "2 contacts were held out of some runs only" in told
    assert "until 2026-12-24 18:30 UTC" in told


def test_a_difference_that_may_be_chance_says_so() -> None:
    told = report_of(treated=Arm(contacts=100, converted=7), held_out=Arm(contacts=100, converted=5)).as_markdown()
    assert "+2.00 percentage points (95 %: -5.13 to +9.32), which may be chance." in told


def test_without_anybody_held_out_nothing_is_compared() -> None:
    report = report_of(treated=Arm(contacts=100, converted=7), intended=Arm(contacts=100, converted=7))
    assert "There is nothing to compare" in report.as_markdown()
    assert report.as_dict()["treated"]["uplift"] is None


@given(st.lists(SHARES, min_size=3, max_size=3), st.booleans())
def test_the_report_is_plain_json_whatever_was_counted(shares: list[tuple[int, int]], valued: bool) -> None:  # noqa: FBT001  (drawn)
    more: dict[str, Any] = {"value": 0.0, "variance": None} if valued else {}
    names = ("treated", "intended", "held_out")
    arms = {name: Arm(contacts=size, converted=n, **more) for name, (n, size) in zip(names, shares, strict=True)}
    told = json.loads(json.dumps(report_of(**arms).as_dict(), allow_nan=False))
    assert told["treated"]["uplift"]["low"] <= told["treated"]["uplift"]["high"]
    assert report_of(**arms).as_markdown()
