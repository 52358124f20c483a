"""``promo unknown``: sends of which nobody knows whether they arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import Dsn, OutputOptions, Reason, RunKey
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.masking import mask

if TYPE_CHECKING:
    from promo_campaigns.ledger.lookups.unknown_pages import Decision

app = Commands()
_DONE = {"accept": "accepted", "refuse": "refused", "resend": "due again; run the DAG run again to send them"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which contacts of a run are meant: some by name, or all."""

    contact: Annotated[
        list[int] | None, typer.Option("--contact", metavar="ID", help="This contact; may be given several times.")
    ] = None
    everybody: Annotated[bool, typer.Option("--all", help="Every one of the run.")] = False
    reason: Reason = ""

    def contacts(self) -> list[int] | None:
        """Return the contacts that were named; None for all of the run.

        :raises ConfigurationError: neither was given, or both
        """
        if bool(self.contact) == self.everybody:
            msg = "name the contacts by --contact ID, or give --all"
            raise ConfigurationError(msg)
        return self.contact or None


@app.add("list", "promo unknown list", "promo unknown list --run welcome/edition/spring --json")
def list_all(
    *,
    run: Annotated[str, typer.Option("--run", metavar="KEY", help="Of this run only.")] = "",
    form: OutputOptions,
    dsn: Dsn = "",
) -> None:
    """List sends of unknown outcome, oldest first, codes masked."""
    from promo_campaigns.ledger.run_list import find_run
    from promo_campaigns.ledger.unknown_sends import list_unknown
    from promo_campaigns.postgres.connection import connect

    output = form.output()
    with connect(find_dsn(dsn)) as connection:
        run_id = find_run(connection, run).run_id if run else None
        found = list_unknown(connection, run_id)
    rows = [one | {"code": mask(one["code"])} for one in found]
    columns = ("run_key", "contact_id", "code", "attempts", "first_attempt")
    output.rows(rows, empty="No send has an unknown outcome.", columns=columns)
    if output.is_plain and rows:
        print(f"{len(rows):,} sends of unknown outcome")


@app.add("accept", "promo unknown accept welcome/edition/spring --contact 17")
def accept(key: RunKey, *, which: Chosen, form: OutputOptions, dsn: Dsn = "") -> None:
    """Record that messages arrived: they count as accepted, and their profiles can be written."""
    _record("accept", key, which, form.output(), dsn)


@app.add("refuse", "promo unknown refuse welcome/edition/spring --all")
def refuse(key: RunKey, *, which: Chosen, form: OutputOptions, dsn: Dsn = "") -> None:
    """Record that messages did not and will not arrive: their codes go back to the pool."""
    _record("refuse", key, which, form.output(), dsn)


@app.add("resend", "promo unknown resend welcome/edition/spring --contact 17 --contact 18")
def resend(key: RunKey, *, which: Chosen, form: OutputOptions, dsn: Dsn = "") -> None:
    """Send messages again, at the risk of a second message."""
    _record("resend", key, which, form.output(), dsn)


def _record(verb: Decision, key: str, which: Chosen, output: Output, dsn: str) -> None:
    from promo_campaigns.ledger.lookups.unknown_pages import decide_unknown
    from promo_campaigns.ledger.run_list import find_run
    from promo_campaigns.postgres.audit import account
    from promo_campaigns.postgres.connection import connect

    contacts = which.contacts()
    with connect(find_dsn(dsn)) as connection, progress("Recording the outcomes"):
        run = find_run(connection, key)
        count = decide_unknown(connection, run.run_id, verb, contacts, by=account(), reason=which.reason)
    output.record({"run_key": run.run_key, "action": verb, "sends": count}, f"{count:,} sends are {_DONE[verb]}")
