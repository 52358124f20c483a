"""A store whose ledger and codes are partitioned, to be measured beside today's: bench_partitions.

Nothing of the product makes such a store. Its own statements run on it, all but one: ``record_outcomes`` finds an
attempt by its number alone, for which every partition would be asked, so it is told the run as well.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.ledger import ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

_BLOCK = re.compile(r"^-- ([a-z_]+) --\n(.*?)(?=^-- [a-z_]+ --$|\Z)", re.MULTILINE | re.DOTALL)
SQL = dict(_BLOCK.findall(Path(__file__).with_name("partitions.sql").read_text(encoding="utf-8")))
CODE_PARTITIONS = 4
_FILLFACTORS = {"assignment": 60, "attempt": 50}
_UNTOLD = "where t.attempt_id = e.attempt_id"


def partition_ledger(connection: Connection, *, codes: bool) -> None:
    """Replace the tables of an empty store by partitioned ones.

    :param codes: those of the codes as well
    """
    functions = connection.execute(SQL["functions"]).fetchall()
    for table in ("assignment", "attempt", *(["promo_code"] if codes else [])):
        _cut(connection, table)
    for part in range(CODE_PARTITIONS if codes else 0):
        connection.execute(
            f"create table promo.promo_code_{part} partition of promo.promo_code"
            f" for values with (modulus {CODE_PARTITIONS}, remainder {part})"
        )
    if not codes:
        connection.execute(SQL["refer"])
    for row in functions:
        connection.execute(row["made"])


def add_partition(connection: Connection, first: int, last: int) -> None:
    """Make room for the runs of these ids, both included."""
    for table, fillfactor in _FILLFACTORS.items():
        connection.execute(
            f"create table {partition_of(table, first)} partition of promo.{table}"
            f" for values from ({first}) to ({last + 1}) with (fillfactor = {fillfactor})"
        )
    connection.execute(
        f"alter table {partition_of('assignment', first)} alter column state set statistics 0,"
        " alter column lease_token set statistics 0, alter column lease_until set statistics 0,"
        " alter column promo_code_id set statistics 0"
    )


def partition_of(table: str, first: int) -> str:
    """Return the name of the partition that begins with a run."""
    return f"promo.{table}_from_{first}"


@contextmanager
def told_the_run() -> Iterator[None]:
    """Have the product tell the run where it finds an attempt by its number."""
    statements = ledger._ATTEMPT  # noqa: SLF001  (what it would be in a product that is partitioned)
    today = statements["record_outcomes"]
    assert _UNTOLD in today
    statements["record_outcomes"] = today.replace(_UNTOLD, f"{_UNTOLD} and t.run_id = %(run_id)s")
    try:
        yield
    finally:
        statements["record_outcomes"] = today


def _cut(connection: Connection, table: str) -> None:
    rows = connection.execute(SQL["triggers"], {"table": f"promo.{table}"}).fetchall()
    connection.execute(SQL[f"cut_{table}"])
    for row in rows:
        connection.execute(row["made"])
