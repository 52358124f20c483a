"""Conversions of the given and of the held-out, counted in the store."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from promo_campaigns.ledger.export import runs_of_workflow
from promo_campaigns.ledger.runs import read_run_by_key
from promo_campaigns.model.errors import ConfigurationError, DefinitionError, LedgerError
from promo_campaigns.model.events import event_type_of
from promo_campaigns.model.parameters import span_of
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
_ARMS = ("treated", "intended", "held_out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be measured, as it is asked for.

    :ivar run_key: one run, or else
    :ivar workflow: all its runs
    :ivar since: of these, the runs opened since then
    :ivar conversions: name of a file in ``conversions``, or else
    :ivar event: a type of event that is a conversion
    :ivar within: for how long after a run was opened, such as ``14d``
    """

    run_key: str = ""
    workflow: str = ""
    since: datetime | None = None
    conversions: str = ""
    event: str = ""
    within: str = ""


def measure_uplift(connection: Connection, include: Path, question: Question) -> UpliftReport:
    """Answer a question, whose parts may be wrong.

    :param include: the folder of ``conversions``
    :raises ConfigurationError: it names no run, or both a run and a workflow, and so of conversions; or no span of time
    :raises DefinitionError: as ``read_uplift``, or the file is missing
    :raises LedgerError: there is no such run, or the workflow has none
    """
    if bool(question.run_key) is bool(question.workflow) or (question.since and not question.workflow):
        msg = "say whose uplift: of one run by its key, or of a workflow, whose runs a time 'since' may narrow"
        raise ConfigurationError(msg)
    if bool(question.conversions) is bool(question.event):
        msg = "say what a conversion is: a file of include/conversions, or an event type"
        raise ConfigurationError(msg)
    within = span_of(question.within)
    if within is None:
        msg = f"within must be a span of time such as 14d, in m, h or d, not {question.within!r}"
        raise ConfigurationError(msg)
    named = read_conversions(include, question.conversions) if question.conversions else None
    conversions = named or Conversions(name=event_type_of(question.event))
    if question.run_key:
        run_ids, subject = [read_run_by_key(connection, question.run_key).run_id], f"run {question.run_key}"
    else:
        run_ids = runs_of_workflow(connection, question.workflow, question.since)
        subject = f"workflow {question.workflow}" + (f" since {question.since.isoformat()}" if question.since else "")
    return read_uplift(connection, run_ids, conversions, within, subject=subject)


def read_uplift(
    connection: Connection, run_ids: Sequence[int], conversions: Conversions, within: timedelta, *, subject: str
) -> UpliftReport:
    """Compare who was given a code with who was held out, as of one moment; nothing can be written meanwhile.

    A contact counts once, however many of the runs it is in, and its conversions from the opening of the first of them.

    :param within: for how long after that
    :param subject: which run or workflow, in words
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
            valued = "value" in _columns(connection, conversions)
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
    """Return what the author's SELECT yields; nothing of events, whose query is the product's own."""
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
        return sql.SQL(_SQL["events"])
    wrapped = _SQL["with_value" if valued else "without_value"]
    return _around(wrapped, sql.SQL(_written(conversions)))


def _around(query: str, inner: sql.Composable) -> sql.Composed:
    head, tail = query.rstrip().rstrip(";").split(_PLACE)
    return sql.SQL(head) + inner + sql.SQL(tail)


def _written(conversions: Conversions) -> str:
    """Return the author's SELECT as part of a query with parameters."""
    return conversions.sql.rstrip().rstrip(";").replace("%", "%%")


@contextmanager
def _blamed(conversions: Conversions) -> Iterator[None]:
    """Say whose fault it is if a query with the conversions fails."""
    try:
        yield
    except psycopg.OperationalError:
        raise  # the connection, not the author, is at fault
    except psycopg.Error as error:
        if not conversions.sql:
            raise
        problem = f"the SELECT failed: {error.diag.message_primary or type(error).__name__}"
        raise DefinitionError(problem, file=_file(conversions), hint=_HINT) from error


def _file(conversions: Conversions) -> str:
    return f"conversions/{conversions.name}.sql"
