"""``promo runs``: how a run ended, who got which code, what it was worth, and what running it again shall do."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.run import Mode

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers
    from promo_campaigns.postgres.connection import Connection

_OTHERWISE = 1


def add_parser(nouns: Parsers) -> None:
    """Add ``promo runs`` and its verbs."""
    parser = nouns.add_parser(
        "runs",
        help="report or approve a run, export who got which code, measure uplift, say what running it again does",
    )
    verbs = parser.add_subparsers(metavar="ACTION", required=True)

    mode = verbs.add_parser(
        "mode", help="missing: send to whoever was not reached; profiles: write profiles again; refuse"
    )
    mode.add_argument("key", metavar="RUN_KEY")
    mode.add_argument("mode", choices=[mode.value for mode in Mode])
    mode.set_defaults(run=_mode)

    approve = verbs.add_parser("approve", help="approve a run that waits for it; status 1 if it was refused before")
    reject = verbs.add_parser("reject", help="refuse a run that waits for it; status 1 if it was approved before")
    for verb, approved in ((approve, True), (reject, False)):
        verb.add_argument("key", metavar="RUN_KEY")
        verb.set_defaults(run=_decide, approved=approved)

    report = verbs.add_parser("report", help="count who was given a code, and who was not and why")
    report.add_argument("key", metavar="RUN_KEY")
    report.add_argument("--json", action="store_true", help="print JSON")
    report.set_defaults(run=_report)

    export = verbs.add_parser("export", help="write who got which code; noted in the audit")
    export.add_argument("key", metavar="RUN_KEY", nargs="?")
    export.add_argument("--workflow", metavar="NAME", help="all its runs, in place of one run")
    export.add_argument("--since", type=_instant, metavar="TIME", help="of these, the runs opened since then")
    export.add_argument("--format", choices=("csv", "parquet"), default="csv")
    export.add_argument("--output", type=Path, metavar="FILE", help="where to; CSV is printed by default")
    export.add_argument("--reveal", action="store_true", help="codes and external ids in full, not masked")
    export.set_defaults(run=_export)

    uplift = verbs.add_parser("uplift", help="compare who was given a code with who was held out")
    uplift.add_argument("key", metavar="RUN_KEY", nargs="?", default="")
    uplift.add_argument("--workflow", metavar="NAME", default="", help="all its runs, in place of one run")
    uplift.add_argument("--since", type=_instant, metavar="TIME", help="of these, the runs opened since then")
    uplift.add_argument("--conversions", metavar="NAME", default="", help="a file of include/conversions")
    uplift.add_argument("--event", metavar="TYPE", default="", help="a type of event, in place of a file")
    uplift.add_argument("--within", metavar="SPAN", required=True, help="after a run was opened, such as 14d")
    uplift.add_argument("--include", type=Path, default=Path("include"), metavar="FOLDER", help="(default: include)")
    uplift.add_argument("--json", action="store_true", help="print JSON")
    uplift.set_defaults(run=_uplift)

    for verb in (mode, approve, reject, report, export, uplift):
        add_dsn_option(verb)


def _mode(args: argparse.Namespace) -> int:
    from promo_campaigns.ledger.runs import set_mode
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        set_mode(connection, args.key, Mode(args.mode))
    print(f"{args.key}\t{args.mode}")
    return 0


def _decide(args: argparse.Namespace) -> int:
    from promo_campaigns.ledger.approvals import decide
    from promo_campaigns.ledger.runs import read_run_by_key
    from promo_campaigns.model.approval import Said
    from promo_campaigns.postgres.audit import account
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        run_id = read_run_by_key(connection, args.key).run_id
        approval = decide(connection, run_id, approved=args.approved, by=account())
    if approval.said is None:
        msg = f"nobody is asked about run {args.key}"
        raise ConfigurationError(msg)
    print(f"{args.key}\t{approval.said.value} by {approval.by or 'nobody in time'}")
    return 0 if (approval.said is Said.GIVEN) is args.approved else _OTHERWISE


def _report(args: argparse.Namespace) -> int:
    from promo_campaigns.ledger.reports import read_report
    from promo_campaigns.ledger.runs import read_run_by_key
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        report = read_report(connection, read_run_by_key(connection, args.key).run_id)
    print(json.dumps(report.as_dict(), ensure_ascii=False) if args.json else report.as_markdown())
    return 0


def _uplift(args: argparse.Namespace) -> int:
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.uplift.measure import Question, measure_uplift

    question = Question(
        run_key=args.key,
        workflow=args.workflow,
        since=args.since,
        conversions=args.conversions,
        event=args.event,
        within=args.within,
    )
    with connect(find_dsn(args)) as connection:
        report = measure_uplift(connection, args.include, question)
    print(json.dumps(report.as_dict(), ensure_ascii=False) if args.json else report.as_markdown())
    return 0


def _export(args: argparse.Namespace) -> int:
    if (args.key is None) == (args.workflow is None) or (args.since and not args.workflow):
        msg = "give a RUN_KEY, or --workflow NAME, which --since TIME may narrow"
        raise ConfigurationError(msg)
    if args.format == "parquet" and args.output is None:
        msg = "Parquet is no text to print: say where to with --output FILE"
        raise ConfigurationError(msg)
    from promo_campaigns.ledger.export import COLUMNS, export_codes
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.tables.writers import csv_writer, table_file

    with connect(find_dsn(args)) as connection:
        run_ids, subject = _runs(connection, args)
        if args.output is None:
            export_codes(connection, run_ids, csv_writer(sys.stdout, COLUMNS), subject=subject, reveal=args.reveal)
            return 0
        with table_file(args.output, args.format, COLUMNS) as write:
            rows = export_codes(connection, run_ids, write, subject=subject, reveal=args.reveal)
    print(f"{args.output}: {rows:,} rows")
    return 0


def _runs(connection: Connection, args: argparse.Namespace) -> tuple[list[int], str]:
    from promo_campaigns.ledger.export import runs_of_workflow
    from promo_campaigns.ledger.runs import read_run_by_key

    if args.key is not None:
        return [read_run_by_key(connection, args.key).run_id], f"run {args.key}"
    since = f" since {args.since.isoformat()}" if args.since else ""
    return runs_of_workflow(connection, args.workflow, args.since), f"workflow {args.workflow}{since}"


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)
