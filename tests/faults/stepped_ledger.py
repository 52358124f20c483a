"""The real ledger and the real breaker, with a step of their worker before and after each transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.adapters.answered_ledger import ledger_of
from promo_campaigns.adapters.breaker import PostgresBreaker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faults.workers import Worker
    from promo_campaigns.adapters.answered_ledger import AnsweredLedger
    from promo_campaigns.adapters.ledger import PostgresLedger
    from promo_campaigns.core.breaker import Admission
    from promo_campaigns.core.models import Lease, RunSpec, Verdict

_LEASE = """
select contact_id, extract(epoch from lease_until)::float8 as ends from promo.assignment
where run_id = %s and lease_token = %s
"""


class SteppedLedger:
    """The real ledger of a run."""

    def __init__(self, worker: Worker, spec: RunSpec) -> None:
        self._worker = worker
        self._ledger: PostgresLedger | AnsweredLedger = ledger_of(worker.connection, spec)

    def begin_answers(self, run_id: int, contact_ids: Sequence[int], **terms: Any) -> Lease:  # noqa: ANN401  (the port's)
        return self._begin("begin_answers", run_id, contact_ids, terms)

    def begin_messages(self, run_id: int, contact_ids: Sequence[int], **terms: Any) -> Lease:  # noqa: ANN401  (likewise)
        return self._begin("begin_messages", run_id, contact_ids, terms)

    def begin_profiles(self, run_id: int, contact_ids: Sequence[int], **terms: Any) -> Lease:  # noqa: ANN401  (likewise)
        return self._begin("begin_profiles", run_id, contact_ids, terms)

    def settle_answers(self, lease: Lease, verdicts: Sequence[Verdict]) -> None:
        self._settle("settle_answers", lease, verdicts)

    def settle_messages(self, lease: Lease, verdicts: Sequence[Verdict]) -> None:
        self._settle("settle_messages", lease, verdicts)

    def settle_profiles(self, lease: Lease, verdicts: Sequence[Verdict]) -> None:
        self._settle("settle_profiles", lease, verdicts)

    def _settle(self, name: str, lease: Lease, verdicts: Sequence[Verdict]) -> None:
        self._worker.transact(name, lambda: getattr(self._ledger, name)(lease, verdicts))
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

        return self._worker.transact(name, begun)


class SteppedBreaker:
    """The real breaker of a receiver."""

    def __init__(self, worker: Worker, receiver: str) -> None:
        self._worker = worker
        self._breaker = worker.transact("know_receiver", lambda: PostgresBreaker(worker.connection, receiver))

    def admit(self) -> Admission:
        return self._worker.transact("admit", self._breaker.admit)

    def report(self, verdicts: Sequence[Verdict], admission: Admission) -> None:
        self._worker.transact("report", lambda: self._breaker.report(verdicts, admission))
