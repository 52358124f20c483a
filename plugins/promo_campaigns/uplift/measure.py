"""Counts conversions of treated and held-out contacts in the store."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from promo_campaigns.ledger.lookups.chosen_runs import ChosenRuns
from promo_campaigns.model.errors import ConfigurationError, DefinitionError, LedgerError
from promo_campaigns.model.events import parse_event_type
from promo_campaigns.model.parameters import parse_duration
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.postgres.sql import queries
from promo_campaigns.uplift.conversions import read_conversions
from promo_campaigns.uplift.report import Arm, Conversions, UpliftReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_PLACE = "/* conversions */"
_NEEDED = {"contact_id", "at"}
_HINT = "It must be one SELECT that yields contact_id, at, and value if conversions have one"
_CURRENCY = re.compile(r"[A-Z]{3}")
_ARMS = ("treated", "intended", "held_out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to measure, as the command or an operator was asked.

    :ivar run_key: one run; else ``workflow`` is given
    :ivar workflow: all runs of this workflow
    :ivar since: of these, only runs opened since then
    :ivar conversions: name of a file in ``conversions``; else ``event`` is given
    :ivar event: type of event that is a conversion, in place of a file
    :ivar redemptions: codes that were redeemed are the conversions, their value what was paid in this currency
    :ivar within: duration after a run was opened in which conversions count, such as ``14d``
    """

    run_key: str = ""
    workflow: str = ""
    since: datetime | None = None
    conversions: str = ""
    event: str = ""
    redemptions: str = ""
    within: str = ""


def measure_uplift(connection: Connection, include: Path, question: Question) -> UpliftReport:
    """Check a question, and answer it with a report.

    :param include: the folder of ``conversions``
    :raises ConfigurationError: neither or both of run and workflow, or of conversions and event, or no duration
    :raises DefinitionError: see ``read_uplift``; or the file is missing
    :raises LedgerError: there is no such run, or the workflow has none
    """
    conversions = _conversions(include, question)
    within = parse_duration(question.within)
    if within is None:
        msg = f"within must be a duration such as 14d, in m, h or d, not {question.within!r}"
        raise ConfigurationError(msg)
    runs = ChosenRuns.of(connection, question.workflow, question.run_key, question.since)
    return read_uplift(connection, runs.run_ids, conversions, within, subject=runs.subject)


def _conversions(include: Path, question: Question) -> Conversions:
    """Return what counts as a conversion."""
    if sum(map(bool, (question.conversions, question.event, question.redemptions))) != 1:
        msg = "name either a file of include/conversions, or an event type, or the currency of redemptions"
        raise ConfigurationError(msg)
    if question.redemptions:
        if not _CURRENCY.fullmatch(question.redemptions):
            msg = f"redemptions must name a currency such as EUR, not {question.redemptions!r}"
            raise ConfigurationError(msg)
        return Conversions(name=question.redemptions, redeemed=True)
    if question.conversions:
        return read_conversions(include, question.conversions)
    return Conversions(name=parse_event_type(question.event))


def read_uplift(
    connection: Connection, run_ids: Sequence[int], conversions: Conversions, within: timedelta, *, subject: str
) -> UpliftReport:
    """Compare treated with held-out contacts, in one read-only snapshot of the store.

    A contact in several runs counts once, and its conversions count from the opening of the first one.

    :param within: duration after that in which conversions count
    :param subject: the run or workflow, as the report names it
    :raises DefinitionError: the SELECT of the conversions fails, or does not yield what it must
    :raises LedgerError: there are no such runs
    """
    chosen = {"run_ids": list(run_ids), "within_s": within.total_seconds(), "event": conversions.name}
    with reading(connection):
        about = connection.execute(_SQL["read_runs"], chosen).fetchall()[0]
        if not about["runs"]:
            msg = f"{subject} has no run to measure"
            raise LedgerError(msg)
        with _blamed(conversions):
            valued = conversions.redeemed or "value" in _columns(connection, conversions)
            query = _around(_SQL["count_arms"], _select(conversions, valued=valued))
            rows = connection.execute(query, chosen).fetchall()
    arms = {row["name"]: row for row in rows}
    return UpliftReport(
        subject=subject,
        conversions=str(conversions),
        within_s=within.total_seconds(),
        runs=about["runs"],
        waiting=arms["waiting"]["contacts"] if "waiting" in arms else 0,
        mixed=arms["mixed"]["contacts"] if "mixed" in arms else 0,
        open_until=about["open_until"],
        arms={name: _arm(arms.get(name), valued=valued) for name in _ARMS},
    )


def _arm(row: dict[str, Any] | None, *, valued: bool) -> Arm:
    if row is None:
        return Arm(value=0.0) if valued else Arm()
    arm = Arm(contacts=row["contacts"], converted=row["converted"])
    return replace(arm, value=row["value"], variance=row["variance"]) if valued else arm


def _columns(connection: Connection, conversions: Conversions) -> set[str]:
    """Return the columns of the author's SELECT; none for events, whose query is the product's own."""
    if not conversions.sql:
        return set()
    probe = connection.execute(_around(_SQL["read_columns"], sql.SQL(_written(conversions))), {})
    columns = {column.name for column in probe.description or ()}
    if missing := sorted(_NEEDED - columns):
        problem = f"the conversions have no column {' and no column '.join(missing)}"
        raise DefinitionError(problem, file=_file(conversions), hint=_HINT)
    return columns


def _select(conversions: Conversions, *, valued: bool) -> sql.Composable:
    if not conversions.sql:
        return sql.SQL(_SQL["redemptions" if conversions.redeemed else "events"])
    wrapped = _SQL["with_value" if valued else "without_value"]
    return _around(wrapped, sql.SQL(_written(conversions)))


def _around(query: str, inner: sql.Composable) -> sql.Composed:
    head, tail = query.rstrip().rstrip(";").split(_PLACE)
    return sql.SQL(head) + inner + sql.SQL(tail)


def _written(conversions: Conversions) -> str:
    """Return the author's SELECT, escaped to be part of a query with parameters."""
    return conversions.sql.rstrip().rstrip(";").replace("%", "%%")


@contextmanager
def _blamed(conversions: Conversions) -> Iterator[None]:
    """Turn an error of the author's SELECT into a ``DefinitionError``."""
    try:
        yield
    except psycopg.OperationalError:
        raise  # the connection failed, not the author's SELECT
    except psycopg.Error as error:
        if not conversions.sql:
            raise
        problem = f"the SELECT failed: {error.diag.message_primary or type(error).__name__}"
        raise DefinitionError(problem, file=_file(conversions), hint=_HINT) from error


def _file(conversions: Conversions) -> str:
    return f"conversions/{conversions.name}.sql"
