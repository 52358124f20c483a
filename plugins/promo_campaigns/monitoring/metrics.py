"""The metrics of the product: their names, what each counts, and a measurement of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from promo_campaigns.model.run_report import RunReport

_LONGEST_MEMBER = 100
"""Letters of a type's or workflow's name in that of a metric; OpenTelemetry takes 255 in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Something that is measured.

    :param name: as Airflow's stats are told it; they put their own prefix before it
    :param kind: a gauge says how much there is now, a counter how much was added
    :param each: what there is one of for each: ``type`` or ``workflow``; its name follows that of the metric
    :param meaning: what the number says
    :param told_by: the block that tells it
    """

    name: str
    kind: Literal["gauge", "counter"]
    each: str = ""
    meaning: str
    told_by: str = "WatchCampaignsOperator"


FREE_CODES = Metric(
    name="promo.codes.free", kind="gauge", each="type", meaning="codes of the type that can be given out now"
)
UNKNOWN_SENDS = Metric(name="promo.sends.unknown", kind="gauge", meaning="sends whose outcome nobody knows")
OPEN_RUNS = Metric(name="promo.runs.open", kind="gauge", meaning="runs that are not closed")
OLDEST_WAIT = Metric(
    name="promo.runs.oldest_wait_s",
    kind="gauge",
    meaning="seconds since something last moved in the open run that has stood still the longest",
)
OPEN_CIRCUITS = Metric(
    name="promo.receivers.open_circuits",
    kind="gauge",
    meaning="receivers that are not called, for a while after failures or until somebody corrects them",
)
WAITING_EVENTS = Metric(
    name="promo.events.waiting", kind="gauge", each="workflow", meaning="events that wait for the workflow"
)
OLDEST_EVENT = Metric(
    name="promo.events.oldest_wait_s",
    kind="gauge",
    each="workflow",
    meaning="seconds for which the oldest of them has waited",
)
OPEN_ALERTS = Metric(name="promo.alerts.open", kind="gauge", meaning="alerts that are not over yet")
FAILED_INVARIANTS = Metric(
    name="promo.invariants.failed",
    kind="counter",
    meaning="runs for which a promise of the ledger did not hold when they were closed",
    told_by="EndOperator",
)
GIVEN = Metric(
    name="promo.last_run.given",
    kind="gauge",
    each="workflow",
    meaning="contacts that were given a code in the run that was closed last",
    told_by="EndOperator",
)
REJECTED = Metric(
    name="promo.last_run.rejected",
    kind="gauge",
    each="workflow",
    meaning="contacts that the receiver refused in it",
    told_by="EndOperator",
)
LEFT_UNKNOWN = Metric(
    name="promo.last_run.unknown",
    kind="gauge",
    each="workflow",
    meaning="sends of it whose outcome nobody knows",
    told_by="EndOperator",
)
RUN_SECONDS = Metric(
    name="promo.last_run.seconds",
    kind="gauge",
    each="workflow",
    meaning="seconds from its opening to its closing",
    told_by="EndOperator",
)
LOADED_CODES = Metric(
    name="promo.codes.loaded",
    kind="counter",
    meaning="codes that a file brought for the first time",
    told_by="LoadPromoCodesOperator",
)
REJECTED_ROWS = Metric(
    name="promo.codes.rejected_rows",
    kind="counter",
    meaning="rows of code files that were not loaded",
    told_by="LoadPromoCodesOperator",
)

METRICS = (
    *(FREE_CODES, UNKNOWN_SENDS, OPEN_RUNS, OLDEST_WAIT, OPEN_CIRCUITS, WAITING_EVENTS, OLDEST_EVENT, OPEN_ALERTS),
    *(FAILED_INVARIANTS, GIVEN, REJECTED, LEFT_UNKNOWN, RUN_SECONDS, LOADED_CODES, REJECTED_ROWS),
)
"""All of them, in the order of the page ``docs/monitoring.md``."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a metric is now.

    :param member: the type or workflow that it is of; empty where the metric has no such
    """

    metric: Metric
    value: float
    member: str = ""

    @property
    def name(self) -> str:
        """The whole name. StatsD takes few letters: of any other the hexadecimal number stands after ``_``."""
        return f"{self.metric.name}.{_plain(self.member)}" if self.member else self.metric.name

    @property
    def tags(self) -> dict[str, str]:
        """The member, for those whose metrics have tags."""
        return {self.metric.each: _plain(self.member)} if self.member else {}


def of_report(report: RunReport) -> tuple[Measurement, ...]:
    """Return what the report of a closed run says of its workflow."""
    tally = report.tally
    return (
        Measurement(GIVEN, tally.given, report.workflow),
        Measurement(REJECTED, sum(tally.rejected.values()), report.workflow),
        Measurement(LEFT_UNKNOWN, tally.unknown, report.workflow),
        Measurement(RUN_SECONDS, report.seconds, report.workflow),
    )


def _plain(text: str) -> str:
    """Write a name with the letters that every receiver of metrics takes; two names never become one."""
    letters = (one if one.isascii() and (one.isalnum() or one in "-_") else f"_{ord(one):x}" for one in text)
    return "".join(letters)[:_LONGEST_MEMBER]
