"""``promo runs``: what running a closed run again shall do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.core.models import Mode

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers


def add_parser(nouns: Parsers) -> None:
    """Add ``promo runs`` and its verbs."""
    parser = nouns.add_parser("runs", help="say what running a closed run again shall do")
    verbs = parser.add_subparsers(metavar="ACTION", required=True)
    mode = verbs.add_parser(
        "mode", help="missing: send to whoever was not reached; profiles: write profiles again; refuse"
    )
    mode.add_argument("key", metavar="RUN_KEY")
    mode.add_argument("mode", choices=[mode.value for mode in Mode])
    add_dsn_option(mode)
    mode.set_defaults(run=_mode)


def _mode(args: argparse.Namespace) -> int:
    from promo_campaigns.adapters.postgres import connect
    from promo_campaigns.adapters.runs import set_mode

    with connect(find_dsn(args)) as connection:
        set_mode(connection, args.key, Mode(args.mode))
    print(f"{args.key}\t{args.mode}")
    return 0
