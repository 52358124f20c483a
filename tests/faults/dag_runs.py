"""What Airflow makes a worker do: the tasks of one DAG run in order, over the product's own functions."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from faults.oracles import broken_invariants
from faults.receiver_truth import Caller, SimulatedBulkSender, SimulatedSender, SimulatedTransport
from faults.slotted_calls import SlottedCaller
from faults.stepped_ledger import SteppedBreaker, SteppedLedger
from faults.stepped_limiter import SteppedLimiter
from faults.strands import LedgerThread, finish
from faults.virtual_clock import EPOCH_S
from promo_campaigns.delivery import batches as sending
from promo_campaigns.delivery import bulk
from promo_campaigns.delivery.opening.events import EventOpening
from promo_campaigns.delivery.templates import compile_data_source, compile_message
from promo_campaigns.ledger import runs
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.assignment_state import DELIVERED
from promo_campaigns.model.errors import (
    DatabaseUnavailableError,
    FirstShareError,
    HeldUpError,
    InvariantBrokenError,
    LeaseHeldError,
    LedgerConflictError,
    PoolShortageError,
    PromoError,
    QuietHoursError,
    ReceiverUnavailableError,
    RestoredRunError,
    RunCancelledError,
    RunClosedError,
    RunHaltedError,
    RunNotFinishedError,
    RunUnknownError,
)
from promo_campaigns.model.run import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from faults.receiver_truth import Receiver, Receivers
    from faults.small_scenario import Scenario
    from faults.wire import Wire
    from faults.workers import Worker
    from promo_campaigns.delivery.rendering import MessageTemplates, RequestTemplates
    from promo_campaigns.model.events import EventTerms
    from promo_campaigns.model.run import Batch, Run
    from promo_campaigns.model.run_spec import DataSource, Message

TRIES = 3
WAITS = 9
EXPECTED = (
    RunUnknownError,
    PoolShortageError,
    RunNotFinishedError,
    RestoredRunError,
    RunClosedError,
    RunCancelledError,
    LedgerConflictError,
    ReceiverUnavailableError,
    LeaseHeldError,
    RunHaltedError,
    QuietHoursError,
    DatabaseUnavailableError,
)
"""Errors that tell a person what to do; any other one is a failure of the product."""

_DELAY_S = 20.0
_ABORT_AT, _NEVER_ABORTED = 50.0, 100.0


@dataclass(slots=True)
class DagRun:
    """One DAG run, with what its tasks handed over.

    :ivar occurrence: what it stands for; DAG runs of one occurrence are the same send
    :ivar name: Airflow's id of it, which means nothing to the ledger
    :ivar deleted: nothing of it begins any more, though a task under way does not know yet
    """

    occurrence: str
    name: str
    mode: Mode | None = None
    deleted: bool = False
    run: Run | None = None
    batches: Sequence[Batch] = ()
    reached: dict[int, list[int]] = field(default_factory=dict)
    given: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    accepted: dict[int, list[tuple[int, str]]] = field(default_factory=dict)


_TEMPLATES: dict[str, MessageTemplates] = {}
_REQUESTS: dict[tuple[str, int, int], RequestTemplates] = {}


def message_templates(message: Message) -> MessageTemplates:
    """Compile a message once for all schedules."""
    if message.body not in _TEMPLATES:
        _TEMPLATES[message.body] = compile_message(message)
    return _TEMPLATES[message.body]


def request_templates(source: DataSource, place: int) -> RequestTemplates:
    """Compile a data source once for all schedules."""
    which = source.path, source.records_per_request, place
    if which not in _REQUESTS:
        _REQUESTS[which] = compile_data_source(source, place)
    return _REQUESTS[which]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The tasks of a DAG run, as the operators do them.

    :ivar wire: what calls travel over in a scenario whose receivers are reached by HTTP
    :ivar key_of: names the run of a DAG run; the product's rule, or a planted bug
    :ivar due: when each occurrence was to be run first, in seconds since 1970
    """

    scenario: Scenario
    receivers: Receivers
    wire: Wire
    key_of: Callable[[DagRun], str]
    due: Mapping[str, float]

    def body(self, dag_run: DagRun, first: int = 0) -> Callable[[Worker], None]:
        """Return the code of a worker that does the tasks of a DAG run from one of them on."""

        def follow(worker: Worker) -> None:
            for task in range(first, len(self.tasks(dag_run.occurrence))):
                if dag_run.deleted or (task and self._waits_for_events(dag_run)):
                    return
                self.put_at(worker, dag_run, task)
                self._insist(worker, dag_run, task)

        return follow

    def _waits_for_events(self, dag_run: DagRun) -> bool:
        return dag_run.run is None and self.scenario.terms_of(dag_run.occurrence) is not None

    def put_at(self, worker: Worker, dag_run: DagRun, task: int) -> None:
        """Say which task of a DAG run a worker is at."""
        worker.task, worker.block = task, self.tasks(dag_run.occurrence)[task].__name__

    def tasks(self, occurrence: str) -> tuple[Callable[[Worker, DagRun], None], ...]:
        """Return the blocks of a workflow, in order."""
        spec = self.scenario.spec_of(occurrence)
        ask = (self.ask,) if spec.places(before=True) else ()
        record = (self.record,) if spec.places(before=False) else ()
        return (self.start, self.get_contact, self.get_promo_code, *ask, self.message, *record, self.end)

    def start(self, worker: Worker, dag_run: DagRun) -> None:
        """Open the run and cut its batches; there is none where no event waits."""
        mode = dag_run.mode  # a backfill may bring another one meanwhile
        terms = self.scenario.terms_of(dag_run.occurrence)
        run = self._take_events(worker, dag_run, mode, terms) if terms else self._open(worker, dag_run, mode)
        if run is None:
            dag_run.run, dag_run.batches = None, ()
            return
        assert not (run.closed and mode is Mode.REFUSE), "O16 a closed run was opened again against its mode"
        size = self.scenario.batch_size
        batches = worker.transact("read_batches", lambda: runs.read_batches(worker.connection, run, size))
        repairs = all(batch.repair for batch in batches)
        assert repairs or not (run.closed and mode is Mode.PROFILES), "O16 a run to repair profiles sends messages"
        dag_run.run, dag_run.batches = run, batches

    def _take_events(self, worker: Worker, dag_run: DagRun, mode: Mode | None, terms: EventTerms) -> Run | None:
        opening = EventOpening(
            spec=self.scenario.spec,
            terms=terms,
            key=self.key_of(dag_run),
            mode=mode,
            abort_at=_NEVER_ABORTED,
        )
        worker.transact("begin_events", partial(opening.begin, worker.connection))
        return worker.transact("open_run", partial(opening.open_next, worker.connection, opening.key))

    def _open(self, worker: Worker, dag_run: DagRun, mode: Mode | None) -> Run:
        send_by = self.scenario.send_by_s
        return worker.transact(
            "open_run",
            lambda: runs.open_run(
                worker.connection,
                self.scenario.spec_of(dag_run.occurrence),
                run_key=self.key_of(dag_run),
                send_by=datetime.fromtimestamp(EPOCH_S + send_by, timezone.utc) if send_by else None,
                mode=mode,
                due_at=datetime.fromtimestamp(self.due[dag_run.occurrence], timezone.utc),
                abort_at=_ABORT_AT if self.scenario.first else None,
                start_with=self.scenario.start_with,
            ),
        )

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
                return ledger.assign_codes(batch.run_id, whose, self.scenario.spec_of(dag_run.occurrence).codes)

            given = worker.transact("assign_codes", claim)
            self._require_open(worker, ledger, batch, whose)
            dag_run.given[batch.first] = given

    def ask(self, worker: Worker, dag_run: DagRun) -> None:
        """Ask the data source whose answer the message reads."""
        spec = self.scenario.spec_of(dag_run.occurrence)
        (place,) = spec.places(before=True)
        ledger = PostgresLedger(worker.connection)
        for batch in dag_run.batches:
            pairs = dag_run.given.get(batch.first, [])
            whose, codes = [contact for contact, _ in pairs], [code for _, code in pairs]
            worker.transact("require_codes", partial(ledger.require_codes, batch.run_id, whose, codes))
            if batch.repair:
                continue
            caller = self._caller(worker, self.receivers.answers, dag_run.occurrence, spec.data_sources[place].method)
            with _closed(caller):
                finish(
                    sending.ask_before_message(
                        ledger=SteppedLedger(worker, spec),
                        breaker=SteppedBreaker(worker, "answers"),
                        sender=SimulatedSender(caller=caller, in_flight=self.scenario.in_flight, name="answers"),
                        templates=request_templates(spec.data_sources[place], place),
                        run=_opened(dag_run),
                        contact_ids=whose,
                        background=self._aside(worker),
                    )
                )
            worker.transact("require_no_lease", partial(ledger.require_no_lease, batch.run_id, whose))
            held = worker.transact("held_codes", partial(ledger.held_codes, batch.run_id, whose))
            dag_run.given[batch.first] = held

    def message(self, worker: Worker, dag_run: DagRun) -> None:
        """Send to the contacts that are due."""
        ledger = PostgresLedger(worker.connection)
        for batch in dag_run.batches:
            given = dag_run.given.get(batch.first, [])
            if not batch.repair:
                whose = [contact for contact, _ in given]
                self._send(worker, dag_run, ledger, whose)
                if self.scenario.first:
                    worker.transact("weigh_first_share", partial(ledger.weigh_first_share, batch.run_id))
                self._require_open(worker, ledger, batch, whose)

            def taken(batch: Batch = batch, given: Sequence[tuple[int, str]] = given) -> list[tuple[int, str]]:
                states = ledger.states(batch.run_id, [contact for contact, _ in given])
                reached = [contact for contact, state in states.items() if state in DELIVERED]
                return ledger.held_codes(batch.run_id, reached)

            dag_run.accepted[batch.first] = worker.transact("read_accepted", taken)

    def record(self, worker: Worker, dag_run: DagRun) -> None:
        """Record codes on profiles."""
        spec = self.scenario.spec_of(dag_run.occurrence)
        (place,) = spec.places(before=False)
        ledger = PostgresLedger(worker.connection)
        for batch in dag_run.batches:
            pairs = dag_run.accepted.get(batch.first, [])
            whose, codes = [contact for contact, _ in pairs], [code for _, code in pairs]
            worker.transact("require_codes", partial(ledger.require_codes, batch.run_id, whose, codes))
            caller = self._caller(worker, self.receivers.profiles, dag_run.occurrence, spec.data_sources[place].method)
            templates = request_templates(spec.data_sources[place], place)
            work: dict[str, Any] = {
                "ledger": SteppedLedger(worker, spec),
                "breaker": SteppedBreaker(worker, "profiles"),
                "templates": templates,
                "run": _opened(dag_run),
                "contact_ids": whose,
                "repair": batch.repair,
                "background": self._aside(worker),
            }
            with _closed(caller):
                if templates.records_per_request:
                    caller.in_flight = bulk.REQUESTS_UNDER_WAY * templates.records_per_request
                    finish(bulk.record_profiles_in_bulk(sender=SimulatedBulkSender(caller=caller), **work))
                else:
                    sender = SimulatedSender(caller=caller, in_flight=self.scenario.in_flight)
                    finish(sending.record_profiles(sender=sender, **work))
            worker.transact("require_no_lease", partial(ledger.require_no_lease, batch.run_id, whose))

    def end(self, worker: Worker, dag_run: DagRun) -> None:
        """Close the run and check it."""
        run_id = _opened(dag_run).run_id
        worker.transact("close_run", lambda: runs.close_run(worker.connection, run_id))
        broken = worker.transact("require_invariants", lambda: broken_invariants(worker.connection, run_id))
        if broken:
            raise InvariantBrokenError(broken[0])

    def transport(self, worker: Worker, occurrence: str) -> SimulatedTransport:
        """Return a worker's way to the receiver of messages."""
        return SimulatedTransport(
            caller=self._caller(worker, self.receivers.messages, occurrence, self.scenario.webhook),
            in_flight=self.scenario.in_flight,
            resend_within_s=self.scenario.window_s / 2,
        )

    def _require_open(self, worker: Worker, ledger: PostgresLedger, batch: Batch, whose: Sequence[int]) -> None:
        """Wait until quiet hours are over; contacts beyond a first share are left to a later DAG run."""
        if self.scenario.quiet and not batch.repair:
            with suppress(FirstShareError):
                worker.transact("require_open", partial(ledger.require_open, batch.run_id, whose))

    def _caller(self, worker: Worker, receiver: Receiver, occurrence: str, method: str) -> Caller:
        limited = receiver.per_s or receiver.concurrency
        terms: dict[str, Any] = {
            "receiver": receiver,
            "occurrence": occurrence,
            "step": worker.step,
            "leased": worker.leased,
            "in_flight": self.scenario.in_flight,
            "wire": self.wire if self.scenario.webhook else None,
            "method": method,
            "limiter": SteppedLimiter(worker, receiver) if limited else None,
        }
        return SlottedCaller(worker=worker, **terms) if receiver.concurrency else Caller(**terms)

    def _aside(self, worker: Worker) -> LedgerThread | None:
        return LedgerThread(worker) if self.scenario.two_workers else None

    def _send(self, worker: Worker, dag_run: DagRun, ledger: PostgresLedger, whose: Sequence[int]) -> None:
        spec = self.scenario.spec_of(dag_run.occurrence)
        ledger_of_run, breaker = SteppedLedger(worker, spec), SteppedBreaker(worker, "messages")
        transport = self.transport(worker, dag_run.occurrence)
        with _closed(transport.caller):
            finish(
                sending.send_messages(
                    ledger=ledger_of_run,
                    breaker=breaker,
                    transport=transport,
                    templates=message_templates(spec.message),
                    run=_opened(dag_run),
                    contact_ids=whose,
                    background=self._aside(worker),
                )
            )
        worker.transact("require_no_lease", partial(ledger.require_no_lease, _opened(dag_run).run_id, whose))

    def _insist(self, worker: Worker, dag_run: DagRun, task: int) -> None:
        """Do a task with Airflow's retries; one that knows how long to wait is resumed and spends none."""
        tries = waits = 0
        while tries < TRIES and waits < WAITS:
            worker.connect()
            try:
                self.tasks(dag_run.occurrence)[task](worker, dag_run)
            except (psycopg.OperationalError, DatabaseUnavailableError):
                wait_s = None
            except (ReceiverUnavailableError, HeldUpError) as error:
                wait_s = error.wait_s
            else:
                return
            tries, waits = (tries + 1, waits) if wait_s is None else (tries, waits + 1)
            worker.sleep(wait_s or _DELAY_S)
        msg = "the task failed again and again"
        raise TaskFailedError(msg)


class TaskFailedError(PromoError):
    """Airflow has given up on a task; somebody may clear it."""


@contextmanager
def _closed(caller: Caller) -> Iterator[None]:
    """Give back what calls need when the block ends, unless the process is killed."""
    try:
        yield
    except Exception:  # a kill is none: who is killed gives nothing back
        caller.close()
        raise
    caller.close()


def _opened(dag_run: DagRun) -> Run:
    if dag_run.run is None:
        msg = f"{dag_run.name} has not opened its run"
        raise LedgerConflictError(msg)
    return dag_run.run
