"""``promo db restored``, ``reconcile`` and ``decide``: a store that was brought back from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Reason, parse_time
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress, reading_file
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.oversight.decision import FreeCodes, Rest

if TYPE_CHECKING:
    from promo_campaigns.ledger.restores.deciding import Decided
    from promo_campaigns.ledger.restores.restoring import Left, Restore
    from promo_campaigns.ledger.restores.told_sends import Reconciled

RESTORED_EXAMPLES = ("promo db restored --to 2027-03-31T02:00Z", "promo db restored")
RECONCILE_EXAMPLES = ("promo db reconcile gateway_log.csv",)
DECIDE_EXAMPLES = (
    "promo db decide --rest unsent --free-codes withdraw",
    'promo db decide --run welcome/edition/spring --rest sent --reason "the gateway lost its log"',
)
_REASONS_SHOWN = 20
_NEXT = (
    "Erasures, unsubscriptions, contacts and code files since then are forgotten too: repeat them. Then tell what was "
    "sent: promo db reconcile FILE; and decide what is left: promo db decide"
)


def restored(
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="TIME", help="The last moment that the store knows; UTC without an offset.")
    ] = "",
    reason: Reason = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Say that the store was restored from a backup, so that nothing is sent twice; or show what is left to decide.

    With --to, all sending waits, and each run that is open: its contacts may have been sent to since. Only the owner of
    the store may say so. Without it, the exit status is 1 while something is left to decide.
    """
    from promo_campaigns.ledger.restores.restoring import read_left, read_restore, say_restored
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection, progress("Freezing what may have been sent"):
        found = say_restored(connection, parse_time("--to", to), reason=reason) if to else read_restore(connection)
        left = read_left(connection) if found and found.lifted_at is None else None
    output.record(_record(found, left), _in_words(found, left))
    return ExitStatus.NO if left and not to else ExitStatus.OK


def _record(found: Restore | None, left: Left | None) -> dict[str, Any]:
    told = {
        "restored_to": found and found.restored_to,
        "said_at": found and found.said_at,
        "said_by": found and found.said_by,
        "free_codes": found and found.free_codes,
        "rest": found and found.rest,
        "lifted_at": found and found.lifted_at,
    }
    return told | {"left": left and left.as_dict()}


def _in_words(found: Restore | None, left: Left | None) -> str:
    if found is None:
        return "Nobody has said that this store was restored."
    to = f"The store was restored to {found.restored_to:%Y-%m-%d %H:%M:%S %Z}, says {found.said_by}"
    return f"{to}.\n{_left_in_words(found, left)}" if left else f"{to}; all is decided."


def _left_in_words(found: Restore, left: Left) -> str:
    lines = ["Left to decide:"]
    lines += [f"  {run.run_key}: {run.unknown:,} perhaps sent, {run.pending:,} without a code" for run in left.runs]
    if not found.rest:
        lines.append(f"  runs since then, which are not known, and {left.events:,} events")
    if not found.free_codes:
        lines.append(f"  {left.free:,} codes that are free, or were given since; nobody is sent to until it is said")
    if left.forgotten_sends:
        lines.append(f"{left.forgotten_sends:,} sends of {left.forgotten_runs:,} runs that are not known were told of")
    return "\n".join([*lines, _NEXT])


def reconcile(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV, JSON or XLSX: contact_id or external_id, code, run_key, sent_at, …"),
    ],
    *,
    reason: Reason = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Tell a restored store who was sent which code, from a receiver's log or an export of runs.

    Those contacts count as sent to. A row that the ledger contradicts is reported, and its code leaves the pool. The
    exit status is 1 if there are such rows.
    """
    from promo_campaigns.ledger.restores.told_sends import reconcile_file
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    if not file.is_file():
        msg = f"there is no file {file}"
        raise ConfigurationError(msg)
    with connect(find_dsn(dsn)) as connection, reading_file(file) as stream:
        done = reconcile_file(connection, stream, file=file.name, reason=reason)
    output.record(done.as_dict(), _reconciled_in_words(done))
    return ExitStatus.NO if done.rejected_count else ExitStatus.OK


def _reconciled_in_words(done: Reconciled) -> str:
    counts = f"{done.told:,} told of, {done.accepted:,} newly known as sent, {done.rejected_count:,} rejected"
    lines = [f"{done.file}: {done.rows:,} rows: {counts}"]
    lines += [f"  {group.in_words(done.row_noun)}" for group in done.rejected_by_reason[:_REASONS_SHOWN]]
    if done.forgotten:
        lines.append(f"{done.forgotten:,} rows are of runs that the store does not know, which will begin with them")
    return "\n".join(lines)


def decide(
    *,
    rest: Annotated[
        Rest | None,
        typer.Option(
            "--rest",
            help="Of whom nobody told: sent, so that they are sent nothing more; unsent, so that all goes on as if "
            "nothing had been sent since.",
        ),
    ] = None,
    run: Annotated[str, typer.Option("--run", metavar="KEY", help="--rest of this run only.")] = "",
    free_codes: Annotated[
        FreeCodes | None,
        typer.Option(
            "--free-codes",
            help="withdraw: any of them may be somebody's, and they leave the pools for good; release: they are given "
            "out again.",
        ),
    ] = None,
    reason: Reason = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Say what became of all that a restored store has forgotten and nobody told of; then runs go on.

    Runs go on once they are decided, and the codes that were free.
    """
    from promo_campaigns.ledger.restores import deciding
    from promo_campaigns.postgres.connection import connect

    if not (rest or free_codes) or (run and not rest):
        msg = "give --rest sent|unsent, which --run KEY may narrow, or --free-codes withdraw|release, or both"
        raise ConfigurationError(msg)
    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection, progress("Deciding what is left"):
        done = deciding.decide(connection, rest=rest, run_key=run, free_codes=free_codes, reason=reason)
    record = {name: getattr(done, name) for name in ("runs", "sends", "skipped", "withdrawn", "lifted")}
    output.record(record, _decided_in_words(done))


def _decided_in_words(done: Decided) -> str:
    counts = f"{done.runs:,} runs decided: {done.sends:,} sends, {done.skipped:,} contacts are sent nothing more"
    end = "all is decided, and nothing waits any more" if done.lifted else "promo db restored tells what is left"
    return f"{counts}; {done.withdrawn:,} codes withdrawn; {end}"
