"""``promo db``: the embedded server, and the schema of any server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.cli.database import add_dsn_option, find_dsn

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers


def add_parser(nouns: Parsers) -> None:
    """Add ``promo db`` and its verbs."""
    parser = nouns.add_parser("db", help="start, stop and migrate the database")
    verbs = parser.add_subparsers(metavar="ACTION", required=True)

    start = verbs.add_parser("start", help="start a Postgres of its own in a folder, made on first use")
    start.add_argument("--dir", type=Path, required=True, metavar="D", help="the server's folder")
    start.set_defaults(run=_start)

    stop = verbs.add_parser("stop", help="stop the Postgres of a folder; its data stays")
    stop.add_argument("--dir", type=Path, required=True, metavar="D", help="the server's folder")
    stop.set_defaults(run=_stop)

    url = verbs.add_parser("url", help="print the database's address, password included")
    url.add_argument("--dir", type=Path, metavar="D", help="of the Postgres in this folder")
    add_dsn_option(url)
    url.set_defaults(run=_url)

    migrate = verbs.add_parser("migrate", help="bring the schema up to date")
    add_dsn_option(migrate)
    migrate.set_defaults(run=_migrate)


def _start(args: argparse.Namespace) -> int:
    from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

    EmbeddedPostgres(args.dir).start()
    print(f"Postgres runs. Its address: promo db url --dir {args.dir}")
    return 0


def _stop(args: argparse.Namespace) -> int:
    from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

    EmbeddedPostgres(args.dir).stop()
    print("Postgres is stopped.")
    return 0


def _url(args: argparse.Namespace) -> int:
    from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

    print(EmbeddedPostgres(args.dir).dsn() if args.dir else find_dsn(args))
    return 0


def _migrate(args: argparse.Namespace) -> int:
    dsn = find_dsn(args)
    from promo_campaigns.postgres.migrations import migrate

    migrate(dsn, tell=print)
    print("The schema is up to date.")
    return 0
