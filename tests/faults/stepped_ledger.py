"""The real ledger and the real breaker, with a step of their worker before and after each transaction."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from faults.workers import ConnectionDropped, Outermost
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.ledger.answered_ledger import make_ledger
from promo_campaigns.postgres.reconnecting import ReconnectingConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from faults.workers import Worker
    from promo_campaigns.delivery.throttle.breaker import Admission
    from promo_campaigns.ledger.answered_ledger import AnsweredLedger
    from promo_campaigns.ledger.ledger import PostgresLedger
    from promo_campaigns.model.outcome import DeliveryResult
    from promo_campaigns.model.run import Lease
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.reconnecting import Patience

_LEASE = """
select contact_id, extract(epoch from lease_until)::float8 as ends from promo.assignment
where run_id = %s and lease_token = %s
"""


class SteppedStore(ReconnectingConnection):
    """The real retries over a worker's connection: what it loses is rolled back, and others go on until it is back."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._live = worker.connection
        self._outermost = Outermost(worker)

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[dict[str, Any]]:  # noqa: ANN401  (the driver's)
        with self._outermost.block():
            return self._live.execute(*args, **kwargs)

    @contextmanager
    def transaction(self, *, force_rollback: bool = False) -> Iterator[None]:
        with self._outermost.block(), self._live.transaction(force_rollback=force_rollback):
            yield

    def recover(self, error: psycopg.Error, patience: Patience, *, insist: bool) -> None:  # noqa: ARG002  (the real one's)
        if not isinstance(error, ConnectionDropped) and not (insist and isinstance(error, psycopg.OperationalError)):
            raise error
        self._worker.connection.forget_time()
        self._worker.reconnect()


class SteppedLedger:
    """The real ledger of a run."""

    def __init__(self, worker: Worker, spec: RunSpec) -> None:
        self._worker = worker
        self._ledger: PostgresLedger | AnsweredLedger = make_ledger(SteppedStore(worker), spec)

    def begin_answers(self, run_id: int, contact_ids: Sequence[int], **terms: Any) -> Lease:  # noqa: ANN401  (the port's)
        return self._begin("begin_answers", run_id, contact_ids, terms)

    def begin_messages(self, run_id: int, contact_ids: Sequence[int], **terms: Any) -> Lease:  # noqa: ANN401  (likewise)
        return self._begin("begin_messages", run_id, contact_ids, terms)

    def begin_profiles(self, run_id: int, contact_ids: Sequence[int], **terms: Any) -> Lease:  # noqa: ANN401  (likewise)
        return self._begin("begin_profiles", run_id, contact_ids, terms)

    def record_answer_outcomes(self, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        self._record("record_answer_outcomes", lease, results)

    def record_message_outcomes(self, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        self._record("record_message_outcomes", lease, results)

    def record_profile_outcomes(self, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        self._record("record_profile_outcomes", lease, results)

    def count_alike(self, lease: Lease, detail: str, others: Sequence[int]) -> int:
        count = self._ledger.count_alike
        return self._worker.transact("count_alike", lambda: count(lease, detail, others), reconnects=True)

    def _record(self, name: str, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        self._worker.transact(name, lambda: getattr(self._ledger, name)(lease, results), reconnects=True)
        for recipient in lease.recipients:
            self._worker.leased.pop(recipient.contact_id, None)

    def _begin(self, name: str, run_id: int, contact_ids: Sequence[int], terms: dict[str, Any]) -> Lease:
        begin: Callable[..., Lease] = getattr(self._ledger, name)

        def begun() -> Lease:
            lease = begin(run_id, contact_ids, **terms)
            if lease.recipients:
                rows = self._worker.connection.execute(_LEASE, [lease.run_id, lease.token]).fetchall()
                self._worker.leased.update({row["contact_id"]: float(row["ends"]) for row in rows})
            return lease

        return self._worker.transact(name, begun, reconnects=True)


class SteppedBreaker:
    """The real breaker of a receiver."""

    def __init__(self, worker: Worker, receiver: str) -> None:
        self._worker = worker
        self._breaker = worker.transact(
            "know_receiver", lambda: PostgresBreaker(SteppedStore(worker), receiver), reconnects=True
        )

    def admit(self) -> Admission:
        return self._worker.transact("admit", self._breaker.admit, reconnects=True)

    def report(self, results: Sequence[DeliveryResult], admission: Admission) -> None:
        self._worker.transact("report", lambda: self._breaker.report(results, admission), reconnects=True)
