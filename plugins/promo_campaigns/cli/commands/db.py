"""``promo db``: the embedded server, and the schema of any server."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

import typer

from promo_campaigns.cli.commands.of_db import restores
from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import Bar, progress

app = Commands()
app.add("restored", *restores.RESTORED_EXAMPLES)(restores.restored)
app.add("reconcile", *restores.RECONCILE_EXAMPLES)(restores.reconcile)
app.add("decide", *restores.DECIDE_EXAMPLES)(restores.decide)


class _Kind(Enum):
    """Kinds of accounts."""

    OWNER = "owner"
    SENDER = "sender"
    API = "api"
    READER = "reader"


_PART = re.compile(r"part (\d+) of (\d+)")

Folder = Annotated[Path, typer.Option("--dir", metavar="FOLDER", help="The server's folder.")]


@app.add("start", "promo db start --dir ~/promo-postgres")
def start(*, folder: Folder, as_json: AsJson = False, fields: Fields = "") -> None:
    """Start a Postgres of its own in a folder, made on first use."""
    from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

    output = Output(as_json=as_json, fields=fields)
    with progress("Starting Postgres"):
        EmbeddedPostgres(folder).start()
    output.record(
        {"folder": str(folder), "running": True}, f"Postgres runs. Its address: promo db url --dir {folder} --reveal"
    )


@app.add("stop", "promo db stop --dir ~/promo-postgres")
def stop(*, folder: Folder, as_json: AsJson = False, fields: Fields = "") -> None:
    """Stop the Postgres of a folder; its data stays."""
    from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

    output = Output(as_json=as_json, fields=fields)
    with progress("Stopping Postgres"):
        EmbeddedPostgres(folder).stop()
    output.record({"folder": str(folder), "running": False}, "Postgres is stopped.")


@app.add("url", "promo db url", 'psql "$(promo db url --dir ~/promo-postgres --reveal)"')
def url(
    *,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="FOLDER", help="Of the Postgres in this folder.")
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print the password too.")] = False,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Print the database's address, without its password unless --reveal is given."""
    output = Output(as_json=as_json, fields=fields)
    address = _address_of(folder) if folder else find_dsn(dsn)
    shown = address if reveal else _without_password(address)
    output.record({"url": shown}, shown)


def _address_of(folder: Path) -> str:
    from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

    return EmbeddedPostgres(folder).dsn()


def _without_password(address: str) -> str:
    """Return a URI with its password hidden, wherever libpq takes one; any other form is hidden whole."""
    parts = urlsplit(address)
    if not parts.netloc:
        return "***"
    account, at, server = parts.netloc.rpartition("@")
    user, colon, _ = account.partition(":")
    query = re.sub(r"(?<![^&])((?:ssl)?password=)[^&]*", r"\1***", parts.query)
    return urlunsplit(parts._replace(netloc=f"{user}{colon and ':***'}{at}{server}", query=query))


@app.add("migrate", "promo db migrate --dsn postgresql://user:password@host/promo")
def migrate(*, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """Bring the schema up to date.

    Readers go on meanwhile; stop the workers. One that was cut off goes on where it was.
    """
    address = find_dsn(dsn)
    from promo_campaigns.postgres.migrations import migrate as bring_up_to_date

    output = Output(as_json=as_json, fields=fields)
    steps: list[str] = []
    with progress("Migrating the schema") as bar:

        def tell(step: str) -> None:
            steps.append(step)
            _show_step(step, bar)
            if output.is_plain:
                print(step, flush=True)

        bring_up_to_date(address, tell=tell)
    output.record({"steps": steps}, "The schema is up to date.")


@app.add(
    "grants",
    "promo db grants sender promo_app",
    "promo db grants reader analysts",
)
def grants_of(
    kind: Annotated[
        _Kind,
        typer.Argument(
            metavar="KIND",
            help="owner: migrates; sender: tasks, pages and this command; api: the profile API; reader: reads, codes "
            "in full, and changes nothing.",
        ),
    ],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="The account.")],
    *,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Print the statements that give an account what it needs, and no more; its owner runs them.

    They name the tables there are: run them again after each migration.
    """
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.postgres.grants import grants

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        statements = grants(connection, kind.value, role)
    output.record({"statements": statements}, "\n".join(statements))


def _show_step(step: str, bar: Bar) -> None:
    part = _PART.search(step)
    if part:
        bar.update(done=int(part[1]) - 1, total=int(part[2]), label=step.partition(":")[0])
