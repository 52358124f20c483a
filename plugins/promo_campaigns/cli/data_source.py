"""``promo data-source``: try a data source for one contact, without a promo code of anybody's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.connections.lookup import command_connection
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.masking import mask
from promo_campaigns.model.redaction import HIDDEN, redacted

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers
    from promo_campaigns.http.client import Call, Endpoint
    from promo_campaigns.model.run import Recipient
    from promo_campaigns.model.run_spec import DataSource

MAX_BODY_BYTES = 1_000_000
_NOT_TAKEN = 1


def add_parser(nouns: Parsers) -> None:
    """Add ``promo data-source`` and its verbs."""
    parser = nouns.add_parser("data-source", help="try a data source")
    verbs = parser.add_subparsers(metavar="ACTION", required=True)

    test = verbs.add_parser("test", help="show the request of a data source for a contact; send it only with --send")
    test.add_argument("name", metavar="NAME", help="a file of include/data_sources")
    what = test.add_mutually_exclusive_group(required=True)
    what.add_argument("--contact", type=int, metavar="ID", help="render it for this contact, with a code nobody holds")
    what.add_argument("--body", type=Path, metavar="FILE", help="take this as the body, as it is")
    test.add_argument("--send", action="store_true", help="send it, and show the answer")
    test.add_argument("--connection", metavar="URI", help="the connection, else AIRFLOW_CONN_<ID> of the data source's")
    test.add_argument("--include", type=Path, default=Path("include"), metavar="FOLDER", help="(default: include)")
    add_dsn_option(test)
    test.set_defaults(run=_test)


def _test(args: argparse.Namespace) -> int:
    from promo_campaigns.definitions.definitions import read_data_source
    from promo_campaigns.http.endpoint import parse_endpoint
    from promo_campaigns.preview.test_request import trial_call

    source = read_data_source(args.include, args.name)
    settings = command_connection(source.connection, args.connection)
    endpoint = parse_endpoint(settings)
    body = None if args.body is None else _body_of(args.body, source)
    recipient, codes = _contact(args) if args.contact is not None else (None, [])
    call = trial_call(source, recipient, body)
    secrets, masks = [settings.password], {code: mask(code) for code in codes}
    print(redacted(_shown(call, endpoint), secrets, masks))
    return _send(source, endpoint, call, secrets, masks) if args.send else 0


def _contact(args: argparse.Namespace) -> tuple[Recipient, list[str]]:
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.test_request import codes_held, trial_recipient

    with connect(find_dsn(args)) as connection:
        return trial_recipient(connection, args.contact), codes_held(connection, args.contact)


def _body_of(path: Path, source: DataSource) -> str:
    """Return the text of a file, which must be of the source's format."""
    try:
        if path.stat().st_size > MAX_BODY_BYTES:
            msg = f"{path} is larger than {MAX_BODY_BYTES:,} bytes"
            raise ConfigurationError(msg)
        text = path.read_text(encoding="utf-8")
        if source.format == "json":
            json.loads(text)
    except (OSError, ValueError) as error:
        reason = "cannot be read" if isinstance(error, OSError) else f"is no {source.format.upper()} in UTF-8"
        msg = f"{path} {reason}"
        raise ConfigurationError(msg) from None
    return text


def _shown(call: Call, endpoint: Endpoint) -> str:
    """Return a request as text, with credentials hidden."""
    key = f"{'&' if '?' in call.path else '?'}{endpoint.query[0]}={HIDDEN}" if endpoint.query else ""
    headers = {**dict.fromkeys(endpoint.headers, HIDDEN), **call.headers}
    lines = [
        f"{call.method} {endpoint.base_url}{call.path}{key}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\n".join([*lines, "", call.body] if call.body else lines)


def _send(source: DataSource, endpoint: Endpoint, call: Call, secrets: list[str], masks: dict[str, str]) -> int:
    import asyncio
    from dataclasses import replace

    from promo_campaigns.model.outcome import Outcome
    from promo_campaigns.preview.test_request import SHOWN_CHARACTERS, make_trial

    bounded = replace(endpoint, timeout_s=min(source.timeout_s or endpoint.timeout_s, endpoint.timeout_s))
    reply = asyncio.run(make_trial(source, bounded, call))
    detail = f" ({reply.detail})" if reply.detail else ""
    print(f"\nHTTP {reply.status} in {reply.seconds:.2f} s: {reply.outcome.value}{detail}")
    text = redacted(reply.body.decode("utf-8", "replace"), secrets, masks)
    print(
        "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text[:SHOWN_CHARACTERS])
    )
    if len(text) > SHOWN_CHARACTERS:
        print(f"… and {len(text) - SHOWN_CHARACTERS:,} more characters")
    return 0 if reply.outcome is Outcome.OK else _NOT_TAKEN
