"""``promo retention``: what is older than it is kept, and what becomes of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from promo_campaigns.ledger.archive.shelf import Shelf

app = Commands()
_DEFAULT = "runs=365 events=30 inbox=90 audit=forever"
KeepText = Annotated[
    str, typer.Option("--keep", metavar="KINDS", help=f"Days of each kind; those not named stay as in: {_DEFAULT}")
]
Folder = Annotated[str, typer.Option("--archive", metavar="FOLDER", help="Where files of runs and of the audit go.")]
Drop = Annotated[bool, typer.Option("--drop", help="Drop runs without a file; the audit stays.")]


@app.add("show", "promo retention show", 'promo retention show --keep "runs=180 inbox=30" --json')
def show(*, keep: KeepText = "", as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """Show what is older than it is kept, and which runs stay although they are; nothing is changed."""
    from promo_campaigns.ledger.archive.keep import parse_keep
    from promo_campaigns.ledger.retention import due_now
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    kept = parse_keep(keep)
    with progress("Looking at what is old"), connect(find_dsn(dsn)) as connection:
        output.rows([asdict(due) for due in due_now(connection, kept)], empty="")


@app.add(
    "run",
    "promo retention run --archive /srv/promo-archive",
    'promo retention run --keep "runs=180 inbox=30" --archive /srv/promo-archive --json',
    "promo retention run --drop",
)
def run(
    *,
    keep: KeepText = "",
    archive: Folder = "",
    drop: Drop = False,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Archive or drop what is older than it is kept.

    Files of a run are read back before anything of it is dropped. Killed anywhere, the next call goes on where it was.
    Neither --archive nor --drop: events and messages of the inbox go, runs and the audit stay.
    """
    from promo_campaigns.ledger.archive.keep import parse_keep
    from promo_campaigns.ledger.retention import run_retention
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    kept, shelf = parse_keep(keep), _shelf(archive, drop=drop)
    with progress("Archiving what is old"), connect(find_dsn(dsn)) as connection:
        done = run_retention(connection, kept, shelf, drop=drop)
    output.record(done, "\n".join(f"{kind.replace('_', ' ')}: {count:,}" for kind, count in done.items()))


def _shelf(archive: str, *, drop: bool) -> Shelf | None:
    from promo_campaigns.ledger.archive.shelf import LocalShelf

    if archive and drop:
        msg = "give --archive FOLDER or --drop, not both"
        raise ConfigurationError(msg)
    if "://" in archive:
        msg = (
            f"{archive}: the command writes to folders of this machine; ArchiveOldDataOperator, as in the DAG "
            "erase_old_data, reaches any storage"
        )
        raise ConfigurationError(msg)
    return LocalShelf(Path(archive)) if archive else None
