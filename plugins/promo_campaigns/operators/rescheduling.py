"""Waiting for a receiver without holding a worker and without spending a retry."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from promo_campaigns.core.errors import ReceiverUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import BaseOperator

RESUME = "resume"


@contextmanager
def rescheduled(operator: BaseOperator) -> Iterator[None]:
    """Defer the task when the receiver says how long it is to be left alone; ``operator.resume`` goes on then.

    The trigger only waits: nothing is ever sent from it.
    """
    try:
        yield
    except ReceiverUnavailable as error:
        if error.wait_s is None:
            raise
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        operator.log.warning("%s", error)
        operator.defer(trigger=TimeDeltaTrigger(timedelta(seconds=error.wait_s)), method_name=RESUME)
