"""An audience as part of a query: a campaign author's SELECT, contact ids, or a list."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from promo_campaigns.model.audience.lists import CONTACT_ID, EXTERNAL_ID
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.postgres.arrays import text_array
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.model.run_spec import Audience
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_BY = {CONTACT_ID: "by_contact_id", EXTERNAL_ID: "by_external_id"}
_KNOWN = {CONTACT_ID: "count_contact_ids", EXTERNAL_ID: "count_external_ids"}
_PLACE = "/* audience */"
_LINE = re.compile(r"^LINE ([0-9]+):", re.MULTILINE)


@contextmanager
def audience_query(audience: Audience, around: str) -> Iterator[tuple[sql.Composed, dict[str, Any]]]:
    """Put an audience into a query, and yield it with its parameters; an error of the author's SELECT is told as such.

    :param around: a query with the place ``/* audience */``, where something that yields ``contact_id`` is put
    :raises DefinitionError: the author's SELECT fails
    """
    query, whose = _of(audience)
    head, tail = around.split(_PLACE)
    try:
        yield sql.SQL(head) + sql.SQL(query) + sql.SQL(tail), whose
    except psycopg.OperationalError:
        raise  # the connection failed, not the author's SELECT
    except psycopg.Error as error:
        if audience.listed or not audience.sql:
            raise
        problem = f"the audience's SELECT failed: {error.diag.message_primary or type(error).__name__}"
        hint = error.diag.message_hint or "It must be one SELECT that yields a column contact_id"
        line = _line_of(error, head, audience.sql)
        raise DefinitionError(problem, file=f"audiences/{audience.name}.sql", line=line, hint=hint) from error


def require_select(connection: Connection, audience: Audience) -> None:
    """Run an audience's SELECT for its first contact, in a transaction that can write nothing.

    :raises DefinitionError: it fails
    """
    with reading(connection), audience_query(audience, _SQL["first_of"]) as (query, whose):
        connection.execute(query, whose)


def read_some_contacts(connection: Connection, audience: Audience, limit: int) -> list[int]:
    """Return a few contacts of an audience, in order of their ids; they need not be its first.

    :raises DefinitionError: its SELECT fails
    """
    with audience_query(audience, _SQL["read_some_contacts"]) as (query, whose):
        rows = connection.execute(query, {**whose, "limit": limit}).fetchall()
    return sorted(row["contact_id"] for row in rows)


def count_up_to(connection: Connection, audience: Audience, limit: int, *, within_s: float) -> int | None:
    """Count an audience up to a limit, which stands for that many or more; None if that takes too long.

    What another database answers is not known here: None.

    :param within_s: what an author's SELECT may take
    :raises DefinitionError: it fails
    """
    if audience.connection and audience.listed is None:
        return None
    try:
        with reading(connection):
            connection.execute(_SQL["limit_time"], {"ms": f"{within_s * 1000:.0f}"})
            with audience_query(audience, _SQL["count_up_to"]) as (query, whose):
                return int(connection.execute(query, {**whose, "limit": limit}).fetchall()[0]["contacts"])
    except psycopg.errors.QueryCanceled:
        return None


def _line_of(error: psycopg.Error, head: str, select: str) -> int | None:
    """Return the line of the author's SELECT that an error of the whole query is told of; None if it is another's."""
    told = _LINE.search(str(error))
    line = int(told[1]) - head.count("\n") if told else 0
    return line if 0 < line <= select.count("\n") + 1 else None


def count_strangers(connection: Connection, audience: Audience) -> int:
    """Return how many of those whom an audience names are nobody.

    In a list, and in what another database answered, these are ids and values that no contact has; of a SELECT, ids
    that there are not, and rows without an id, as a left join yields them. Who was erased is nobody in a list, and is
    not counted of a SELECT: it reads the store.

    :raises DefinitionError: its SELECT fails
    """
    if audience.sql and not audience.listed:
        with audience_query(audience, _SQL["count_selected"]) as (select, whose):
            return int(connection.execute(select, whose).fetchall()[0]["strangers"])
    by, values = (audience.listed.by, audience.listed.values) if audience.listed else (CONTACT_ID, audience.contact_ids)
    if not values:
        return 0
    query = _SQL[_KNOWN.get(by, "count_locators")]
    row = connection.execute(query, {"by": by, "values": text_array(map(str, values))}).fetchall()[0]
    named = len(values) if audience.listed else len(set(values))  # a list names each once
    return named - int(row["known"])


def _of(audience: Audience) -> tuple[str, dict[str, Any]]:
    if audience.listed:
        by = audience.listed.by
        return _SQL[_BY.get(by, "by_channel")], {"by": by, "values": text_array(audience.listed.values)}
    if audience.connection:
        problem = f"its SELECT is asked of the connection {audience.connection!r}, which only a task in Airflow does"
        hint = "To see what it would yield, trigger the DAG dry_run"
        raise DefinitionError(problem, file=f"audiences/{audience.name}.sql", line=1, hint=hint)
    if audience.sql:
        return audience.sql.rstrip().rstrip(";").replace("%", "%%"), {}
    return _SQL["by_ids"], {"contact_ids": list(audience.contact_ids)}
