"""``promo unknown``: sends of which nobody knows whether they arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.model.masking import mask

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers

_JUDGEMENTS = {
    "accept": "they arrived: they count as accepted, and their profiles can be written",
    "refuse": "they did not and will not arrive: their codes go back to the pool",
    "resend": "send them again, at the risk of a second message",
}


def add_parser(nouns: Parsers) -> None:
    """Add ``promo unknown`` and its verbs."""
    parser = nouns.add_parser("unknown", help="list sends of unknown outcome, and say what became of them")
    verbs = parser.add_subparsers(metavar="ACTION", required=True)
    shown = verbs.add_parser("list", help="list them, oldest first, codes masked")
    shown.add_argument("--run", dest="key", metavar="KEY", help="of this run only")
    add_dsn_option(shown)
    shown.set_defaults(run=_list)
    for verb, meaning in _JUDGEMENTS.items():
        judged = verbs.add_parser(verb, help=meaning)
        judged.add_argument("key", metavar="RUN_KEY")
        chosen = judged.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--contact", type=int, action="append", metavar="ID", help="this contact; may be repeated")
        chosen.add_argument("--all", action="store_true", help="every one of the run")
        add_dsn_option(judged)
        judged.set_defaults(run=_judge, verb=verb)


def _list(args: argparse.Namespace) -> int:
    from promo_campaigns.ledger.runs import read_run_by_key
    from promo_campaigns.ledger.unknown_sends import list_unknown
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        run_id = read_run_by_key(connection, args.key).run_id if args.key else None
        doubts = list_unknown(connection, run_id)
    for doubt in doubts:
        first = f"{doubt['first_attempt']:%Y-%m-%d %H:%M:%S}"
        told = f"contact {doubt['contact_id']}  {mask(doubt['code'])}  {doubt['attempts']} attempts, first at {first}"
        print(f"{doubt['run_key']}  {told}")
    print(f"{len(doubts)} sends of unknown outcome")
    return 0


def _judge(args: argparse.Namespace) -> int:
    from promo_campaigns.ledger.runs import read_run_by_key
    from promo_campaigns.ledger.unknown_sends import judge_unknown, list_unknown, resend_unknown
    from promo_campaigns.model.outcome import Outcome
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        run_id = read_run_by_key(connection, args.key).run_id
        contact_ids = [doubt["contact_id"] for doubt in list_unknown(connection, run_id, args.contact)]
        if args.verb == "resend":
            count = resend_unknown(connection, run_id, contact_ids)
        else:
            outcome = Outcome.OK if args.verb == "accept" else Outcome.REFUSED
            count = judge_unknown(connection, run_id, contact_ids, outcome)
    done = {"accept": "accepted", "refuse": "refused", "resend": "due again; run the DAG run again to send them"}
    print(f"{count} sends are {done[args.verb]}")
    return 0
