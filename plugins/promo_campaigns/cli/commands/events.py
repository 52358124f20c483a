"""``promo events``: what was received, what became of it, and purging it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Limit, workflow_names
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress
from promo_campaigns.model.contact_rules import mask_value

app = Commands()


@app.add("list", "promo events list", "promo events list --type OrderPaid --waiting", "promo events list --json")
def list_newest(
    *,
    type_name: Annotated[str, typer.Option("--type", metavar="TYPE", help="Of this type only.")] = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for some workflow.")] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """List the newest events and what became of them, keys masked."""
    from promo_campaigns.contacts.event_store import list_events
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        found = list_events(connection, type_name=type_name or None, waiting=waiting, limit=limit)
    rows = [event | {"key": "erased" if event["erased"] else mask_value(event["key"])} for event in found]
    if not as_json:
        rows = [row | _in_words(row) for row in rows]
    output.rows(
        rows, empty="There are no such events.", columns=("event_id", "received_at", "type", "key", "contact", "became")
    )


def _in_words(event: dict[str, Any]) -> dict[str, str]:
    whose = f"contact {event['contact_id']}" if event["contact_id"] else "nobody known"
    return {"contact": whose, "became": "; ".join(map(_fate, event["workflows"])) or "nobody listens"}


def _fate(queued: dict[str, Any]) -> str:
    if queued["refused"]:
        return f"{queued['workflow']}: refused, {queued['refused']}"
    return f"in run {queued['run_key']}" if queued["run_key"] else f"{queued['workflow']}: waits"


@app.add("listeners", "promo events listeners", "promo events listeners --json --fields workflow,waiting")
def listeners(*, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """List the workflows that listen, and how many events wait for each."""
    from promo_campaigns.contacts.event_store import COUNTED_WAITING, list_listeners
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        rows = list_listeners(connection)
    if not as_json:
        more = f"more than {COUNTED_WAITING:,}"
        rows = [row | {"waiting": more if row["waiting"] > COUNTED_WAITING else row["waiting"]} for row in rows]
    output.rows(rows, empty="No workflow listens.")


@app.add("stop", "promo events stop welcome_push")
def stop(
    workflow: Annotated[
        str,
        typer.Argument(metavar="WORKFLOW", help="As promo events listeners names it.", autocompletion=workflow_names),
    ],
    *,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Let no event wait for a workflow any more; what waits is not answered."""
    from promo_campaigns.ledger.event_queue import stop_listening
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        count = stop_listening(connection, workflow)
    told = f"{workflow} does not listen any more; {count:,} events waited for it and are not answered"
    output.record({"workflow": workflow, "waited": count}, told)


@app.add("purge", "promo events purge --days 30")
def purge(
    *,
    days: Annotated[int, typer.Option("--days", metavar="N", help="Older than so many days.")] = 30,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Erase keys and parameters of old events; what still waits is refused."""
    from promo_campaigns.contacts.event_store import purge_events
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection, progress("Erasing old events"):
        done = purge_events(connection, days=days)
    told = f"{done['erased']:,} erased, {done['deleted']:,} deleted, {done['refused']:,} refused that waited"
    output.record(done, told)
