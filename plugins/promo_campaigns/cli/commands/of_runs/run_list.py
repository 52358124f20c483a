"""``promo runs list`` and ``promo runs show``: which runs there are, and where one stands."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Limit, NewestRun
from promo_campaigns.cli.output import Output, readable
from promo_campaigns.model.oversight.run_line import RunState

LIST_EXAMPLES = (
    "promo runs list",
    "promo runs list --workflow welcome_push --state open",
    "promo runs list --stuck --json --fields run_key,moved_at",
)
SHOW_EXAMPLES = ("promo runs show", "promo runs show welcome/edition/spring --json")
_COLUMNS = (
    "run_key",
    "state",
    "opened_at",
    "moved_at",
    "audience",
    "given",
    "sent",
    "recorded",
    "skipped",
    "unknown",
    "failed",
    "waiting",
)


def list_all(
    *,
    workflow: Annotated[str, typer.Option("--workflow", metavar="NAME", help="Of this workflow only.")] = "",
    state: Annotated[RunState | None, typer.Option("--state", help="In this state only.")] = None,
    stuck: Annotated[
        bool,
        typer.Option(
            "--stuck",
            help="Open runs whose DAG run has ended or is gone, and those in which nothing has moved for an hour and "
            "that wait for no person and no quiet hours. To cancel one gives back the codes it reserves.",
        ),
    ] = False,
    limit: Limit = 50,
    before: Annotated[
        int | None, typer.Option("--before", metavar="RUN_ID", help="The next page: the last run_id of this one.")
    ] = None,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """List runs, newest first, with how many of their contacts are how far.

    Of the audience, given hold a code; of these, sent were accepted by the receiver, recorded are on the profile, and
    of unknown nobody knows. Failed were refused or too late, waiting have no outcome yet. Nothing moved since moved at.
    """
    from promo_campaigns.ledger.run_list import HOW_A_RUN_BEGINS, list_runs
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    if stuck:
        _list_stuck(output, workflow, dsn)
        return
    with connect(find_dsn(dsn)) as connection:
        found = list_runs(connection, workflow=workflow, state=state, limit=limit, before=before)
    nothing = "No run." if workflow or state or before else f"No run yet; {HOW_A_RUN_BEGINS}."
    output.rows([one.as_dict() for one in found], empty=nothing, columns=_COLUMNS)
    if output.is_plain and len(found) == limit > 0:
        print(f"More: --before {found[-1].run_id}")


def _list_stuck(output: Output, workflow: str, dsn: str) -> None:
    from promo_campaigns.connections.airflow_dag_runs import read_dag_runs
    from promo_campaigns.doctor.stuck_runs import find_stuck_runs
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(dsn)) as connection:
        found = find_stuck_runs(connection, read_dag_runs)
    rows = [one for one in found.as_dicts() if workflow in ("", one["workflow"])]
    output.rows(rows, empty="No run is stuck.", columns=(*_COLUMNS[:2], "dag_run", *_COLUMNS[2:]))
    if found.not_asked:
        how = "run this with the environment of Airflow's components to find DAG runs that failed or are gone"
        print(f"Airflow was not asked: {found.not_asked}; {how}", file=sys.stderr)


def show(key: NewestRun = "", *, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """Show where a run stands: its state, since when, by whom and why, and its counts."""
    from promo_campaigns.ledger.oversight.first_share import read_first_share
    from promo_campaigns.ledger.run_list import find_run, read_line
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(dsn)) as connection:
        line = read_line(connection, find_run(connection, key).run_id).as_dict()
        first = read_first_share(connection, line["run_id"])
    shown = {name: readable(name, value) for name, value in line.items()} | (
        {"first_share": str(first)} if first else {}
    )
    width = max(map(len, shown))
    text = "\n".join(f"{name.replace('_', ' '):{width}}  {value}".rstrip() for name, value in shown.items())
    Output(as_json=as_json, fields=fields).record({**line, "first_share": first.as_dict() if first else None}, text)
