"""What Airflow makes a worker do: the tasks of one DAG run in order, over the product's own functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import psycopg

from faults.oracles import broken_invariants
from faults.receiver_truth import Caller, SimulatedSender, SimulatedTransport
from faults.strands import LedgerThread, finish
from faults.virtual_clock import EPOCH_S
from integration.world import PROFILE, PUSH
from promo_campaigns.adapters import runs
from promo_campaigns.adapters.breaker import PostgresBreaker
from promo_campaigns.adapters.ledger import PostgresLedger
from promo_campaigns.adapters.templates import compile_data_source, compile_message
from promo_campaigns.core import sending
from promo_campaigns.core.errors import (
    InvariantBroken,
    LeaseHeld,
    LedgerConflict,
    PoolShortage,
    PromoError,
    ReceiverUnavailable,
    RunClosed,
    RunNotFinished,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faults.receiver_truth import Receiver
    from faults.small_world import World
    from faults.workers import Worker
    from promo_campaigns.core.breaker import Admission
    from promo_campaigns.core.models import Batch, Lease, Mode, Run, Verdict
    from promo_campaigns.core.rendering import MessageTemplates, RequestTemplates

TRIES = 3
WAITS = 9
EXPECTED = (PoolShortage, RunNotFinished, RunClosed, LedgerConflict, ReceiverUnavailable, LeaseHeld)
"""Errors that tell a person what to do; any other one is a failure of the product."""

_DELAY_S = 20.0
_LEASE = """
select contact_id, extract(epoch from lease_until)::float8 as ends from promo.assignment
where run_id = %s and lease_token = %s
"""


@dataclass(slots=True)
class DagRun:
    """One DAG run, with what its tasks handed over.

    :ivar occurrence: what it stands for; DAG runs of one occurrence are the same send
    :ivar name: Airflow's id of it, which means nothing to the ledger
    """

    occurrence: str
    name: str
    mode: Mode | None = None
    run: Run | None = None
    batches: Sequence[Batch] = ()
    reached: dict[int, list[int]] = field(default_factory=dict)
    given: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    accepted: dict[int, list[tuple[int, str]]] = field(default_factory=dict)


@cache
def message_templates() -> MessageTemplates:
    """Compile the message once for all schedules."""
    return compile_message(PUSH)


@cache
def request_templates() -> RequestTemplates:
    """Compile the data source once for all schedules."""
    return compile_data_source(PROFILE)


class SteppedLedger:
    """The real ledger with a step before and after each transaction."""

    def __init__(self, worker: Worker, ledger: PostgresLedger) -> None:
        self._worker = worker
        self._ledger = ledger

    def begin_messages(self, run_id: int, contact_ids: Sequence[int], **terms: Any) -> Lease:  # noqa: ANN401  (the port's)
        return self._begin("begin_messages", lambda: self._ledger.begin_messages(run_id, contact_ids, **terms))

    def begin_profiles(self, run_id: int, contact_ids: Sequence[int], **terms: Any) -> Lease:  # noqa: ANN401  (likewise)
        return self._begin("begin_profiles", lambda: self._ledger.begin_profiles(run_id, contact_ids, **terms))

    def settle_messages(self, lease: Lease, verdicts: Sequence[Verdict]) -> None:
        self._settle("settle_messages", lease, lambda: self._ledger.settle_messages(lease, verdicts))

    def settle_profiles(self, lease: Lease, verdicts: Sequence[Verdict]) -> None:
        self._settle("settle_profiles", lease, lambda: self._ledger.settle_profiles(lease, verdicts))

    def _settle(self, name: str, lease: Lease, settle: Callable[[], None]) -> None:
        self._worker.transact(name, settle)
        for recipient in lease.recipients:
            self._worker.leased.pop(recipient.contact_id, None)

    def _begin(self, name: str, begin: Callable[[], Lease]) -> Lease:
        def begun() -> Lease:
            lease = begin()
            if lease.recipients:
                rows = self._worker.connection.execute(_LEASE, [lease.run_id, lease.token]).fetchall()
                self._worker.leased.update({row["contact_id"]: float(row["ends"]) for row in rows})
            return lease

        return self._worker.transact(name, begun)


class SteppedBreaker:
    """The real breaker, likewise."""

    def __init__(self, worker: Worker, receiver: str) -> None:
        self._worker = worker
        self._breaker = worker.transact("know_receiver", lambda: PostgresBreaker(worker.connection, receiver))

    def admit(self) -> Admission:
        return self._worker.transact("admit", self._breaker.admit)

    def report(self, verdicts: Sequence[Verdict], admission: Admission) -> None:
        self._worker.transact("report", lambda: self._breaker.report(verdicts, admission))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The tasks of a DAG run, as the operators do them.

    :ivar key_of: names the run of a DAG run; the product's rule, or a planted bug
    """

    world: World
    messages: Receiver
    profiles: Receiver
    key_of: Callable[[DagRun], str]

    def body(self, dag_run: DagRun, first: int = 0) -> Callable[[Worker], None]:
        """Return the code of a worker that does the tasks of a DAG run from one of them on."""

        def follow(worker: Worker) -> None:
            for task in range(first, len(self.tasks)):
                worker.task = task
                self._insist(worker, dag_run, task)

        return follow

    @property
    def tasks(self) -> tuple[Callable[[Worker, DagRun], None], ...]:
        """The blocks, in order."""
        record = (self.record,) if self.world.records else ()
        return (self.start, self.get_contact, self.get_promo_code, self.message, *record, self.end)

    def start(self, worker: Worker, dag_run: DagRun) -> None:
        """Open the run and cut its batches."""
        send_by = self.world.send_by_s
        run = worker.transact(
            "open_run",
            lambda: runs.open_run(
                worker.connection,
                self.world.spec,
                run_key=self.key_of(dag_run),
                send_by=datetime.fromtimestamp(EPOCH_S + send_by, timezone.utc) if send_by else None,
                mode=dag_run.mode,
            ),
        )
        size = self.world.batch_size
        batches = worker.transact("read_batches", lambda: runs.read_batches(worker.connection, run, size))
        dag_run.run, dag_run.batches = run, batches

    def get_contact(self, worker: Worker, dag_run: DagRun) -> None:
        """Skip who cannot be reached."""
        ledger = PostgresLedger(worker.connection)
        for batch in dag_run.batches:
            read = ledger.accepted_contacts if batch.repair else ledger.reachable_contacts
            dag_run.reached[batch.first] = worker.transact("read_contacts", partial(read, batch))

    def get_promo_code(self, worker: Worker, dag_run: DagRun) -> None:
        """Claim codes."""
        ledger = PostgresLedger(worker.connection)
        for batch in dag_run.batches:
            whose = dag_run.reached.get(batch.first, [])

            def claim(batch: Batch = batch, whose: Sequence[int] = whose) -> list[tuple[int, str]]:
                if batch.repair:
                    return ledger.held_codes(batch.run_id, whose)
                return ledger.assign_codes(batch.run_id, whose, self.world.spec.codes)

            dag_run.given[batch.first] = worker.transact("assign_codes", claim)

    def message(self, worker: Worker, dag_run: DagRun) -> None:
        """Send to whoever is due."""
        ledger = PostgresLedger(worker.connection)
        for batch in dag_run.batches:
            given = dag_run.given.get(batch.first, [])
            if not batch.repair:
                self._send(worker, dag_run, ledger, [contact for contact, _ in given])

            def taken(batch: Batch = batch, given: Sequence[tuple[int, str]] = given) -> list[tuple[int, str]]:
                states = ledger.states(batch.run_id, [contact for contact, _ in given])
                reached = [contact for contact, state in states.items() if state in {"accepted", "recorded"}]
                return ledger.held_codes(batch.run_id, reached)

            dag_run.accepted[batch.first] = worker.transact("read_accepted", taken)

    def record(self, worker: Worker, dag_run: DagRun) -> None:
        """Record codes on profiles."""
        ledger = PostgresLedger(worker.connection)
        for batch in dag_run.batches:
            pairs = dag_run.accepted.get(batch.first, [])
            whose, codes = [contact for contact, _ in pairs], [code for _, code in pairs]
            worker.transact("require_codes", partial(ledger.require_codes, batch.run_id, whose, codes))
            caller = self._caller(worker, self.profiles, dag_run.occurrence)
            finish(
                sending.record_profiles(
                    ledger=SteppedLedger(worker, ledger),
                    breaker=SteppedBreaker(worker, "profiles"),
                    sender=SimulatedSender(caller=caller, in_flight=self.world.in_flight),
                    templates=request_templates(),
                    run=_opened(dag_run),
                    contact_ids=whose,
                    repair=batch.repair,
                    aside=self._aside(worker),
                )
            )
            worker.transact("require_no_lease", partial(ledger.require_no_lease, batch.run_id, whose))

    def end(self, worker: Worker, dag_run: DagRun) -> None:
        """Close the run and check it."""
        run_id = _opened(dag_run).run_id
        worker.transact("close_run", lambda: runs.close_run(worker.connection, run_id))
        broken = worker.transact("require_invariants", lambda: broken_invariants(worker.connection, run_id))
        if broken:
            raise InvariantBroken(broken[0])

    def transport(self, worker: Worker, occurrence: str) -> SimulatedTransport:
        """Return a worker's way to the receiver of messages."""
        return SimulatedTransport(
            caller=self._caller(worker, self.messages, occurrence),
            in_flight=self.world.in_flight,
            resend_within_s=self.world.window_s / 2,
        )

    def _caller(self, worker: Worker, receiver: Receiver, occurrence: str) -> Caller:
        return Caller(
            receiver=receiver,
            occurrence=occurrence,
            step=worker.step,
            leased=worker.leased,
            in_flight=self.world.in_flight,
        )

    def _aside(self, worker: Worker) -> LedgerThread | None:
        return LedgerThread(worker) if self.world.lanes else None

    def _send(self, worker: Worker, dag_run: DagRun, ledger: PostgresLedger, whose: Sequence[int]) -> None:
        finish(
            sending.send_messages(
                ledger=SteppedLedger(worker, ledger),
                breaker=SteppedBreaker(worker, "messages"),
                transport=self.transport(worker, dag_run.occurrence),
                templates=message_templates(),
                run=_opened(dag_run),
                contact_ids=whose,
                aside=self._aside(worker),
            )
        )
        worker.transact("require_no_lease", partial(ledger.require_no_lease, _opened(dag_run).run_id, whose))

    def _insist(self, worker: Worker, dag_run: DagRun, task: int) -> None:
        """Do a task with Airflow's retries; one that knows how long to wait is resumed and spends none."""
        tries = waits = 0
        while tries < TRIES and waits < WAITS:
            worker.connect()
            try:
                self.tasks[task](worker, dag_run)
            except psycopg.OperationalError:
                wait_s = None
            except (ReceiverUnavailable, LeaseHeld) as error:
                wait_s = error.wait_s
            else:
                return
            tries, waits = (tries + 1, waits) if wait_s is None else (tries, waits + 1)
            worker.sleep(wait_s or _DELAY_S)
        msg = "the task failed again and again"
        raise TaskFailed(msg)


class TaskFailed(PromoError):  # noqa: N818  (states the fact)
    """Airflow has given up on a task; somebody may clear it."""


def _opened(dag_run: DagRun) -> Run:
    if dag_run.run is None:
        msg = f"{dag_run.name} has not opened its run"
        raise LedgerConflict(msg)
    return dag_run.run
