"""The report of an uplift as a frame: one row an arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.frames.columns import FrameColumn, make_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd  # type: ignore[import-untyped]  # it has no types here

    from promo_campaigns.uplift.intervals import Interval
    from promo_campaigns.uplift.report import UpliftReport

_INTERVALS = ("rate", "uplift", "value_uplift")
_COLUMNS = (
    FrameColumn("arm", "word", ("treated", "intended", "held_out")),
    FrameColumn("contacts", "number"),
    FrameColumn("converted", "number"),
    FrameColumn("value", "share"),
    *(FrameColumn(f"{name}{end}", "share") for name in _INTERVALS for end in ("", "_low", "_high")),
)


def uplift_frame(report: UpliftReport) -> pd.DataFrame:
    """Return a row for each arm, each interval as three columns: the estimate, and its bounds at 95 %."""
    frame = make_frame(_COLUMNS, _rows(report))
    frame.attrs["report"] = report.as_dict()
    return frame


def _rows(report: UpliftReport) -> Iterator[list[object]]:
    held_out = report.arms["held_out"]
    for name, arm in report.arms.items():
        told = [arm.rate, None, None] if arm is held_out else [arm.rate, arm.above(held_out), arm.worth_above(held_out)]
        bounds = [number for interval in told for number in _numbers(interval)]
        yield [name, arm.contacts, arm.converted, arm.value, *bounds]


def _numbers(interval: Interval | None) -> tuple[float | None, float | None, float | None]:
    return (interval.estimate, interval.low, interval.high) if interval else (None, None, None)
