"""``promo runs cancel``, ``pause`` and ``resume``: what a person says of a run that is under way."""

from __future__ import annotations

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Reason, RunKey
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress

CANCEL_EXAMPLES = ('promo runs cancel welcome/edition/spring --reason "wrong text"',)
PAUSE_EXAMPLES = ('promo runs pause welcome/edition/spring --reason "the shop is down"',)
RESUME_EXAMPLES = ("promo runs resume welcome/edition/spring",)


def cancel(key: RunKey, *, reason: Reason = "", as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """Cancel a run: nobody new is sent to, and codes that nobody saw go back to the pool.

    What was sent, or may have been, stays. Calls under way come to their end. The tasks of its DAG run are skipped and
    End closes it; without a DAG run it is closed here. Cancelling again changes nothing that is done.
    """
    from promo_campaigns.ledger.interventions import cancel_run
    from promo_campaigns.ledger.run_list import find_run
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection, progress("Cancelling the run"):
        done = cancel_run(connection, find_run(connection, key).run_key, reason=reason)
    record = {"run_key": done.run_key, "skipped": done.skipped, "under_way": done.under_way}
    rest = (
        f"still open: {done.under_way}; its DAG run closes it, or promo runs cancel again"
        if done.under_way
        else "closed"
    )
    output.record(record, f"{done.run_key}\tcancelled, {done.skipped:,} contacts are sent nothing\t{rest}")


def pause(key: RunKey, *, reason: Reason = "", as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """Pause a run: nobody new is given a code or sent to until promo runs resume.

    Its tasks wait meanwhile, without a worker. Profiles of contacts whose message was accepted are still written.
    """
    from promo_campaigns.ledger.interventions import pause_run
    from promo_campaigns.ledger.run_list import find_run
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        run = find_run(connection, key)
        pause_run(connection, run.run_key, reason=reason)
    output.record({"run_key": run.run_key, "state": "paused"}, f"{run.run_key}\tpaused")


def resume(
    key: RunKey, *, reason: Reason = "", as_json: AsJson = False, fields: Fields = "", dsn: Dsn = ""
) -> ExitStatus:
    """Let a run go on that is paused, or allow one that was cancelled to be run again.

    The tasks of a paused run go on within a minute. The exit status is 1 if it was neither.
    """
    from promo_campaigns.ledger.interventions import resume_run
    from promo_campaigns.ledger.run_list import find_run
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        run = find_run(connection, key)
        lifted = resume_run(connection, run.run_key, reason=reason)
    told = "goes on" if lifted else "was neither paused nor cancelled"
    if lifted and run.cancelled:
        told = "may be run again: clear its DAG run to send to the contacts that were skipped"
    output.record({"run_key": run.run_key, "resumed": lifted}, f"{run.run_key}\t{told}")
    return ExitStatus.OK if lifted else ExitStatus.NO
