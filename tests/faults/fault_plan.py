"""Which worker goes on and what befalls whom: uniform, targeted at leases, or by priorities (PCT)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults import restored_store
from faults.dag_runs import DagRun
from faults.event_callers import caller
from faults.persons import halt, person, rule
from faults.slotted_calls import HOLD_S
from faults.small_scenario import DAY_S, WINDOW_S
from faults.stage import WORKERS
from faults.upkeep import NAME, grow_old, upkeep
from faults.virtual_clock import EPOCH_S
from promo_campaigns.model.run import LEASE_S, Mode

if TYPE_CHECKING:
    from faults.schedule import Schedule
    from faults.workers import Worker

MOST_RESTORES = 2
_CHANGES = 3
"""How many priorities change in a schedule by priorities: bugs of depth 4 are within reach."""

_MORE = 0.5
"""How often a DAG run stands for something else than the first ones, where those are archived and never run again."""
_TWO, _AGAIN, _SLOW = 0.3, 0.7, 0.08
"""How often two upkeeps come, somebody runs again what they archive, and they stand still for a while."""

_JUMPS_S = (5.0, 61.0, LEASE_S * 0.45, LEASE_S * 0.55, LEASE_S * 1.05, WINDOW_S * 0.3, WINDOW_S * 0.52, WINDOW_S * 1.05)


class FaultPlan:
    """The hand of fate over one schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._rng = schedule.rng
        self._scenario = schedule.scenario
        self._changes = {self._rng.randrange(self._scenario.steps) for _ in range(_CHANGES)}
        self._step = 0
        self._named = 0

    def begin(self) -> None:
        """Start the first DAG runs."""
        for occurrence in self._scenario.occurrences[: self._rng.randint(1, 2)]:
            worker = self._schedule.start(self._dag_run(occurrence))
            while worker and worker.alive and worker.task < self._scenario.warm:
                if worker.ready:
                    self._schedule.run_on(worker)
                else:
                    self._schedule.unstick()
            if self._rng.random() < 0.3:
                self._schedule.start(self._dag_run(occurrence))

    def begin_again(self) -> None:
        """All is done: run something once more."""
        self._run_more()

    def run_one(self, able: list[Worker]) -> None:
        """Let one of those who can go on do so."""
        self._step += 1
        if self._scenario.strategy == "priorities":
            worker = max(able, key=lambda one: one.priority)
            if self._step in self._changes:
                worker.priority = -self._step
        else:
            worker = self._rng.choice(able)
        self._schedule.run_on(worker)
        if worker.name.startswith(NAME) and self._rng.random() < _SLOW:
            worker.paused = self._rng.randint(5, 40)
        if self._scenario.strategy == "targeted" and worker.alive:
            self._aim(worker)

    def strike(self) -> None:
        """Let happen what happens by chance."""
        for worker in self._schedule.live:
            worker.paused = max(0, worker.paused - 1)
        for name, rate in self._scenario.rates.items():
            if self._rng.random() < rate and getattr(self, f"_{name}")():
                self._schedule.report.faults[name] += 1

    def _aim(self, worker: Worker) -> None:
        """Stop a worker where it hurts: past its lease, between an intent or an answer and what follows."""
        exposed = worker.at in {"answer", "before call"} or worker.at.startswith(("after begin", "before record_"))
        if not exposed or self._rng.random() > 0.25:
            return
        worker.paused = self._rng.randint(5, 40)
        self._schedule.clock.advance(LEASE_S * self._rng.uniform(1.0, 1.2))
        self._schedule.report.faults["aimed pause"] += 1
        if self._rng.random() < 0.5:
            self._again(worker)

    def _kill(self) -> bool:
        worker = self._anybody()
        if worker is None or worker.waits_for_lock:
            return False
        self._schedule.end(worker)
        self._again(worker)
        return True

    def _pause(self) -> bool:
        worker = self._anybody()
        if worker is None:
            return False
        worker.paused = self._rng.randint(3, 40)
        if self._rng.random() < 0.5:
            self._schedule.clock.advance(LEASE_S * self._rng.uniform(0.4, 1.2))
        return True

    def _jump(self) -> bool:
        self._schedule.clock.advance(self._rng.choice((*_JUMPS_S, *[self._until_something_ends()] * 3)))
        return True

    def _drop(self) -> bool:
        worker = self._anybody()
        if worker is None:
            return False
        worker.drop = self._rng.choice(("before", "within", "after"))
        return True

    def _duplicate(self) -> bool:
        worker = self._anybody()
        return worker is not None and self._again(worker)

    def _clear(self) -> bool:
        dag_run = self._rng.choice(self._schedule.dag_runs)
        return (
            self._schedule.start(dag_run, self._rng.randrange(len(self._schedule.pipeline.tasks(dag_run.occurrence))))
            is not None
        )

    def _run(self) -> bool:
        return self._run_more()

    def _person(self) -> bool:
        return self._schedule.spawn("person", person(self._schedule)) is not None

    def _halt(self) -> bool:
        return self._schedule.spawn("person", halt(self._schedule)) is not None

    def _backup(self) -> bool:
        """Take one, unless there is one that no store was restored from yet: it is to be old."""
        if self._schedule.restores.backup_at is not None:
            return False
        restored_store.take_backup(self._schedule)
        return True

    def _restore(self) -> bool:
        """Lose the store once it has something to forget; begin again, whether all is decided yet or not."""
        known = self._schedule.restores
        if known.count >= MOST_RESTORES or not restored_store.forgets(self._schedule):
            return False
        restored_store.restore(self._schedule)
        for _ in range(self._rng.randint(0, 3)):
            self._clear()
        return self._operator()

    def _operator(self) -> bool:
        return self._schedule.spawn("person", restored_store.operator(self._schedule)) is not None

    def _mode(self) -> bool:
        return self._schedule.spawn("person", rule(self._schedule)) is not None

    def _delete(self) -> bool:
        """Delete a DAG run, and make another one of its name: what it handed over is gone, and so is its mode."""
        gone = self._rng.choice(self._schedule.dag_runs)
        if gone.deleted:
            return False
        gone.deleted = True
        self._schedule.dag_runs.remove(gone)
        return self._schedule.start(DagRun(gone.occurrence, gone.name, self._a_mode())) is not None

    def _backfill(self) -> bool:
        """Have a backfill reprocess a DAG run: it is cleared whole, and may bring another mode."""
        dag_run = self._rng.choice(self._schedule.dag_runs)
        dag_run.mode = self._a_mode()
        return self._schedule.start(dag_run) is not None

    def _unsubscribe(self) -> bool:
        self._schedule.stage.books.execute(
            "update promo.contact_channel set unsubscribed_at = promo.clock() where contact_id = %s",
            [self._rng.randint(1, self._scenario.contacts)],
        )
        return True

    def _run_more(self) -> bool:
        mode = self._a_mode()
        first, second = self._scenario.occurrences
        occurrence = self._rng.choice((first, first, second))
        if self._scenario.archives and self._rng.random() < _MORE:
            occurrence = f"{occurrence} {self._rng.choice('abc')}"
        return self._schedule.start(self._dag_run(occurrence, mode)) is not None

    def _a_mode(self) -> Mode | None:
        refuse = (Mode.REFUSE,) if self._scenario.reruns else ()
        mode: Mode | None = self._rng.choice((None, None, Mode.MISSING, Mode.PROFILES, *refuse))
        return mode

    def _lapse(self) -> bool:
        """Let slots in use run out: their worker ends, stands still, or cannot renew them."""
        calling = [worker for worker in self._schedule.live if worker.slots() and not worker.waits_for_lock]
        if not calling:
            return False
        worker, how = (
            self._rng.choice(calling),
            self._rng.choice(("ends", "stands still", "stands still", "cannot ask")),
        )
        if how == "ends":
            self._schedule.end(worker)
            self._again(worker)
        elif how == "stands still":
            worker.paused = self._rng.randint(10, 60)
            self._schedule.clock.advance(HOLD_S * self._rng.choice((0.3, 1.0, 1.1)))
        else:
            worker.drop = self._rng.choice(("before", "within", "after"))
        return True

    def _again(self, worker: Worker) -> bool:
        """Start the worker's task once more: a retry, a duplicate, or from further back."""
        name = worker.name.split(" #")[0]
        dag_run = next((one for one in self._schedule.dag_runs if one.name == name), None)
        if dag_run is None or len(self._schedule.live) >= WORKERS:
            return False
        back = self._rng.choice((0, 0, 0, 1, worker.task))
        return self._schedule.start(dag_run, max(0, worker.task - back)) is not None

    def _event(self) -> bool:
        return self._schedule.spawn("caller", caller(self._schedule)) is not None

    def _upkeep(self) -> bool:
        return self._schedule.spawn(NAME, upkeep(self._schedule)) is not None

    def _old(self) -> bool:
        """Let a closed run grow old; then the upkeep comes, now and then twice, and somebody runs it again."""
        occurrence = grow_old(self._schedule)
        if not occurrence:
            return False
        self._upkeep()
        if self._rng.random() < _TWO:
            self._upkeep()
        if self._rng.random() < _AGAIN:
            self._named += 1
            mode = self._rng.choice((None, Mode.MISSING, Mode.PROFILES))
            self._schedule.start(DagRun(occurrence, f"{occurrence} run {self._named}", mode))
        return True

    def _dag_run(self, occurrence: str, mode: Mode | None = None) -> DagRun:
        """Return a DAG run; each that answers events stands for something of its own."""
        self._named += 1
        if self._scenario.terms_of(occurrence):
            return DagRun(f"{occurrence} {self._named}", f"{occurrence} run {self._named}", mode)
        return DagRun(occurrence, f"{occurrence} run {self._named}", mode)

    def _anybody(self) -> Worker | None:
        return self._rng.choice(self._schedule.live) if self._schedule.live else None

    def _until_something_ends(self) -> float:
        """Return the seconds to just after the send-by, or after a code has less than its days but for one of grace."""
        grace = max(self._scenario.days - 1, 0) * DAY_S
        life_s = [life - grace for life in self._scenario.life_s]
        left = [EPOCH_S + life - self._schedule.clock.now for life in (*life_s, self._scenario.send_by_s or 0.0)]
        return min((one for one in left if 0 < one < 2 * DAY_S), default=1.0) + 1.0
