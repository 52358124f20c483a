"""What a person says of all that a restored store has forgotten, and that no receiver told of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.ledger.restores.restoring import WaitingRun, read_left, require_restore
from promo_campaigns.ledger.unknown_sends import fold_unknown, record_unknown
from promo_campaigns.model.errors import LedgerError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.oversight.decision import FreeCodes, Rest
from promo_campaigns.postgres.audit import account, audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a decision came to.

    :ivar runs: that wait no more
    :ivar sends: contacts of whom it was open whether they were sent to
    :ivar skipped: contacts who waited, and were sent to with a code that nobody knows
    :ivar withdrawn: free codes that left the pools
    :ivar lifted: whether all is decided, and nothing waits any more
    """

    runs: int = 0
    sends: int = 0
    skipped: int = 0
    withdrawn: int = 0
    lifted: bool = False


def decide(  # noqa: PLR0913  (what is said, of what, by whom, one keyword each)
    connection: Connection,
    *,
    rest: Rest | None = None,
    run_key: str = "",
    free_codes: FreeCodes | None = None,
    by: str = "",
    reason: str = "",
) -> Decided:
    """Say what became of all that nobody told of, run by run; what was decided before stays.

    :param rest: ``sent``: contacts left open were sent to, are sent nothing more, and what was due in that time is not
        opened any more; ``unsent``: all goes on as if nothing had been sent
    :param run_key: of this run only; by default of all that wait, and of what the store has forgotten
    :param free_codes: ``withdraw``: codes that are free may be somebody's, and leave the pools for good; ``release``:
        they are given out again
    :raises LedgerError: the store was not restored, all is decided already, or the run does not wait
    """
    restore = require_restore(connection)
    if restore.lifted_at is not None:
        msg = f"all that the store forgot when it was restored to {restore.restored_to.isoformat()} is decided already"
        raise LedgerError(msg)
    which, by = {"restore_id": restore.restore_id}, by or account()
    said = ", ".join(filter(None, [rest and f"rest {rest.value}", free_codes and f"free codes {free_codes.value}"]))
    subject = f"{said} of {f'run {run_key}' if run_key else 'the restored store'}"
    with audited(connection, "decide", subject, actor=by, reason=reason) as entry:
        runs = _waiting(connection, run_key) if rest else ()
        done = [_decide_run(connection, run, rest, by) for run in runs if rest]
        withdrawn = _decide_all(connection, which, None if run_key else rest, free_codes)
        lifted = connection.execute(_SQL["lift"], which).rowcount > 0
        sends, skipped = (sum(counts) for counts in zip((0, 0), *done, strict=True))
        entry.rows = sends + skipped + withdrawn
    return Decided(runs=len(done), sends=sends, skipped=skipped, withdrawn=withdrawn, lifted=lifted)


def take_for_unsent(connection: Connection, run_id: int, contact_ids: Sequence[int], *, detail: str) -> int:
    """Let contacts go on who count as perhaps sent to only because a restored store may have forgotten it.

    :param detail: who says that they were not
    :return: how many they were
    """
    write = _SQL["refuse_restored"]
    return fold_unknown(connection, run_id, contact_ids, Outcome.LATER, detail=detail, write=write)


def _waiting(connection: Connection, run_key: str) -> Sequence[WaitingRun]:
    runs = [run for run in read_left(connection).runs if run_key in {"", run.run_key}]
    if run_key and not runs:
        msg = f"run {run_key} waits for no decision; promo db restored lists those that do"
        raise LedgerError(msg)
    return runs


def _decide_run(connection: Connection, run: WaitingRun, rest: Rest, by: str) -> tuple[int, int]:
    """Decide a run in one transaction; return how many sends were left open, and how many contacts wait no more."""
    detail = f"decided {rest.value} after a restore, by {by}"
    which = {"run_id": run.run_id, "rest": rest.value}
    with connection.transaction():
        sends = sum(_decide_sends(connection, run.run_id, part, rest, detail) for part in _open(connection, run.run_id))
        skipped = 0
        if rest is Rest.SENT:
            skipped = connection.execute(_SQL["skip_restored"], which).fetchall()[0]["skipped"]
        connection.execute(_SQL["decide_run"], which)
    return sends, skipped


def _open(connection: Connection, run_id: int) -> Iterator[list[int]]:
    after = 0
    asked = {"run_id": run_id, "limit": _AT_ONCE}
    while rows := connection.execute(_SQL["next_restored"], {**asked, "after": after}).fetchall():
        yield [row["contact_id"] for row in rows]
        after = rows[-1]["contact_id"]


def _decide_sends(connection: Connection, run_id: int, contact_ids: list[int], rest: Rest, detail: str) -> int:
    if rest is Rest.SENT:
        return record_unknown(connection, run_id, contact_ids, Outcome.OK, detail=detail)
    return take_for_unsent(connection, run_id, contact_ids, detail=detail)


def _decide_all(connection: Connection, which: dict[str, int], rest: Rest | None, free_codes: FreeCodes | None) -> int:
    """Decide what is no run's: the runs and events that are forgotten, and codes; return how many were withdrawn."""
    withdrawn = 0
    with connection.transaction():
        connection.execute(_SQL["lock_decision"], which)
        if rest:
            connection.execute(_SQL["decide_rest"], {**which, "rest": rest.value})
            for statement in ("end_events",) if rest is Rest.SENT else ("end_answered_events", "let_events_wait"):
                connection.execute(_SQL[statement])
        if free_codes is FreeCodes.WITHDRAW:
            withdrawn = connection.execute(_SQL["withdraw_free"]).rowcount
        if free_codes:
            connection.execute(_SQL["decide_codes"], {**which, "free_codes": free_codes.value})
    return withdrawn
