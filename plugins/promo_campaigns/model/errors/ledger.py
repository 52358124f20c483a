"""What the ledger refuses: a run that is not opened, not worked on yet, or not closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.errors.base import PromoError

if TYPE_CHECKING:
    from collections.abc import Sequence


class LedgerError(PromoError):
    """The ledger refuses a request."""


class RunUnknownError(LedgerError):
    """There is no run of this id or key in the ledger.

    A task knows its run by the id, which a store that was restored may have forgotten; a person names a key.
    """

    def __init__(self, run: int | str) -> None:
        forgotten = "; if the store was restored since, clear the DAG run from Start on, which opens the run again"
        super().__init__(f"there is no run {run} in the ledger{forgotten if isinstance(run, int) else ''}")


class RunSpecChangedError(LedgerError):
    """The occurrence already has a run that was opened with another definition."""


class RunNotFinishedError(LedgerError):
    """The run still has contacts without an outcome, so it cannot be closed; ``named`` says how many, by state."""

    retryable = True
    named = ""


class RunClosedError(LedgerError):
    """The run is closed, and its mode refuses to run it again; or it is archived."""


class RunCancelledError(LedgerError):
    """The run was cancelled: nobody of it is given a code or sent anything any more."""


class RepeatedRunError(LedgerError):
    """The same workflow, definition and audience was opened minutes ago, and nobody said that it is meant twice."""


class RestoredRunError(LedgerError):
    """The store was restored from a backup, and the run may have been sent before."""


class NotApprovedError(LedgerError):
    """The run waits for an approval; no contact of it is given a code or sent anything."""


class InvariantBrokenError(LedgerError):
    """An invariant of the ledger does not hold; nothing more is sent."""


class PoolShortageError(LedgerError):
    """The pool holds fewer valid codes than the run needs; nothing was sent."""


class StockAwaitedError(PoolShortageError):
    """The pool holds too few codes so far; the run is opened once there are enough."""

    retryable = True


class StartRefusedError(LedgerError):
    """A preview found that Start will not open the run.

    :param refusals: what for, each a line
    :param files: where the preview lies
    """

    def __init__(self, refusals: Sequence[str], files: Sequence[str]) -> None:
        where = f" The preview lies in {', '.join(files)}" if files else ""
        super().__init__(f"Start will refuse: {'; '.join(refusals)}.{where}")


class LedgerConflictError(LedgerError):
    """The contacts and codes that a task was given do not agree with the ledger."""


class HeldUpError(LedgerError):
    """Some of the contacts can be worked on only later.

    :param message: what happened
    :param wait_s: seconds after which looking again makes sense
    """

    retryable = True

    def __init__(self, message: str, *, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(message)


class RunHaltedError(HeldUpError):
    """The run is paused, or all sending is stopped; it says by whom and when, and what lets it go on."""


class LeaseHeldError(HeldUpError):
    """Another worker is sending to some of the contacts, or was killed while it did; its lease is over then."""


class QuietHoursError(HeldUpError):
    """Some of the contacts are in their quiet hours; the first of them may be written to then."""


class FirstShareError(HeldUpError):
    """The run goes to a first share of its contacts before these; it says how far it is with them."""
