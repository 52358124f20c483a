"""The circuit breaker of a receiver, shared by all workers through one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.delivery.throttle.breaker import (
    COOL_S,
    FAILURES_IN_A_ROW,
    FREE,
    PROBE_S,
    PROBE_SIZE,
    Admission,
    count_calls,
)
from promo_campaigns.postgres.retry import retry_on_deadlock
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.outcome import DeliveryResult
    from promo_campaigns.postgres.reconnecting import Store

_SQL = queries(__name__)


class PostgresBreaker:
    """What all workers know of one receiver.

    :param connection: the store, in autocommit mode
    :param receiver: a transport's or a connection's name
    """

    def __init__(self, connection: Store, receiver: str) -> None:
        self._connection = connection
        self._receiver = receiver
        self._know()

    @retry_on_deadlock
    def admit(self) -> Admission:
        """Say whether this worker may call: any number while the breaker is closed, one as the probe, or none.

        A receiver that refused every caller may have been corrected since: each worker may call it for one contact.
        """
        row = self._connection.execute(_SQL["admit"], {"name": self._receiver, "probe_s": PROBE_S}).fetchone()
        if row is None or row["closed"]:
            return FREE
        if row["at_fault"]:
            return Admission(limit=PROBE_SIZE, at_fault=row["at_fault"])
        if row["probe_until"]:
            return Admission(limit=PROBE_SIZE, probe_until=row["probe_until"])
        return Admission(limit=0, wait_s=max(row["wait_s"], 1.0))

    @retry_on_deadlock
    def report(self, results: Sequence[DeliveryResult], admission: Admission = FREE) -> None:
        """Tell the other workers what calls came to; a probe that found nothing out is given back.

        :param admission: under which the calls were made
        """
        counts = count_calls(results)
        if not counts.succeeded and not counts.failed:
            if admission.probe_until is not None:
                probe = {"name": self._receiver, "probe_until": admission.probe_until}
                self._connection.execute(_SQL["give_probe_back"], probe)
            return
        told = {
            "name": self._receiver,
            "succeeded": counts.succeeded,
            "failed": counts.failed,
            "opens": counts.opens,
            "for_good": counts.for_good,
            "reason": counts.reason,
            "limit": FAILURES_IN_A_ROW,
            "cool_s": COOL_S,
        }
        self._connection.execute(_SQL["report_calls"], told)

    @retry_on_deadlock
    def _know(self) -> None:
        self._connection.execute(_SQL["know_receiver"], {"name": self._receiver})
