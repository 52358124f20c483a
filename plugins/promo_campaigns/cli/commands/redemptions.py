"""``promo redemptions``: what a shop says of used codes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AllRuns, AsJson, Dsn, Fields, Limit, NewestRun, Sheet, Since, parse_since
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress, reading_file
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from promo_campaigns.redemptions.store import RedemptionsReport

app = Commands()
_REASONS_SHOWN = 20


@app.add(
    "load",
    "promo redemptions load include/samples/redemptions.csv",
    "promo redemptions load redeemed.xlsx --time-zone Europe/Kyiv --json",
)
def load(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, JSON or XLSX: code, orderId, redeemedAt, amount, currency, …")
    ],
    *,
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="The zone in which times without one are read.")
    ] = "UTC",
    sheet: Sheet = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Load a file of codes that were used in a shop; the same order and code is kept once.

    The exit status is 1 if the file has rows and none of them could be kept.
    """
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.redemptions.store import load_redemption_file

    output = Output(as_json=as_json, fields=fields)
    if not file.is_file():
        msg = f"there is no file {file}"
        raise ConfigurationError(msg)
    with connect(find_dsn(dsn)) as connection, reading_file(file) as stream:
        report = load_redemption_file(connection, stream, file=file.name, time_zone=time_zone, sheet=sheet)
    output.record(report.as_dict(), _in_words(report))
    return ExitStatus.NO if report.is_refused else ExitStatus.OK


def _in_words(report: RedemptionsReport) -> str:
    counts = f"{report.added:,} new, {report.known:,} known, {report.rejected_count:,} rejected"
    lines = [f"{report.source}: {report.rows:,} rows: {counts}"]
    lines += [f"  {group.in_words(report.row_noun)}" for group in report.rejected_by_reason[:_REASONS_SHOWN]]
    lines += [f"odd        {count:,} redemptions: {finding}" for finding, count in report.findings.items()]
    return "\n".join(lines)


@app.add(
    "report",
    "promo redemptions report welcome/edition/spring",
    "promo redemptions report --workflow welcome_push --since 2026-01-01 --json",
)
def report(
    key: NewestRun = "",
    *,
    workflow: AllRuns = "",
    since: Since = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Count the codes that were redeemed and what was paid, by run, pool and arm."""
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.redemptions.report import report_redemptions

    if (key and workflow) or (since and not workflow):
        msg = "give a RUN_KEY, or --workflow NAME, which --since TIME may narrow"
        raise ConfigurationError(msg)
    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection, progress("Counting the redemptions"):
        found = report_redemptions(connection, run_key=key, workflow=workflow, since=parse_since(since))
    output.record(found.as_dict(), found.as_markdown())


@app.add("odd", "promo redemptions odd", "promo redemptions odd --limit 5 --json --fields finding,run_key")
def odd(*, limit: Limit = 50, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """List redemptions that are odd, newest first: of no code, never given, not by its owner, or before it was sent."""
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.redemptions.report import list_findings

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        rows = list_findings(connection, limit=limit)
    output.rows(rows, empty="No redemption is odd.")
