"""Opening, reading and closing runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from promo_campaigns.code_files.starts import start_codes
from promo_campaigns.contacts.audience_values import keep_values, lacks_values
from promo_campaigns.contacts.audiences import audience_query, count_strangers
from promo_campaigns.ledger.batch_sizes import best_batch_size
from promo_campaigns.ledger.chains.forecast import pool_arrays
from promo_campaigns.ledger.chains.given import keep_given
from promo_campaigns.ledger.fallback import open_fallback
from promo_campaigns.ledger.halts import end_cancelled, read_halt
from promo_campaigns.ledger.matching.contacts import match_again, match_arrays, match_contacts
from promo_campaigns.ledger.oversight.first_share import draw_first_share
from promo_campaigns.ledger.repeats import require_no_repeat
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.ledger.restores import restoring, told_sends
from promo_campaigns.ledger.start_checks import audience_problem, require_zones, run_problem, zone_problem
from promo_campaigns.ledger.stock_forecast import compact_stock, count_demand, keep_forecast, weigh, weigh_stock
from promo_campaigns.model.assignment_state import IN_FLIGHT, AssignmentState
from promo_campaigns.model.errors import (
    ConfigurationError,
    LedgerError,
    RunCancelledError,
    RunNotFinishedError,
    RunUnknownError,
)
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.limits import limit_parameters
from promo_campaigns.model.oversight.halt import HaltKind
from promo_campaigns.model.run import MAX_BATCHES, Batch, Mode, Run
from promo_campaigns.model.run_spec import RunSpec
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from promo_campaigns.model.errors import PromoError
    from promo_campaigns.model.oversight.first_share import StartWith
    from promo_campaigns.model.run_report import RunReport
    from promo_campaigns.model.run_spec import CodeRequest
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_ASSIGNMENT = queries("promo_campaigns.ledger.assignments")
_EDITION = "To send to others, give the send an edition of its own"


def open_run(  # noqa: PLR0913  (what may differ between two openings, one keyword each)
    connection: Connection,
    spec: RunSpec,
    *,
    run_key: str,
    send_by: datetime | None = None,
    mode: Mode | None = None,
    freeze: Callable[[int], None] | None = None,
    stock_policy: StockPolicy = StockPolicy.FAIL,
    approval: bool = False,
    abort_at: float | None = None,
    start_with: StartWith | None = None,
    confirm_within: timedelta | None = None,
    due_at: datetime | None = None,
) -> Run:
    """Open the run of an occurrence and freeze its audience, or find it open, or open it again.

    A closed run is opened again for contacts it did not reach (``missing``), is found closed (``profiles``), or is an
    error (``refuse``). One transaction: after an error nothing is left of a new run.

    :param run_key: names the occurrence
    :param send_by: nobody is sent anything from then on
    :param mode: what to do with a closed run; by default what the run itself says, ``missing`` unless it was set
    :param freeze: adds the audience to a new run, given its id, in place of the spec's own, and lets the planner know
    :param stock_policy: what to do when the pool is too small
    :param approval: whether a person must approve what is opened, or opened again, before a code is given out
    :param abort_at: a new run pauses itself once more than so many percent were refused or are unknown, of a hundred at
        least; None for never
    :param start_with: a new run goes to a first share before all others, and pauses itself if ``abort_at`` fits that
    :param confirm_within: a new run is refused if another of the same workflow, definition and audience was opened so
        short a time before; None if it is meant
    :param due_at: when it was to be run first; None for now
    :raises RunClosedError: the run is closed, and its mode is ``refuse``; or it is archived
    :raises RunCancelledError: it was cancelled, and is closed; ``RestoredRunError``: it may have been sent before
    :raises RunSpecChangedError: the occurrence was opened with another definition
    :raises RepeatedRunError: the same was opened a short time before
    :raises PoolShortageError: the open runs need more codes than the pool holds; ``StockAwaitedError`` if it shall wait
    :raises DefinitionError: the audience's SELECT fails
    :raises ConfigurationError: the server does not know the zone of quiet hours, or the fallback code is of the pool
    """
    with connection.transaction():
        _raise(zone_problem(connection, spec.limits))
        open_fallback(connection, spec.fallback, spec.codes)
        _lock_pools(connection, spec.codes)
        strangers = 0
        row = {**_run_row(spec, run_key, send_by), "approval": approval, "abort_at": abort_at, **_staged(start_with)}
        added = connection.execute(_SQL["add_run"], row).fetchone()
        if added is not None:
            require_no_repeat(connection, added["run_id"], spec, confirm_within)
            restoring.require_decided(connection, added["run_id"], run_key, due_at)
            strangers = _freeze_audience(connection, added["run_id"], spec, freeze, start_with)
        run = _find(connection, "read_run_by_key", run_key=run_key)
        _raise(run_problem(run, spec, mode))
        run = replace(run, mode=mode or run.mode)
        reopened = run.closed and _reopen(connection, run, approval=approval)
        _weigh(connection, run, stock_policy, is_new=added is not None or reopened, strangers=strangers)
    return run


def _weigh(connection: Connection, run: Run, stock_policy: StockPolicy, *, is_new: bool, strangers: int) -> None:
    """Weigh the stock against what the run needs; of one that is opened now, begin with what was told of it."""
    if is_new:
        count_demand(connection, run.run_id)
        told_sends.apply_told(connection, run.run_id)
    if run.mode is not Mode.PROFILES and not run.cancelled:
        forecast = weigh_stock(connection, run.run_id, run.spec, stock_policy)
        if is_new:
            keep_forecast(connection, run.run_id, forecast, stock_policy, strangers=strangers)


def set_mode(connection: Connection, run_key: str, mode: Mode, *, by: str = "", reason: str = "") -> None:
    """Say what running this run again shall do once it is closed; the audit notes who said it.

    :param by: who says it; by default the account of this process
    :param reason: why, where somebody said it
    :raises RunUnknownError: there is no such run
    """
    with audited(connection, f"mode {mode.value}", f"run {run_key}", actor=by, reason=reason) as entry:
        if connection.execute(_SQL["set_mode"], {"run_key": run_key, "mode": mode.value}).fetchone() is None:
            raise RunUnknownError(run_key)
        entry.rows = 1


def read_run(connection: Connection, run_id: int) -> Run:
    """Return a run.

    :raises RunUnknownError: there is no such run
    """
    return _find(connection, "read_run", run_id=run_id)


def read_run_by_key(connection: Connection, run_key: str) -> Run:
    """Return the run of an occurrence.

    :raises RunUnknownError: there is no such run
    """
    return _find(connection, "read_run_by_key", run_key=run_key)


def has_run(connection: Connection, run_key: str) -> bool:
    """Return whether the run of an occurrence was ever opened."""
    return connection.execute(_SQL["read_run_by_key"], {"run_key": run_key}).fetchone() is not None


def is_closed(connection: Connection, run_key: str) -> bool:
    """Return whether the run of an occurrence was opened and closed."""
    row = connection.execute(_SQL["read_run_by_key"], {"run_key": run_key}).fetchone()
    return row is not None and row["closed_at"] is not None


def lock_free_codes(connection: Connection, codes: CodeRequest) -> int:
    """Return how many codes no open run has still to claim; holds the pools until the transaction ends."""
    _lock_pools(connection, codes)
    return weigh(connection, codes).free


def read_batches(
    connection: Connection, run: Run, batch_size: int | None = None, *, task_slots: int = 1
) -> list[Batch]:
    """Cut the run's audience into batches, in the order of contact ids; where quiet hours are kept, by time zone first.

    The batches of a first share come before those of all others.

    :param batch_size: contacts a batch, at least 1; raised where there would be more than 1,000 batches. None for what
        ``ledger.batch_sizes`` finds best
    :param task_slots: how many batches can be worked on at a time
    """
    if batch_size is not None and batch_size < 1:
        msg = f"batch_size must be at least 1, not {batch_size}"
        raise ConfigurationError(msg)
    audience = connection.execute(_SQL["measure_audience"], {"run_id": run.run_id}).fetchone() or {}
    contacts, shared = audience["contacts"], run.spec.fallback
    contact_bytes = audience["contact_bytes"] + (len(shared.code.encode()) + 2 if shared else 0)
    if batch_size is None:
        batch_size = best_batch_size(contacts, task_slots=task_slots, contact_bytes=contact_bytes)
    query, parts = "read_batches", 0
    if run.spec.limits.quiet_hours:
        zones = connection.execute(_SQL["count_zones"], {"run_id": run.run_id}).fetchall()[0]["zones"]
        query, parts = "read_zone_batches", zones
    if run.staged:
        query, parts = "read_batches_by_share", 2 * max(parts, 1)
    most = max(1, MAX_BATCHES - parts)  # one batch of each part may be a small one
    size = max(batch_size, -(-contacts // most))
    rows = connection.execute(_SQL[query], {"run_id": run.run_id, "batch_size": size}).fetchall()
    repair = run.closed and run.mode is Mode.PROFILES
    return [Batch(run_id=run.run_id, repair=repair, **row) for row in rows]


def close_run(connection: Connection, run_id: int) -> RunReport:
    """Close a run in which everybody has an outcome, and report it; a closed run is reported again.

    In one that was cancelled, contacts who wait are skipped first.

    :raises RunNotFinishedError: somebody is still to be sent to, or an accepted code is not on its profile
    """
    if read_run(connection, run_id).cancelled:
        end_cancelled(connection, run_id)
    with connection.transaction():
        run = connection.execute(_SQL["lock_run"], {"run_id": run_id}).fetchall()[0]
        open_states = [*IN_FLIGHT, *([AssignmentState.ACCEPTED] if run["records"] else [])]
        which = {"run_id": run_id, "states": [state.value for state in open_states]}
        counts = connection.execute(_SQL["count_open"], which).fetchall()
        if counts:
            named = ", ".join(f"{row['contacts']} {row['state']}" for row in counts)
            msg = f"run {run['run_key']} cannot be closed: {named}; retry or clear the tasks that failed"
            unfinished = RunNotFinishedError(msg)
            unfinished.named = named
            raise unfinished
        connection.execute(_SQL["close_run"], {"run_id": run_id})
        if run["is_chained"]:
            keep_given(connection, run_id)
        return read_report(connection, run_id)


def _lock_pools(connection: Connection, codes: CodeRequest) -> None:
    """Let one transaction at a time weigh the stock of each pool, and keep what it reads short.

    All lock the pools of their chains in one order, so that no two wait for each other.
    """
    start_codes(connection)
    for pool in sorted(codes.pools, key=lambda pool: (pool.type, pool.discount)):
        connection.execute(_SQL["lock_pool"], {"type": pool.type, "discount": pool.discount})
        compact_stock(connection, pool)


def _pools(codes: CodeRequest) -> dict[str, Any]:
    chain = pool_arrays(codes.pools) if codes.next_pools or codes.match else {"types": None, "discounts": None}
    return {
        **match_arrays(codes),
        "type": codes.type,
        "discount": codes.discount,
        "days": codes.days,
        "pool_types": chain["types"],
        "pool_discounts": chain["discounts"],
    }


def _run_row(spec: RunSpec, run_key: str, send_by: datetime | None) -> dict[str, Any]:
    return {
        "run_key": run_key,
        "workflow": spec.workflow,
        "spec": Jsonb(spec.as_dict()),
        "spec_sha256": spec.sha256,
        "message": spec.message.name,
        "channel": spec.message.channel,
        "records": bool(spec.places(before=False)),
        "before": spec.places(before=True),
        "after": spec.places(before=False),
        "send_by": send_by,
        "hold_out": spec.hold_out,
        "reuses": spec.reuse.gives_again,
        **_pools(spec.codes),
        **limit_parameters(spec.limits),
    }


def _staged(start_with: StartWith | None) -> dict[str, Any]:
    if start_with is None:
        return {"start_with": None, "then_wait": None}
    return {"start_with": str(start_with), "then_wait": start_with.then}


def _find(connection: Connection, query: str, **parameters: int | str) -> Run:
    row = connection.execute(_SQL[query], parameters).fetchone()
    if row is None:
        raise RunUnknownError(next(iter(parameters.values())))
    return Run(
        run_id=row["run_id"],
        run_key=row["run_key"],
        spec=RunSpec.from_dict(row["spec"]),
        send_by=row["send_by"],
        mode=Mode(row["mode"]),
        closed=row["closed_at"] is not None,
        cancelled=row["halt"] == HaltKind.CANCELLED.value,
        staged=row["start_with"] is not None,
        archived_at=row["archived_at"],
    )


def _reopen(connection: Connection, run: Run, *, approval: bool) -> bool:
    """Open a closed run again if its mode says so, and tell whether somebody waits in it now."""
    if run.mode is not Mode.MISSING:
        return False
    restoring.require_decided(connection, run.run_id, run.run_key)
    if run.cancelled:
        msg = f"{read_halt(connection, run.run_id)}. {_EDITION}"
        raise RunCancelledError(msg)
    reopened = connection.execute(_ASSIGNMENT["reopen_missing"], {"run_id": run.run_id}).rowcount
    if reopened and lacks_values(connection, run.run_id, run.spec.audience):
        msg = f"run {run.run_key} is to be sent again, and what its audience told of contacts was erased. {_EDITION}"
        raise LedgerError(msg)
    if reopened:
        match_again(connection, run)
        if connection.execute(_SQL["reopen_run"], {"run_id": run.run_id, "approval": approval}).fetchone() is None:
            _raise(run_problem(read_run(connection, run.run_id), run.spec))  # it was archived meanwhile
    return bool(reopened)


def _freeze_audience(
    connection: Connection,
    run_id: int,
    spec: RunSpec,
    freeze: Callable[[int], None] | None,
    start_with: StartWith | None,
) -> int:
    """Put its contacts into a new run, and return how many whom the audience names are nobody."""
    strangers = 0
    if freeze is not None:
        freeze(run_id)
    else:
        strangers = _add_audience(connection, run_id, spec)
        connection.execute(_SQL["weigh_audience"])
    if spec.limits.time_zone:
        require_zones(connection, run_id)
    draw_first_share(connection, run_id, start_with)
    match_contacts(connection, run_id, spec)
    return strangers


def _add_audience(connection: Connection, run_id: int, spec: RunSpec) -> int:
    audience = spec.audience
    with audience_query(audience, _SQL["add_audience"]) as (query, whose):
        told = connection.execute(query, {**whose, "run_id": run_id}).fetchall()[0]
    _raise(audience_problem(audience, told["added"]))
    keep_values(connection, run_id, audience)
    is_listed = audience.listed is not None or not audience.sql
    return count_strangers(connection, audience) if is_listed else int(told["strangers"])


def _raise(problem: PromoError | None) -> None:
    if problem:
        raise problem
