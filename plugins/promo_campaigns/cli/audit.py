"""``promo audit``: who exported codes, and who erased a contact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from promo_campaigns.cli.database import add_dsn_option, find_dsn

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers


def add_parser(nouns: Parsers) -> None:
    """Add ``promo audit``."""
    parser = nouns.add_parser("audit", help="list who exported codes and who erased a contact, newest first")
    parser.add_argument("--limit", type=int, default=50, metavar="N")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_dsn_option(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from promo_campaigns.postgres.audit import list_audit
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        entries = list_audit(connection, args.limit)
    if args.json:
        print(json.dumps(entries, default=str, ensure_ascii=False))
        return 0
    for entry in entries:
        count = f"{entry['rows']:,} rows" if entry["finished"] else "not finished"
        shown = ", revealed" if entry["revealed"] else ""
        told = f"{entry['action']} {entry['subject']}: {count}{shown}"
        print(f"{entry['begun_at']:%Y-%m-%d %H:%M} UTC  {told}, by {entry['actor']}")
    return 0
