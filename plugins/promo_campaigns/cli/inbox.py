"""``promo inbox``: what the inbox transport has kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.model.contact_rules import mask_value

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers


def add_parser(nouns: Parsers) -> None:
    """Add ``promo inbox``."""
    parser = nouns.add_parser("inbox", help="list the newest messages kept by the inbox transport, or read a contact's")
    parser.add_argument("--contact", type=int, metavar="ID", help="show this contact's messages whole, code included")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many, newest first (default: 20)")
    add_dsn_option(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from promo_campaigns.delivery.transports.inbox import read_inbox
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        messages = read_inbox(connection, contact_id=args.contact, limit=max(args.limit, 0))
    if not messages:
        print("no messages")
    for message in messages:
        print(_line(message))
        if args.contact is not None:
            print(f"  {message['title']}\n  " + message["body"].rstrip().replace("\n", "\n  "))
    return 0


def _line(message: dict[str, Any]) -> str:
    when = f"{message['received_at']:%Y-%m-%d %H:%M:%S}"
    return f"{when}  contact {message['contact_id']}  {message['channel']} to {mask_value(message['locator'])}"
