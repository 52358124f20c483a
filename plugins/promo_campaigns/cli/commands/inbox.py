"""``promo inbox``: what the inbox transport has kept."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Limit
from promo_campaigns.cli.output import Output, printable
from promo_campaigns.model.contact_rules import mask_value

app = Commands()
_EMPTY = "There are no messages."
_LISTED = ("received_at", "contact_id", "channel", "locator")


@app.add("inbox", "promo inbox --limit 5", "promo inbox --contact 1", "promo inbox --json --fields contact_id,channel")
def inbox(
    *,
    contact: Annotated[
        int | None, typer.Option("--contact", metavar="ID", help="Show this contact's messages whole, code included.")
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """List the newest messages that the inbox transport kept, or read a contact's."""
    from promo_campaigns.delivery.transports.inbox import read_inbox
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        messages = read_inbox(connection, contact_id=contact, limit=limit)
    # A list shows no code: the text of a message is shown for one contact, by name, only.
    shown = (*_LISTED, "title", "body") if contact is not None else _LISTED
    rows = [
        {name: mask_value(one[name]) if name == "locator" else one[name] for name in shown if name in one}
        for one in messages
    ]
    if contact is None or not output.is_plain or not rows:
        output.rows(rows, empty=_EMPTY)
    else:
        print("\n".join(map(_whole, rows)))


def _whole(message: dict[str, Any]) -> str:
    when = f"{message['received_at']:%Y-%m-%d %H:%M:%S} UTC"
    head = f"{when}  contact {message['contact_id']}  {message['channel']} to {message['locator']}"
    body = printable(message["body"].rstrip(), "\n\t").replace("\n", "\n  ")
    return f"{head}\n  {printable(message['title'])}\n  {body}"
