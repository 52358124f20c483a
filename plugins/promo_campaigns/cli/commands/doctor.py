"""``promo doctor``: whether all that a campaign needs is there."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import INCLUDE, AsJson, Dsn, Fields, Include
from promo_campaigns.cli.output import Output, printable
from promo_campaigns.cli.progress import progress
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.doctor.findings import Finding

app = Commands()

Inbox = Annotated[
    str,
    typer.Option(
        "--inbox",
        metavar="FOLDER",
        help="Where code files arrive; else AIRFLOW_VAR_PROMO_CODE_INBOX, else code_inbox beside the include folder.",
    ),
]


@app.add("doctor", "promo doctor", "promo doctor --json --fields about,health,found")
def doctor(
    *,
    include: Include = INCLUDE,
    inbox: Inbox = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Look at all that a campaign needs, and say what to do about what is wrong.

    That is the store with its schema, rights, stock and open runs; workflows and the connections that they name; the
    DAGs as Airflow sees them; and the folder in which code files arrive. Nothing is changed. The exit status is 1 if
    something is wrong.
    """
    output = Output(as_json=as_json, fields=fields)
    with progress("Looking"):
        findings = list(_look(include, inbox, dsn))
    wrong = [one for one in findings if one.health == "wrong"]
    if output.is_plain:
        print("\n".join([*(line for one in findings for line in _in_words(one)), f"\n{len(wrong)} wrong"]))
    else:
        rows = [{**asdict(one), "health": one.health.value} for one in findings]
        output.rows(rows, empty="Nothing was looked at.")
    return ExitStatus.NO if wrong else ExitStatus.OK


def _look(include: Path, inbox: str, dsn: str) -> Iterator[Finding]:
    from promo_campaigns.connections.airflow_database import read_dags
    from promo_campaigns.doctor.campaigns import look_at_campaigns, look_at_inbox
    from promo_campaigns.doctor.dags import look_at_dags
    from promo_campaigns.doctor.findings import Finding, Health
    from promo_campaigns.doctor.store import look_at_store

    beside = include.resolve().parent
    try:
        address = find_dsn(dsn)
    except ConfigurationError as error:
        yield Finding(about="store", health=Health.WRONG, found=str(error))
    else:
        yield from look_at_store(address, include)
    dags = Path(os.environ.get("AIRFLOW__CORE__DAGS_FOLDER") or beside / "dags")
    known = _Connections()
    yield from look_at_campaigns(include, dags, known.read, known.knows)
    yield from look_at_dags(read_dags())
    yield look_at_inbox(inbox or os.environ.get("AIRFLOW_VAR_PROMO_CODE_INBOX", ""), beside / "code_inbox")


class _Connections:
    """Connections from the environment, else from wherever Airflow keeps them, each looked for once."""

    def __init__(self) -> None:
        self._found: dict[str, ConnectionSettings | None] = {}

    def knows(self, conn_id: str) -> bool:
        from promo_campaigns.connections.airflow_database import ConnectionsHiddenError
        from promo_campaigns.connections.lookup import known_connection

        if conn_id not in self._found:
            self._found[conn_id] = None
            with suppress(ConnectionsHiddenError):
                self._found[conn_id] = known_connection(conn_id)
        return self._found[conn_id] is not None

    def read(self, conn_id: str) -> ConnectionSettings:
        found = self._found[conn_id] if self.knows(conn_id) else None
        if found is None:
            msg = f"the connection {conn_id!r} is not known here"
            raise ConfigurationError(msg)
        return found


def _in_words(one: Finding) -> list[str]:
    lines = [f"{one.health.value:<13}  {one.about}: {printable(' '.join(one.found.split()))}"]
    return [*lines, f"{'':<13}  {printable(one.advice)}"] if one.advice else lines
