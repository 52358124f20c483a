"""``promo runs export``: who got which code, as a table."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.options import AllRuns, AsJson, Dsn, Fields, OneRun, Since, parse_since
from promo_campaigns.cli.output import Output, json_rows
from promo_campaigns.cli.progress import counted, progress
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.tables.writers import WriteRows

EXAMPLES = (
    "promo runs export welcome/edition/spring --output codes.csv",
    "promo runs export --workflow welcome_push --since 2026-01-01 --format parquet --output codes.parquet",
    "promo runs export welcome/edition/spring --json --fields contact_id,code",
)


class Format(str, Enum):
    """In what form a table is written."""

    CSV = "csv"
    PARQUET = "parquet"


TableFormat = Annotated[Format, typer.Option("--format", help="The form of the file.")]
Where = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Where to; else CSV is printed.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Codes and external ids in full, not masked.")]


class _Wanted(NamedTuple):
    """What is to be exported."""

    key: str
    workflow: str
    since: datetime | None
    reveal: bool

    def require_clear(self) -> None:
        """Refuse what names no runs, or two kinds of them."""
        if bool(self.key) == bool(self.workflow) or (self.since and not self.workflow):
            msg = "give a RUN_KEY, or --workflow NAME, which --since TIME may narrow"
            raise ConfigurationError(msg)


def export(
    key: OneRun = "",
    *,
    workflow: AllRuns = "",
    since: Since = "",
    table_format: TableFormat = Format.CSV,
    file: Where = None,
    reveal: Reveal = False,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Write the code of each contact; every export is noted in the audit.

    Without --output the rows are printed, with --json as a JSON array. --fields names the columns of any form.
    """
    if table_format is Format.PARQUET and file is None:
        msg = "Parquet is no text to print: say where to with --output FILE"
        raise ConfigurationError(msg)
    wanted = _Wanted(key, workflow, parse_since(since), reveal)
    wanted.require_clear()
    table = _Table(file, table_format, Output(as_json=as_json, fields=fields))
    rows = _export(wanted, table, find_dsn(dsn))
    if file is not None:
        Output(as_json=as_json).record({"file": str(file), "rows": rows}, f"{file}: {rows:,} rows")


class _Table(NamedTuple):
    """Where the rows go, and which columns of them."""

    file: Path | None
    table_format: Format
    output: Output

    @contextmanager
    def opened(self) -> Iterator[WriteRows]:
        """Open it, and yield what takes the rows of an export."""
        from promo_campaigns.ledger.lookups.export import COLUMNS
        from promo_campaigns.tables.writers import csv_writer, table_file

        places = self.output.places([column.name for column in COLUMNS])
        columns = [COLUMNS[place] for place in places]
        with ExitStack() as stack:
            if self.file is not None:
                write = stack.enter_context(table_file(self.file, self.table_format.value, columns))
            elif self.output.as_json:
                write = stack.enter_context(json_rows([column.name for column in columns]))
            else:
                write = csv_writer(sys.stdout, columns)
            yield lambda rows: write([[row[place] for place in places] for row in rows])


def _export(wanted: _Wanted, table: _Table, dsn: str) -> int:
    from promo_campaigns.ledger.lookups.chosen_runs import ChosenRuns
    from promo_campaigns.ledger.lookups.export import export_codes
    from promo_campaigns.postgres.connection import connect

    with connect(dsn) as connection:
        runs = ChosenRuns.of(connection, wanted.workflow, wanted.key, wanted.since)
        expected = _expected(connection, runs.run_ids)
        with table.opened() as write, progress("Exporting", expected, prints=table.file is None) as bar:
            return export_codes(
                connection, runs.run_ids, counted(write, bar), subject=runs.subject, reveal=wanted.reveal
            )


def _expected(connection: Connection, run_ids: Sequence[int]) -> int | None:
    """Return how many contacts one run is for, which bounds its rows; of many runs that costs too much to know."""
    if len(run_ids) != 1 or not sys.stderr.isatty():
        return None
    from promo_campaigns.ledger.reports import read_report

    return read_report(connection, run_ids[0]).tally.audience
