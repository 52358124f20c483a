"""``promo contacts closed``, ``close``, ``reopen`` and ``reopen-failed``: to whom nothing is sent any more, and why."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Reason, parse_since
from promo_campaigns.cli.output import Output
from promo_campaigns.model.contact_rules import clean_channel_type
from promo_campaigns.model.contacts import ClosedFor, Closing
from promo_campaigns.model.errors import ConfigurationError, ContactError

CLOSED_EXAMPLES = ("promo contacts closed", "promo contacts closed --limit 100 --json")
CLOSE_EXAMPLES = (
    "promo contacts close 17 email",
    'promo contacts close 17 sms --for bounced --reason "number is off"',
)
REOPEN_EXAMPLES = ('promo contacts reopen 17 email --reason "asked us to"',)
REOPEN_FAILED_EXAMPLES = (
    "promo contacts reopen-failed email --since 2026-11-29T08:00Z",
    "promo contacts reopen-failed email --since 2026-11-29T08:00Z --until 2026-11-29T11:00Z",
)


def _reasons() -> list[str]:
    return [one.value for one in ClosedFor]


def _channel(text: str) -> str:
    try:
        return clean_channel_type(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


ContactId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The contact's own id.")]
Channel = Annotated[
    str, typer.Argument(metavar="CHANNEL", callback=_channel, help="email, sms, mobilepush or another type.")
]


def closed(
    *,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """List the channels that were closed last: whose, since when, why, and who told."""
    from promo_campaigns.contacts.closing import list_closed
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        rows = list_closed(connection, limit=limit)
    output.rows(
        rows, empty="No channel is closed.", columns=("contact_id", "type", "closed_at", "closed_for", "closed_by")
    )


def close(
    contact_id: ContactId,
    channel: Channel,
    *,
    reason_word: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="WORD",
            autocompletion=_reasons,
            help=f"One of {', '.join(one.value for one in ClosedFor)}.",
        ),
    ] = ClosedFor.UNSUBSCRIBED.value,
    reason: Reason = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Close a channel of a contact: nothing is sent to it any more. Codes that were given stay given.

    The exit status is 1 if the contact has no such channel.
    """
    from promo_campaigns.contacts.closing import close_by_hand, parse_closed_for
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    try:
        word = parse_closed_for(reason_word)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    closing = Closing(contact_id=contact_id, type=channel, reason=word, by="a person")
    with connect(find_dsn(dsn)) as connection:
        done = close_by_hand(connection, closing, reason=reason)
    if not done.known:
        problem = f"contact {contact_id} has no channel {channel}"
        raise ContactError(problem)
    record = {"contact_id": contact_id, "type": channel, "closed": done.closed}
    output.record(record, f"contact {contact_id}: {channel} {'is closed' if done.closed else 'was closed before'}")
    return ExitStatus.OK


def reopen(
    contact_id: ContactId,
    channel: Channel,
    *,
    reason: Reason = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Open the closed channels of one type of a contact again. Only do so for who wants messages.

    The exit status is 1 if none was closed.
    """
    from promo_campaigns.contacts.closing import reopen_by_hand
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        opened = reopen_by_hand(connection, contact_id, channel, reason=reason)
    said = f"contact {contact_id}: {channel} {'is open again' if opened else 'was not closed'}"
    output.record({"contact_id": contact_id, "type": channel, "opened": opened}, said)
    return ExitStatus.OK if opened else ExitStatus.NO


def reopen_failed(
    channel: Channel,
    *,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Closed since then; UTC without an offset.")],
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="And before then; now unless given.")] = "",
    reason: Reason = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Open what was closed because addresses failed, after a mail server or a gateway was wrong about them.

    Channels whose owners unsubscribed or complained stay closed.
    """
    from promo_campaigns.contacts.closing import reopen_failed as reopen_all
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    first = parse_since(since)
    if first is None:
        msg = "--since must be a date or a time, such as 2026-01-31"
        raise ConfigurationError(msg)
    last = parse_since(until) or datetime.now(timezone.utc)
    with connect(find_dsn(dsn)) as connection:
        opened = reopen_all(connection, channel, since=first, until=last, reason=reason)
    output.record({"type": channel, "opened": opened}, f"{opened:,} channels {channel} are open again")
