"""``promo data-source``: try a data source for one contact, without a promo code of anybody's."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import INCLUDE, AsJson, Connection, Dsn, Fields, Include, data_source_names
from promo_campaigns.cli.output import Output, printable
from promo_campaigns.cli.progress import progress
from promo_campaigns.connections.lookup import command_connection
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.masking import mask
from promo_campaigns.model.redaction import HIDDEN, redacted

if TYPE_CHECKING:
    from promo_campaigns.http.client import Call
    from promo_campaigns.http.target import Endpoint
    from promo_campaigns.model.run import Recipient
    from promo_campaigns.model.run_spec import DataSource
    from promo_campaigns.preview.test_request import Reply

app = Commands()
MAX_BODY_BYTES = 1_000_000

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A file of include/data_sources.", autocompletion=data_source_names)
]
Contact = Annotated[
    int | None, typer.Option("--contact", metavar="ID", help="Render it for this contact, with a code nobody holds.")
]
Body = Annotated[Path | None, typer.Option("--body", metavar="FILE", help="Take this as the body, as it is.")]
Send = Annotated[bool, typer.Option("--send", help="Send it, and show the answer.")]


@app.callback()
def data_source() -> None:
    """Try a data source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _TestRequest:
    """One request as it may be shown.

    :param masks: codes and addresses, by what is shown in their place
    """

    source: DataSource
    endpoint: Endpoint
    call: Call
    masks: dict[str, str]

    def redacted(self, text: str) -> str:
        """Return a text with no secret and no code in it, fit for a terminal."""
        return printable(redacted(text, self.endpoint.hidden, self.masks), "\n\t")

    def request(self) -> dict[str, Any]:
        """Return the request with credentials hidden."""
        query = self.endpoint.query
        key = f"{'&' if '?' in self.call.path else '?'}{query[0]}={HIDDEN}" if query else ""
        own = {name.lower() for name in self.call.headers}
        fixed = dict.fromkeys((name for name in self.endpoint.secret_headers if name.lower() not in own), HIDDEN)
        headers = {**fixed, **self.call.headers}
        return {
            "method": self.call.method,
            "url": self.redacted(f"{self.endpoint.base_url}{self.call.path}{key}"),
            "headers": {name: self.redacted(value) for name, value in headers.items()},
            "body": self.redacted(self.call.body),
        }


@app.add(
    "test",
    "promo data-source test promo_to_profile --contact 1",
    "promo data-source test promo_to_profile --contact 1 --send",
    "promo data-source test promo_to_profile --body body.json --send --json",
)
def try_one(
    name: Name,
    *,
    contact: Contact = None,
    body: Body = None,
    send: Send = False,
    include: Include = INCLUDE,
    connection: Connection = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Show the request of a data source for a contact; send it only with --send.

    The exit status is 1 if the receiver did not take it.
    """
    if (contact is None) == (body is None):
        msg = "give --contact ID, or --body FILE"
        raise ConfigurationError(msg)
    output = Output(as_json=as_json, fields=fields)
    test = _prepare(include, name, connection, contact=contact, body=body, dsn=dsn)
    request = test.request()
    if output.is_plain:
        print(_in_words(request), flush=True)
    reply = _send(test) if send else None
    if not output.is_plain:
        output.record({**request, "answer": _answer(test, reply) if reply else None}, "")
    elif reply:
        _tell(_answer(test, reply))
    return ExitStatus.OK if reply is None or reply.outcome.value == "ok" else ExitStatus.NO


def _prepare(
    include: Path, name: str, connection: str, *, contact: int | None, body: Path | None, dsn: str
) -> _TestRequest:
    from promo_campaigns.definitions.definitions import read_data_source
    from promo_campaigns.delivery.compiled_campaign import CompiledSource
    from promo_campaigns.http.endpoint import parse_endpoint
    from promo_campaigns.preview.test_request import render_test_request

    source = read_data_source(include, name)
    settings = command_connection(source.connection, connection or None)
    endpoint = parse_endpoint(settings)
    text = None if body is None else _body_of(body, source)
    recipient, hidden = _contact(contact, dsn) if contact is not None else (None, [])
    return _TestRequest(
        source=source,
        endpoint=endpoint,
        call=render_test_request(CompiledSource(source, 0), recipient, text),
        masks={text: mask(text) for text in hidden},
    )


def _contact(contact_id: int, dsn: str) -> tuple[Recipient, list[str]]:
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.test_request import codes_held, list_addresses, read_test_recipient

    with connect(find_dsn(dsn)) as connection:
        recipient = read_test_recipient(connection, contact_id)
        return recipient, [*codes_held(connection, contact_id), *list_addresses(connection, contact_id)]


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


def _in_words(request: dict[str, Any]) -> str:
    lines = [
        f"{request['method']} {request['url']}",
        *(f"{name}: {value}" for name, value in request["headers"].items()),
    ]
    return "\n".join([*lines, "", request["body"]] if request["body"] else lines)


def _send(test: _TestRequest) -> Reply:
    from promo_campaigns.preview.test_request import make_test_request

    timeout_s = min(test.source.timeout_s or test.endpoint.timeout_s, test.endpoint.timeout_s)
    with progress("Waiting for the receiver"):
        return asyncio.run(make_test_request(test.source, replace(test.endpoint, timeout_s=timeout_s), test.call))


def _answer(test: _TestRequest, reply: Reply) -> dict[str, Any]:
    """Return an answer as it may be shown, cut where it is long."""
    from promo_campaigns.preview.test_request import SHOWN_CHARACTERS

    text = test.redacted(reply.body.decode("utf-8", "replace"))
    return {
        "status": reply.status,
        "seconds": reply.seconds,
        "outcome": reply.outcome.value,
        "detail": reply.detail,
        "body": text[:SHOWN_CHARACTERS],
        "characters_left_out": max(len(text) - SHOWN_CHARACTERS, 0),
    }


def _tell(answer: dict[str, Any]) -> None:
    detail = f" ({answer['detail']})" if answer["detail"] else ""
    came = f"HTTP {answer['status']} in" if answer["status"] else "No answer after"
    print(f"\n{came} {answer['seconds']:.2f} s: {answer['outcome']}{detail}")
    if answer["body"]:
        print(answer["body"])
    if answer["characters_left_out"]:
        print(f"… and {answer['characters_left_out']:,} more characters")
