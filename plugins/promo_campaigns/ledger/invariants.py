"""The promises of the ledger, as queries that anybody can run."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from threading import Timer
from types import MappingProxyType
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import InvariantBrokenError
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from promo_campaigns.postgres.connection import Connection


SHOWN = 20
CONNECTIONS = 2
"""How many statements of a check of the store run at a time: one walks the assignments for half of the time."""
QUIET_S = 2.0
"""A statement that takes longer is announced."""
# Counted by the server: where everything is broken, a million texts must not come over the wire.
_COUNTED = """{intent}
select invariant, count(*) as count, (array_agg(broken))[1:{shown}] as rows
from (
{query}
) found group by invariant
"""
_OF_THE_RUN = re.compile(r"^.*-- of the run\n", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.;:] ")
_PROMISE = re.compile(r"'([a-z]+(?:_[a-z]+)+)(?:: |' (?:as|else|end))")


@cache
def invariants() -> Mapping[str, str]:
    """Return the statements of ``invariants.sql`` by name, as they check the whole store.

    Each yields rows of ``invariant``, the promise that is broken, and ``broken``, what breaks it.
    """
    return MappingProxyType({name: _OF_THE_RUN.sub("", text) for name, text in queries(__name__).items()})


@cache
def run_invariants() -> Mapping[str, str]:
    """Return the statements that check one run, which is their parameter ``run_id``."""
    return MappingProxyType({name: text for name, text in queries(__name__).items() if _OF_THE_RUN.search(text)})


@cache
def promises() -> tuple[str, ...]:
    """Return the names of the promises that ``invariants.sql`` checks, in its order."""
    found = _PROMISE.findall("".join(invariants().values()))
    return tuple(dict.fromkeys(found))


@cache
def promises_in_words() -> Mapping[str, str]:
    """Return each promise by its name, in the words of the comment above what checks it."""
    words: dict[str, str] = {}
    for statement in invariants().values():
        comment: list[str] = []
        was_comment = False
        for line in statement.splitlines():
            text = line.strip()
            if text.startswith("-- "):
                comment = [*(comment if was_comment else ()), text.removeprefix("-- ")]
            for name in _PROMISE.findall(line):
                words.setdefault(name, _SENTENCE_END.split(" ".join(comment), 1)[0].rstrip("."))
            was_comment = text.startswith("-- ")
    return MappingProxyType({name: words[name] for name in promises()})


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that does not hold.

    :ivar invariant: its name in ``invariants.sql``
    :ivar rows: what breaks it, by ids, the first 20
    :ivar count: how many rows break it
    """

    invariant: str
    rows: tuple[str, ...]
    count: int


def check_invariants(connection: Connection, run_id: int | None = None) -> list[Violation]:
    """Check every promise over the store, or those of one run, and return those that do not hold.

    The time follows what is checked: the run's assignments and attempts, or all that there are. What two runs could
    break together is checked over the store only.
    """
    statements = invariants() if run_id is None else run_invariants()
    with connection.transaction():
        return _merged(_check(connection, query, run_id) for query in statements.values())


def check_store(dsn: str, tell: Callable[[str], None]) -> list[Violation]:
    """Check every promise over the store, several statements at a time; what is not committed is not looked at.

    :param tell: called with the name of each statement that takes more than two seconds, and what it looks at
    """

    def check(name: str) -> list[Violation]:
        query = invariants()[name]
        announce = Timer(QUIET_S, tell, [f"{name}: {query.splitlines()[0].removeprefix('-- ').partition('. ')[0]}"])
        announce.daemon = True
        with connect(dsn) as connection:
            announce.start()
            try:
                return _check(connection, query)
            finally:
                announce.cancel()

    with ThreadPoolExecutor(CONNECTIONS) as workers:
        return _merged(workers.map(check, invariants()))


def _check(connection: Connection, query: str, run_id: int | None = None) -> list[Violation]:
    rows = connection.execute(_counted(query), {"run_id": run_id}).fetchall()
    return [Violation(row["invariant"], tuple(row["rows"]), row["count"]) for row in rows]


def _merged(found: Iterable[list[Violation]]) -> list[Violation]:
    """Put together what several statements found of one promise."""
    merged: dict[str, Violation] = {}
    for new in (violation for each in found for violation in each):
        known = merged.get(new.invariant, Violation(new.invariant, (), 0))
        rows = (*known.rows, *new.rows)[:SHOWN]
        merged[new.invariant] = Violation(new.invariant, rows, known.count + new.count)
    return list(merged.values())


def _counted(query: str) -> str:
    return _COUNTED.format(intent=query.splitlines()[0], query=query.rstrip().rstrip(";"), shown=SHOWN)


def require_invariants(connection: Connection, run_id: int) -> None:
    """Stop if a promise does not hold for a run.

    :raises InvariantBrokenError: it names the first of them
    """
    broken = check_invariants(connection, run_id)
    if broken:
        first = broken[0]
        msg = (
            f"{len(broken)} invariants do not hold for run {run_id}: {first.invariant}: {first.rows[0]} "
            f"({first.count} rows); see promo check"
        )
        raise InvariantBrokenError(msg)
