"""Confidence intervals of 95 %, for proportions and means.

Proportions: Wilson's score interval, and Newcombe's interval for the difference of two, which is made of them (R. G.
Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven methods,
Statistics in Medicine 17, 1998, 873-890, method 10). Means: the normal approximation with a variance for each group,
which is for groups of some hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % confidence interval."""

    estimate: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero."""
        return not self.low <= 0 <= self.high


def proportion(count: int, of: int) -> Interval:
    """Return a proportion with Wilson's score interval; the group must not be empty."""
    share, square = count / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    # At the ends the bound is the end itself, which rounding may miss.
    low = 0.0 if count == 0 else max(0.0, middle - half)
    return Interval(share, low, 1.0 if count == of else min(1.0, middle + half))


def difference(one: Interval, other: Interval) -> Interval:
    """Return the difference of two proportions, with the interval of Newcombe's method 10."""
    estimate = one.estimate - other.estimate
    low = estimate - hypot(one.estimate - one.low, other.high - other.estimate)
    high = estimate + hypot(one.high - one.estimate, other.estimate - other.low)
    return Interval(estimate, low, high)


def mean_difference(one: tuple[float, float, int], other: tuple[float, float, int]) -> Interval:
    """Return the difference of two means, each given with the variance and the size of its sample."""
    (mean, variance, size), (other_mean, other_variance, other_size) = one, other
    estimate, half = mean - other_mean, _Z * sqrt(variance / size + other_variance / other_size)
    return Interval(estimate, estimate - half, estimate + half)
