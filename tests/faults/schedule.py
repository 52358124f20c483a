"""One schedule: a scenario, its workers, and faults, all drawn from one seed; then rest, and the judgement."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from faults.archived_books import forget, read_archive
from faults.dag_runs import EXPECTED, DagRun, Pipeline, TaskFailedError
from faults.event_callers import WAITING, answered_too_often, broken_events
from faults.fault_plan import FaultPlan
from faults.oracles import broken_invariants, broken_promises
from faults.receiver_truth import HEALTHY, Receiver, Receivers
from faults.restored_store import Restores, operator, waits
from faults.scenario_draws import at_size, draw_scenario
from faults.small_scenario import RIVAL, WORKFLOW, add_codes, lay_out
from faults.stepped_limiter import virtual_limiter
from faults.upkeep import put_away, shelves
from faults.virtual_clock import EPOCH_S, VirtualClock, virtual_send_path
from faults.workers import Worker
from promo_campaigns.ledger.invariants import invariants
from promo_campaigns.model.errors import PoolShortageError, RestoredRunError, RunCancelledError, RunClosedError
from promo_campaigns.model.events import Reentry
from promo_campaigns.model.run import Mode
from promo_campaigns.model.run_key import run_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from faults.small_scenario import Scenario
    from faults.stage import Stage

_LIFT = """
delete from promo.sending_stop;
update promo.run
set halt = null, halted_at = null, halted_by = null, halt_reason = null,
    let_go_at = case when first_sent is null then let_go_at else coalesce(let_go_at, promo.clock()) end
