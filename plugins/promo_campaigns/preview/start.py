"""What Start would do with the campaign that is previewed: refuse it, or open a run in spite of what is to be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.contacts.audiences import count_strangers
from promo_campaigns.delivery.opening.start import StartRequest
from promo_campaigns.ledger.runs import has_run, read_run_by_key
from promo_campaigns.ledger.start_checks import count_strangers_of_run, notes_on_strangers, problems, run_problem
from promo_campaigns.model.forecast import StockPolicy, shown_values
from promo_campaigns.model.parameters import parse_deadline
from promo_campaigns.model.run_report import EMPTY_AUDIENCE
from promo_campaigns.model.run_spec import note_on_transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.model.errors import PromoError
    from promo_campaigns.model.forecast import Forecast
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.preview.rows import PreviewReport

_MAKES_DO = {
    StockPolicy.PARTIAL: "as many contacts get none",
    StockPolicy.WAIT: "Start will wait until they are loaded",
}


AS_USUAL = StartRequest()


def as_start_would(workflow: Workflow, occurrence: datetime) -> StartRequest:
    """Return how Start opens a run of a workflow: its deadline, and what it does with too few codes.

    :param occurrence: when what the run stands for happens
    """
    policy = StockPolicy.WAIT if workflow.event else workflow.stock  # an event waits for its code
    send_by = parse_deadline("send_by", workflow.send_by, occurrence=occurrence)
    return StartRequest(send_by=send_by, stock_policy=policy)


def weigh_start(
    connection: Connection, spec: RunSpec, report: PreviewReport, start: StartRequest, *, run_id: int | None
) -> None:
    """Put into a report what Start would refuse, and what is to be known of a run that it would open.

    :param report: of a preview whose audience was read to its end
    :param run_id: the run, if it is open already
    """
    if run_id is None:
        report.strangers = count_strangers(connection, spec.audience)
        report.refusals = [str(problem) for problem in _problems(connection, spec, report, start)]
    else:
        report.strangers = count_strangers_of_run(connection, run_id)
    report.notes += _notes(spec, report, start.stock_policy)


def _problems(
    connection: Connection, spec: RunSpec, report: PreviewReport, start: StartRequest
) -> Iterator[PromoError]:
    if start.run_key and has_run(connection, start.run_key):
        changed = run_problem(read_run_by_key(connection, start.run_key), spec, start.mode)
        yield from filter(None, [changed])
    elif report.forecast:
        weighed, policy = report.forecast, start.stock_policy
        found = problems(connection, spec, contacts=report.contacts, forecast=weighed, policy=policy)
        yield from (problem for problem in found if not problem.retryable)


def _in_turn(forecast: Forecast) -> str:
    each = zip(forecast.pools, forecast.gives, strict=True)
    return "codes are taken in turn: " + ", ".join(
        f"{gives:,} of {pool.type} with {pool.discount} %" for pool, gives in each
    )


def _by_value(forecast: Forecast) -> Iterator[str]:
    """Say how contacts fare by what they have, where codes must match it."""
    for value in shown_values(forecast.values):
        lacking = f", {value.short:,} short" if value.short else ""
        yield f"{value.named}: {value.demand:,} contacts, {value.free:,} codes of their own{lacking}"


def _notes(spec: RunSpec, report: PreviewReport, stock_policy: StockPolicy) -> Iterator[str]:
    if note := note_on_transport(spec.transport):
        yield note
    yield from notes_on_strangers(report.strangers)
    if not report.contacts and not report.refusals:
        yield EMPTY_AUDIENCE
    if report.forecast and report.forecast.pools:
        yield _in_turn(report.forecast)
    if report.forecast:
        yield from _by_value(report.forecast)
    short = report.forecast.shortfall if report.forecast else 0
    if short and spec.fallback:
        yield f"{short:,} codes short: as many contacts get the fallback code"
    elif short and stock_policy in _MAKES_DO:
        yield f"{short:,} codes short: {_MAKES_DO[stock_policy]}, since stock is {stock_policy.value!r}"
