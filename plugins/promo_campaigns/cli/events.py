"""``promo events``: what was received, what became of it, and erasing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.model.contact_rules import mask_value

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers

_DAYS = 30


def add_parser(nouns: Parsers) -> None:
    """Add ``promo events`` and its verbs."""
    parser = nouns.add_parser("events", help="list events and what became of them, and erase old ones")
    verbs = parser.add_subparsers(metavar="ACTION", required=True)
    shown = verbs.add_parser("list", help="list the newest, keys masked")
    shown.add_argument("--type", metavar="KEY", help="of this type only")
    shown.add_argument("--waiting", action="store_true", help="only those that wait for some workflow")
    shown.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (%(default)s)")
    shown.set_defaults(run=_list)
    listeners = verbs.add_parser("listeners", help="list the workflows that listen, and how many events wait for each")
    listeners.set_defaults(run=_listeners)
    stop = verbs.add_parser("stop", help="let no event wait for a workflow any more; what waits is not answered")
    stop.add_argument("workflow", metavar="WORKFLOW")
    stop.set_defaults(run=_stop)
    purge = verbs.add_parser("purge", help="erase keys and parameters of old events; what still waits is not answered")
    purge.add_argument("--days", type=int, default=_DAYS, metavar="N", help="older than so many days (%(default)s)")
    purge.set_defaults(run=_purge)
    for verb in (shown, listeners, stop, purge):
        add_dsn_option(verb)


def _list(args: argparse.Namespace) -> int:
    from promo_campaigns.contacts.event_store import list_events
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        found = list_events(connection, type_name=args.type, waiting=args.waiting, limit=args.limit)
    for event in found:
        key = "erased" if event["erased"] else mask_value(event["key"])
        told = f"{event['event_id']}  {event['received_at']:%Y-%m-%d %H:%M:%S}  {event['type']}  {key}"
        whose = f"contact {event['contact_id']}" if event["contact_id"] else "nobody known"
        print(f"{told}  {whose}  {'; '.join(map(_fate, event['turns'])) or 'nobody listens'}")
    return 0


def _fate(turn: dict[str, Any]) -> str:
    if turn["refused"]:
        return f"{turn['workflow']}: refused, {turn['refused']}"
    return f"in run {turn['run_key']}" if turn["run_key"] else f"{turn['workflow']}: waits"


def _listeners(args: argparse.Namespace) -> int:
    from promo_campaigns.contacts.event_store import COUNTED_WAITING, list_listeners
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        found = list_listeners(connection)
    for one in found:
        oldest = f", the oldest since {one['oldest']:%Y-%m-%d %H:%M:%S}" if one["waiting"] else ""
        since = f"{one['since']:%Y-%m-%d %H:%M:%S}"
        more = one["waiting"] > COUNTED_WAITING
        waiting = f"more than {COUNTED_WAITING}" if more else str(one["waiting"])
        print(f"{one['workflow']}  {one['type']}  since {since}  {waiting} wait{oldest}")
    return 0


def _stop(args: argparse.Namespace) -> int:
    from promo_campaigns.ledger.event_queue import stop_listening
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        count = stop_listening(connection, args.workflow)
    print(f"{args.workflow} does not listen any more; {count} events waited for it and are not answered")
    return 0


def _purge(args: argparse.Namespace) -> int:
    from promo_campaigns.contacts.event_store import purge_events
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        done = purge_events(connection, days=args.days)
    print(f"{done['erased']} erased, {done['deleted']} deleted, {done['refused']} refused that waited")
    return 0