where halt = 'paused'
"""
_LAST_CODE = "select max(promo_code_id) as last from promo.promo_code where not shared"
REST_ROUNDS = 8
LOOKS, MOST_LOOKS = 6, 60
REST_STEPS = 8000
"""Six tasks of two workers each, interleaved statement by statement, take up to 3,000 steps, and more if they ask."""
STEPS_A_CONTACT = 200
STEPS_TIMES_SLOTS = 4
"""Where calls take their time, workers ask for slots meanwhile."""


@dataclass(slots=True)
class Report:
    """What became of a schedule.

    :ivar traits: what its scenario had that others have not
    :ivar violations: each in one line; none in a schedule that went well
    """

    seed: int
    strategy: str
    traits: list[str] = field(default_factory=list)
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


class Schedule:
    """A schedule in progress.

    :param contacts: how many there are; 0 for the few that its seed draws
    :ivar folder: where archives lie
    :ivar raging: whether faults go on
    """

    def __init__(self, stage: Stage, seed: int, *, contacts: int = 0) -> None:
        self.stage = stage
        self.rng = random.Random(seed)  # noqa: S311  (a schedule is to be repeatable, not secret)
        more = random.Random(f"{seed} and more")  # noqa: S311  (likewise)
        drawn = draw_scenario(self.rng, more)
        self.scenario: Scenario = at_size(drawn, contacts) if contacts else drawn
        self.report = Report(seed, self.scenario.strategy, traits=self.scenario.traits)
        self.clock = VirtualClock()
        self.receivers = Receivers(
            messages=self._receiver("messages", self.scenario.window_s, self.scenario.message_habits),
            profiles=self._receiver("profiles", 0.0, self.scenario.profile_habits),
            answers=self._receiver("answers", self.scenario.answers_s, self.scenario.answer_habits),
        )
        self.folder = Path()
        self.occurrences: dict[str, str] = {}
        self.due: dict[str, float] = {}
        self.pipeline = Pipeline(self.scenario, self.receivers, stage.wire, self._key_of, self.due)
        self.dag_runs: list[DagRun] = []
        self.live: list[Worker] = []
        self.told: dict[UUID, bool] = {}
        self.events_of: Counter[int] = Counter()
        self.restores = Restores(answers_events=self.scenario.events is not None)
        self.risks: Counter[tuple[str, int]] = Counter()
        self.running: Worker | None = None
        self.trace: list[str] | None = None
        self._ticks = 0.3
        self._spawned = 0
        self._answered = 0
        self._short = False
        self._failed = False
        self.raging = True

    def play(self) -> Report:
        """Play it to its end."""
        self.stage.books.now = lambda: self.clock.now
        self.stage.books.forget_time()
        self.stage.clear_up(self.scenario.contacts)
        forget(self.stage.books)
        lay_out(self.stage.books, self.scenario)
        with shelves() as self.folder:
            self._act()
            self._judge()
        self.report.faults.update(self.receivers.messages.faults)
        for kind, receiver in (("profile", self.receivers.profiles), ("answer", self.receivers.answers)):
            self.report.faults.update({f"{kind} {name}": n for name, n in receiver.faults.items()})
        return self.report

    def _act(self) -> None:
        slots = bool(self.scenario.concurrency)
        with virtual_send_path(self.clock, self._running), virtual_limiter(self.clock, self._running, slots=slots):
            try:
                self._rage()
                self._come_to_rest()
                if self.scenario.archives:
                    put_away(self)
            finally:
                while self.live:
                    self.end(self.live[0])

    def spawn(self, name: str, body: Callable[[Worker], None]) -> Worker | None:
        """Start a worker, unless there are enough."""
        connection = self.stage.take()
        if connection is None:
            return None
        self._spawned += 1
        worker = Worker(f"{name} #{self._spawned}", body, connection, self.clock, fine=self.scenario.fine)
        worker.priority = self.rng.random()
        self.live.append(worker)
        return worker

    def start(self, dag_run: DagRun, task: int = 0) -> Worker | None:
        """Start a worker on a DAG run, from one of its tasks on."""
        if dag_run not in self.dag_runs:
            self.dag_runs.append(dag_run)
            self.due.setdefault(dag_run.occurrence, self.clock.now)
        worker = self.spawn(dag_run.name, self.pipeline.body(dag_run, task))
        if worker is not None:
            self.pipeline.put_at(worker, dag_run, task)
        return worker

    def end(self, worker: Worker) -> None:
        """Kill a worker; nothing of it is left but what it has committed."""
        worker.kill()
        self._bury(worker)
        self._see_who_is_stuck()

    def end_all(self) -> None:
        """Kill all workers; one that waits for a lock is killed once it has it."""
        while self.live:
            mortal, able = self._mortal(), self.runnable()
            if mortal:
                self.end(self.rng.choice(mortal))
            elif able:
                self.run_on(self.rng.choice(able))
            else:
                self.unstick()

    def run_on(self, worker: Worker) -> None:
        """Let a worker run to its next step."""
        self.report.steps += 1
        if self.rng.random() < self._ticks:
            self.clock.advance(self.rng.uniform(0, 1))
        self.running = worker
        worker.resume(self.rng)
        self.running = None
        if self.trace is not None:
            at = " ".join(filter(None, (worker.doing, worker.at))) if worker.alive else "ends"
            self.trace.append(f"{self.clock.now - EPOCH_S:9.1f} s  {worker.name}: {at}")
        if not worker.alive:
            self._bury(worker)
        self._see_who_is_stuck()

    def runnable(self) -> list[Worker]:
        """Return the workers that can go on now."""
        return [worker for worker in self.live if worker.ready]

    def unstick(self) -> None:
        """Make somebody able to go on: wake a paused worker, let time pass, or break a deadlock as the server does."""
        paused = [worker for worker in self.live if worker.paused]
        moments = [at for worker in self.live for at in worker.wakes_at if at > self.clock.now]
        if paused:
            self.rng.choice(paused).paused = 0
        elif moments:
            self.clock.advance(min(moments) - self.clock.now + 0.001)
        else:
            self.report.faults["deadlock"] += 1
            victim = self.rng.choice([worker for worker in self.live if worker.stuck])
            victim.connection.cancel_safe()
            victim.connection.has_answer()
            self._see_who_is_stuck()

    def _receiver(self, name: str, window_s: float, habits: dict[str, float]) -> Receiver:
        return Receiver(
            name,
            self.clock,
            self.rng,
            window_s,
            habits,
            answers=name == "answers",
            per_s=self.scenario.per_s,
            concurrency=self.scenario.concurrency,
            asks_s=self.scenario.asks_s,
        )

    def _rage(self) -> None:
        plan = FaultPlan(self)
        plan.begin()
        every = max(LOOKS, self.scenario.steps // MOST_LOOKS)
        for step in range(self.scenario.steps):
            plan.strike()
            if step % every == 0:
                self._look()
            able = self.runnable()
            if able:
                plan.run_one(able)
            elif self.live:
                self.unstick()
            else:
                plan.begin_again()
        self._check("while faults went on")

    def _come_to_rest(self) -> None:
        """Stop all faults, let everybody finish, and clear every DAG run until nothing is left to do."""
        self._ticks, self.raging = 0.0, False
        if not self.scenario.heals_late:
            self._heal()
        while (mortal := self._mortal()) and len(self.live) > self.scenario.survivors:
            self.end(self.rng.choice(mortal))
        self._drain()
        self._decide_restore()
        # Else contacts that were not reached have another chance, once all is at rest.
        calm, mode = not self.scenario.reruns, None
        for _ in range(REST_ROUNDS):
            self.clock.advance(self.scenario.rest_s)
            self.stage.books.execute(_LIFT, prepare=False)  # a run may have paused itself over its first share
            self._failed = False
            if self._short:
                self._short = False
                self.load_codes(40 * 86400.0)
            for occurrence in self.begun:
                self.run_to_its_end(DagRun(occurrence, f"last {occurrence}", mode))
            self._answer_events()
            rests = not self._failed
            if rests and calm:
                self._run_again()
                return
            if rests:
                calm, mode = True, Mode.MISSING
            self._heal()
        self.report.violations.append("O6 the runs never come to rest")

    def _decide_restore(self) -> None:
        """Let somebody decide what is left of a restore, if that was not done yet."""
        if self.restores.count and waits(self):
            self.spawn("person", operator(self))
            self._drain()
            if waits(self):
                self.report.violations.append("O26 a restored store waits though all is decided")

    def _run_again(self) -> None:
        """Run what is closed again by the modes that send nothing, where runs are run again by mode."""
        calls = self.receivers.messages.calls
        for mode in (Mode.REFUSE, Mode.PROFILES) if self.scenario.reruns else ():
            for occurrence in self.begun:
                self.run_to_its_end(DagRun(occurrence, f"{mode.value} {occurrence}", mode))
        if self._failed or self.receivers.messages.calls > calls:
            self.report.violations.append("O16 closed runs whose mode is refuse were worked on")

    def _answer_events(self) -> None:
        """Run until no event waits any more, or the runs fail."""
        for _ in range(len(self.told)):
            if self._failed or self.stage.books.execute(WAITING).fetchone() is None:
                return
            self._answered += 1
            self.run_to_its_end(DagRun(f"rest {self._answered}", f"rest run {self._answered}"))

    @property
    def begun(self) -> list[str]:
        """Return what DAG runs stood for so far."""
        return sorted(set(self.occurrences.values()) | {run.occurrence for run in self.dag_runs})

    def run_to_its_end(self, dag_run: DagRun) -> None:
        """Run a DAG run, and whatever else is under way, to the end."""
        self._run_whole(self.start(dag_run))

    def run_alone(self, name: str, body: Callable[[Worker], None]) -> None:
        """Do something else that a worker does, to its end."""
        self._run_whole(self.spawn(name, body))

    def _run_whole(self, worker: Worker | None) -> None:
        if worker is not None:
            worker.connection.run_whole()  # there is nobody to interleave it with
        self._drain()

    def _heal(self) -> None:
        for receiver in self.receivers.all:
            receiver.weights = HEALTHY

    def _drain(self) -> None:
        for worker in self.live:
            worker.paused, worker.drop = 0, ""
        times = STEPS_TIMES_SLOTS if self.scenario.concurrency else 1
        for _ in range(times * max(REST_STEPS, STEPS_A_CONTACT * self.scenario.contacts)):
            if not self.live:
                return
            able = self.runnable()
            if able:
                self.run_on(self.rng.choice(able))
            else:
                self.unstick()
        self.report.violations.append("O6 workers never finish")

    def _judge(self) -> None:
        for receiver in self.receivers.all:
            receiver.arrive_at_last()
        self._check("at rest")
        promises = broken_promises(
            self.stage.books,
            self.receivers,
            self.occurrences,
            self.risks,
            limits=self.scenario.limits,
            restores=self.restores,
        )
        self.report.violations += promises
        if self.scenario.events:
            once = self.scenario.events is Reentry.ONCE
            archived = read_archive(self.stage.books).members_of(WORKFLOW)
            heard = {token: so for token, so in self.told.items() if token not in self.restores.lost_events}
            self.report.violations += broken_events(self.stage.books, heard, archived, once=once)
            self.report.violations += answered_too_often(self.receivers.messages.copies, self.events_of)

    def _check(self, when: str) -> None:
        self.report.violations += [f"{broken} {when}" for broken in broken_invariants(self.stage.books)]

    def _look(self) -> None:
        """See whether a run that is closed is done, which mends itself before anybody checks the rest."""
        found = self.stage.books.execute(invariants()["contacts"]).fetchall()
        broken = [row["broken"] for row in found if row["invariant"] == "closed_is_done"]
        self.report.violations += [f"closed_is_done on the way: {each}" for each in broken]

    def _bury(self, worker: Worker) -> None:
        self.live.remove(worker)
        self.stage.give_back(worker.connection)
        if worker.error is None or isinstance(worker.error, RunClosedError | RunCancelledError | RestoredRunError):
            return  # a run that refuses to be run again is at rest
        self._failed = True
        self._short = self._short or isinstance(worker.error, PoolShortageError)
        if not isinstance(worker.error, (*EXPECTED, TaskFailedError, psycopg.OperationalError)):
            told = str(worker.error).splitlines()[0] if str(worker.error) else ""
            self.report.violations.append(f"{worker.name} at {worker.at}: {type(worker.error).__name__}: {told}")

    def load_codes(self, life_s: float) -> None:
        """Load more codes, as a person does when there are too few."""
        row = self.stage.books.execute(_LAST_CODE).fetchone()
        last, expiries = int(row["last"]) if row else 0, [self.clock.now + life_s] * 2 * self.scenario.contacts
        add_codes(self.stage.books, last, expiries, chained=self.scenario.chained)

    def _key_of(self, dag_run: DagRun) -> str:
        workflow, edition = (
            self.scenario.spec_of(dag_run.occurrence).workflow,
            dag_run.occurrence.removeprefix(f"{RIVAL} "),
        )
        key = run_key(workflow=workflow, run_type="manual", logical_date=None, edition=edition, run_id=dag_run.name)
        self.occurrences[key] = dag_run.occurrence
        return key

    def _running(self) -> Worker:
        assert self.running is not None
        return self.running

    def _mortal(self) -> list[Worker]:
        return [worker for worker in self.live if not worker.waits_for_lock]

    def _see_who_is_stuck(self) -> None:
        """Let every statement come to its answer or to a lock, so that chance has no part in it."""
        waiting = [worker for worker in self.live if worker.waits_for_lock]
        for worker in waiting:
            worker.stuck = worker.connection.comes_to_wait()
        if len(waiting) > 1:  # one that went on may have let another go on
            while [worker.stuck for worker in waiting] != (now := [one.connection.comes_to_wait() for one in waiting]):
                for worker, stuck in zip(waiting, now, strict=True):
                    worker.stuck = stuck
