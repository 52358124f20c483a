"""``promo runs``: how each stands, who got which code, what it was worth, and what shall become of it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from promo_campaigns.cli.commands.of_runs import run_halts, run_list
from promo_campaigns.cli.commands.of_runs.run_export import EXAMPLES, export
from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import (
    INCLUDE,
    AllRuns,
    AsJson,
    Dsn,
    Fields,
    Include,
    NewestRun,
    OneRun,
    Reason,
    RunKey,
    Since,
    parse_since,
)
from promo_campaigns.cli.output import Output, printable
from promo_campaigns.cli.progress import progress
from promo_campaigns.cli.terminal import is_terminal
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.run import Mode

app = Commands()
app.add("list", *run_list.LIST_EXAMPLES)(run_list.list_all)
app.add("show", *run_list.SHOW_EXAMPLES)(run_list.show)
app.add("cancel", *run_halts.CANCEL_EXAMPLES)(run_halts.cancel)
app.add("pause", *run_halts.PAUSE_EXAMPLES)(run_halts.pause)
app.add("resume", *run_halts.RESUME_EXAMPLES)(run_halts.resume)
app.add("export", *EXAMPLES)(export)

Within = Annotated[str, typer.Option("--within", metavar="SPAN", help="How long after a run was opened, such as 14d.")]
Conversions = Annotated[str, typer.Option("--conversions", metavar="NAME", help="A file of include/conversions.")]
Redemptions = Annotated[
    str,
    typer.Option("--redemptions", metavar="CURRENCY", help="Redeemed codes, in place of a file; what was paid in EUR."),
]
Event = Annotated[str, typer.Option("--event", metavar="TYPE", help="A type of event, in place of a file.")]


@app.add("mode", "promo runs mode welcome/edition/spring missing")
def mode(
    key: RunKey,
    mode: Annotated[
        Mode,
        typer.Argument(
            metavar="MODE",
            help="missing: send only to contacts that were not reached; profiles: write their profiles again; "
            "refuse: do nothing.",
        ),
    ],
    *,
    reason: Reason = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Say what running a closed run again does."""
    from promo_campaigns.ledger.run_list import find_run
    from promo_campaigns.ledger.runs import set_mode
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        key = find_run(connection, key).run_key
        set_mode(connection, key, mode, reason=reason)
    output.record({"run_key": key, "mode": mode.value}, f"{key}\t{mode.value}")


@app.add("approve", "promo runs approve welcome/edition/spring")
def approve(key: RunKey, *, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> ExitStatus:
    """Approve a run that waits for it.

    The exit status is 1 if it was rejected before.
    """
    return _decide(key, dsn, Output(as_json=as_json, fields=fields), approved=True)


@app.add("reject", "promo runs reject welcome/edition/spring")
def reject(key: RunKey, *, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> ExitStatus:
    """Reject a run that waits for approval.

    The exit status is 1 if it was approved before.
    """
    return _decide(key, dsn, Output(as_json=as_json, fields=fields), approved=False)


def _decide(key: str, dsn: str, output: Output, *, approved: bool) -> ExitStatus:
    from promo_campaigns.ledger.approvals import decide
    from promo_campaigns.ledger.run_list import find_run
    from promo_campaigns.model.approval import ApprovalStatus
    from promo_campaigns.postgres.audit import account
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(dsn)) as connection:
        run = find_run(connection, key)
        approval = decide(connection, run.run_id, approved=approved, by=account())
    if approval.status is None:
        msg = f"nobody is asked about run {run.run_key}"
        raise ConfigurationError(msg)
    decided = {"run_key": run.run_key, "decision": approval.status.value, "by": approval.by}
    output.record(decided, f"{run.run_key}\t{approval.status.value} by {approval.by or 'nobody in time'}")
    return ExitStatus.OK if (approval.status is ApprovalStatus.GIVEN) is approved else ExitStatus.NO


@app.add("report", "promo runs report welcome/edition/spring", "promo runs report --json")
def report(key: NewestRun = "", *, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """Count the contacts that were given a code, and those that were not, by reason.

    A table on a terminal, and Markdown elsewhere.
    """
    from promo_campaigns.ledger.reports import read_report
    from promo_campaigns.ledger.run_list import find_run
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection, progress("Counting the run"):
        found = read_report(connection, find_run(connection, key).run_id)
    for_person = is_terminal(sys.stdout)
    output.record(found.as_dict(), printable(found.as_table(), "\n") if for_person else found.as_markdown())


@app.add(
    "uplift",
    "promo runs uplift welcome/edition/spring --conversions order_paid --within 14d",
    "promo runs uplift --workflow welcome_push --since 2026-01-01 --event OrderPaid --within 7d --json",
)
def uplift(
    key: OneRun = "",
    *,
    within: Within,
    conversions: Conversions = "",
    event: Event = "",
    redemptions: Redemptions = "",
    workflow: AllRuns = "",
    since: Since = "",
    include: Include = INCLUDE,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Compare contacts that were given a code with those that were held out."""
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.uplift.measure import Question, measure_uplift

    output = Output(as_json=as_json, fields=fields)
    question = Question(
        run_key=key,
        workflow=workflow,
        since=parse_since(since),
        conversions=conversions,
        event=event,
        redemptions=redemptions,
        within=within,
    )
    with connect(find_dsn(dsn)) as connection, progress("Measuring the uplift"):
        found = measure_uplift(connection, include, question)
    output.record(found.as_dict(), found.as_markdown())
