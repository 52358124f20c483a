"""``promo test-send``: a message to named test contacts, with a code that nobody holds."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from promo_campaigns.cli.campaign import add_campaign_options, campaign_spec, campaign_transport
from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.model.masking import mask
from promo_campaigns.model.redaction import redacted

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers
    from promo_campaigns.delivery.transports.base import BaseTransport
    from promo_campaigns.preview.test_message import Trial, TrialOutcome

_NOT_TAKEN = 1
_SHOWN_CODES = {"type": "Test", "discount": "0", "days": "30"}
"""What a message shows of its code's kind, where no workflow says it."""


def add_parser(nouns: Parsers) -> None:
    """Add ``promo test-send``."""
    parser = nouns.add_parser(
        "test-send", help="show a message for test contacts, with a code nobody holds; send it only with --send"
    )
    add_campaign_options(parser)
    parser.add_argument(
        "--contact", type=int, action="append", required=True, metavar="ID", help="whom to; may be given 20 times"
    )
    parser.add_argument("--send", action="store_true", help="really send it")
    parser.add_argument("--transport", metavar="NAME", help="the way out, without a workflow (default: inbox)")
    parser.add_argument("--transport-conn-id", metavar="ID", help="its connection, without a workflow")
    parser.add_argument("--connection", metavar="URI", help="that connection itself, else AIRFLOW_CONN_<ID>")
    parser.add_argument("--json", action="store_true", help="print what became of each as JSON")
    add_dsn_option(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    import asyncio

    from promo_campaigns.definitions.definitions import require_carried
    from promo_campaigns.definitions.sample_answers import notes_on_answers, read_sample_answers
    from promo_campaigns.model.outcome import Outcome
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.test_message import new_trial_key, render_trial
    from promo_campaigns.preview.test_request import codes_held

    if not args.workflow:
        vars(args).update({name: getattr(args, name) or value for name, value in _SHOWN_CODES.items()})
    spec = campaign_spec(args, message=args.message, contact_ids=args.contact)
    transport = campaign_transport(args, spec)
    require_carried(args.include, spec.message, transport)
    answers = read_sample_answers(args.include, spec)
    with connect(find_dsn(args)) as connection:
        trial = render_trial(connection, spec, args.contact, key=new_trial_key(spec.workflow), answers=answers)
        masks = {code: mask(code) for who in set(args.contact) for code in codes_held(connection, who)}
    if not args.json:
        print("\n".join([redacted(_shown(trial), [], masks), *notes_on_answers(spec, answers)]))
    if not args.send:
        return 0
    outcomes = asyncio.run(_send(trial, transport))
    _tell(outcomes, as_json=args.json)
    return 0 if all(one.outcome == Outcome.OK.value for one in outcomes) else _NOT_TAKEN


async def _send(trial: Trial, transport: BaseTransport) -> list[TrialOutcome]:
    from promo_campaigns.preview.test_message import send_trial

    async with transport:
        return await send_trial(trial, transport)


def _shown(trial: Trial) -> str:
    """Return the messages as text, without the addresses they go to."""
    parts = [
        "\n".join([f"contact {one.contact_id} ({one.channel})", one.title, "", one.body, *filter(None, [one.html])])
        for one in trial.ready
    ]
    return "\n\n".join([*parts, *(f"contact {who}: not sent, {why}" for who, why in sorted(trial.left_out.items()))])


def _tell(outcomes: list[TrialOutcome], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(one) for one in outcomes], ensure_ascii=False))
        return
    print()
    for one in outcomes:
        print(f"contact {one.contact_id}: {one.outcome}" + (f" ({one.detail})" if one.detail else ""))
