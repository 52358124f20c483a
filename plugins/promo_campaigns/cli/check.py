"""``promo check``: whether the promises of the ledger hold."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from promo_campaigns.cli.database import add_dsn_option, find_dsn

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers

_BROKEN = 1


def add_parser(nouns: Parsers) -> None:
    """Add ``promo check``."""
    parser = nouns.add_parser("check", help="run the invariants of the ledger; exit status 1 if one does not hold")
    parser.add_argument("--run", dest="key", metavar="KEY", help="of this run only; by default of the whole store")
    parser.add_argument("--json", action="store_true", help="print what does not hold as JSON")
    add_dsn_option(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from promo_campaigns.ledger.invariants import check_invariants, check_store, promises
    from promo_campaigns.ledger.runs import read_run_by_key
    from promo_campaigns.postgres.connection import connect

    dsn = find_dsn(args)
    if args.key:
        with connect(dsn) as connection:
            broken = check_invariants(connection, read_run_by_key(connection, args.key).run_id)
    else:
        broken = check_store(dsn, lambda statement: print(f"checking {statement}", file=sys.stderr, flush=True))
    if args.json:
        print(json.dumps([asdict(violation) for violation in broken]))
    elif not broken:
        print(f"{len(promises())} invariants hold")
    for violation in [] if args.json else broken:
        print(f"{violation.invariant}: {violation.count} rows")
        print("\n".join(f"  {row}" for row in violation.rows))
    return _BROKEN if broken else 0
