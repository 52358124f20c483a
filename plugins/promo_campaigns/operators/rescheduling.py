"""Waiting for a receiver, a lease or the end of quiet hours without holding a worker and without spending a retry."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from promo_campaigns.core.errors import LeaseHeld, QuietHours, ReceiverUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import BaseOperator

RESUME = "resume"
_GRACE_S = 1.0


@contextmanager
def rescheduled(operator: BaseOperator) -> Iterator[None]:
    """Defer the task when it is known how long to wait; ``operator.resume`` goes on then.

    The trigger only waits: nothing is ever sent from it.
    """
    try:
        yield
    except (ReceiverUnavailable, LeaseHeld, QuietHours) as error:
        if error.wait_s is None:
            raise
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        operator.log.warning("%s", error)
        operator.defer(trigger=TimeDeltaTrigger(timedelta(seconds=error.wait_s + _GRACE_S)), method_name=RESUME)
