"""``promo preview``: a campaign as a table, with nothing sent and nothing consumed."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.cli.campaign import add_campaign_options, campaign_spec, note_on_transport
from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from promo_campaigns.cli.parsing import Parsers
    from promo_campaigns.preview.message_diff import DiffReport
    from promo_campaigns.preview.rows import PreviewReport
    from promo_campaigns.tables.writers import Kind, WriteRows


def add_parser(nouns: Parsers) -> None:
    """Add ``promo preview``."""
    parser = nouns.add_parser("preview", help="show what a campaign would send to whom; nothing is sent or consumed")
    add_campaign_options(parser)
    parser.add_argument("--audience", metavar="NAME", help="a file of include/audiences")
    parser.add_argument("--hold-out", metavar="PERCENT", help="share kept without a code, without a workflow")
    parser.add_argument(
        "--workflow", dest="named", metavar="NAME", help="whose hold-out it is, without a workflow (default: preview)"
    )
    parser.add_argument(
        "--reuse", action="store_true", help="whoever holds a code of the pool is given it again, without a workflow"
    )
    parser.add_argument("--at", default="", metavar="TIME", help="when it is sent, with an offset (default: now)")
    parser.add_argument(
        "--diff", nargs=2, metavar=("OLD", "NEW"), help="compare two messages over the audience, text by text"
    )
    parser.add_argument(
        "--out", type=Path, action="append", default=[], metavar="FILE", help=".csv or .parquet; may be given twice"
    )
    parser.add_argument("--connection", metavar="URI", help="the transport's connection, else AIRFLOW_CONN_<ID>")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    add_dsn_option(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.diff and args.message:
        msg = "say what to preview: a workflow or --message NAME, or --diff OLD NEW, which names the messages itself"
        raise ConfigurationError(msg)
    report = _diff(args) if args.diff else _preview(args)
    if args.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False))
    else:
        _print_report(report)
    return 0


def _preview(args: argparse.Namespace) -> PreviewReport:
    from promo_campaigns.definitions.sample_answers import read_sample_answers
    from promo_campaigns.model.parameters import instant_of
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.dry_run import write_preview
    from promo_campaigns.preview.rows import COLUMNS

    spec, at = campaign_spec(args, message=args.message), instant_of("--at", args.at)
    answers, notes = read_sample_answers(args.include, spec), note_on_transport(args, spec)
    with connect(find_dsn(args)) as connection, _tables(args.out, COLUMNS) as tables:
        report = write_preview(connection, spec, tables, at=at, send_by=_send_by(args, at), answers=answers)
    report.files = [str(file) for file in args.out]
    report.notes += notes
    return report


def _diff(args: argparse.Namespace) -> DiffReport:
    from promo_campaigns.definitions.definitions import read_message
    from promo_campaigns.definitions.sample_answers import read_sample_answers
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.dry_run import write_diff
    from promo_campaigns.preview.message_diff import DIFF_COLUMNS

    old, new = (read_message(args.include, name) for name in args.diff)
    spec = campaign_spec(args, message=new.name)
    answers = read_sample_answers(args.include, spec)
    with connect(find_dsn(args)) as connection, _tables(args.out, DIFF_COLUMNS) as tables:
        return write_diff(connection, spec, tables, old=old, new=new, answers=answers)


def _send_by(args: argparse.Namespace, at: datetime | None) -> datetime | None:
    """Return the deadline of a workflow that has one, with the moment of sending for its occurrence."""
    from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
    from promo_campaigns.model.parameters import deadline_of

    if not args.workflow:
        return None
    workflow = check_workflow(IncludeFolder(args.include), args.workflow)
    return deadline_of("send_by", workflow.send_by, occurrence=at or datetime.now(tz=timezone.utc))


@contextmanager
def _tables(files: Sequence[Path], columns: Mapping[str, Kind]) -> Iterator[Sequence[WriteRows]]:
    from promo_campaigns.tables.writers import open_tables

    with open_tables(files, columns) as tables:
        yield tables


def _print_report(report: PreviewReport | DiffReport) -> None:
    for name, value in report.as_dict().items():
        if isinstance(value, dict):
            print("\n".join([f"{name}:", *(f"  {kind}: {count:,}" for kind, count in value.items())]))
        elif isinstance(value, list):
            print("\n".join([f"{name}:", *(f"  {line}" for text in value for line in text.splitlines())]))
        else:
            print(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}")
