"""Waiting for a receiver, a lease, codes, or the end of quiet hours or a halt: no worker is held, no retry spent."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import HeldUpError, ReceiverUnavailableError, RunCancelledError, StockAwaitedError
from promo_campaigns.model.run import clock_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import BaseOperator

RESUME = "resume"
_GRACE_S = 1.0


@contextmanager
def rescheduled(operator: BaseOperator, wait_s: float | None = None) -> Iterator[None]:
    """Defer the task when it is known how long to wait; ``operator.resume`` goes on then.

    The trigger only waits: nothing is ever sent from it. A task that has nobody left in a run that was cancelled is
    skipped.

    :param wait_s: how long to wait for codes, of which nobody knows when they come
    """
    try:
        with skipped_if_cancelled():
            yield
    except (ReceiverUnavailableError, HeldUpError, StockAwaitedError) as error:
        wait_s = wait_s if isinstance(error, StockAwaitedError) else error.wait_s
        if wait_s is None:
            raise
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        operator.log.warning("%s. This task goes on at %s", error, clock_time(wait_s + _GRACE_S))
        operator.defer(trigger=TimeDeltaTrigger(timedelta(seconds=wait_s + _GRACE_S)), method_name=RESUME)


@contextmanager
def skipped_if_cancelled() -> Iterator[None]:
    """Skip a task that has nothing left to do, since a person has cancelled its run; the reason names who."""
    try:
        yield
    except RunCancelledError as error:
        from airflow.sdk.exceptions import AirflowSkipException

        raise AirflowSkipException(str(error)) from error
