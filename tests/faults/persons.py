"""What a person does about sends of unknown outcome, runs to be run again, and runs to be held up, at any moment."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from faults.receiver_truth import Fate
from faults.strands import finish
from promo_campaigns.ledger import interventions
from promo_campaigns.ledger import unknown_sends as unknowns
from promo_campaigns.ledger.runs import read_run, set_mode
from promo_campaigns.model.errors import LedgerError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.schedule import Schedule
    from faults.workers import Worker


_HALTED = """
select coalesce(r.halted_at, s.stopped_at) as halted_at, count(t.attempt_id) as attempts
from promo.run r left join promo.sending_stop s on r.halt is null
left join promo.attempt t on t.run_id = r.run_id and t.purpose in ('message', 'answer')
where r.run_key = %(run_key)s group by 1
"""


def person(schedule: Schedule) -> Callable[[Worker], None]:
    """Return somebody who looks at an unknown send and acts on it, truthfully or at a risk that is noted."""

    def act(worker: Worker) -> None:
        sends = worker.transact("list_unknown", lambda: unknowns.list_unknown(worker.connection))
        if not sends:
            return
        send = schedule.rng.choice(sends)
        run_id, contact_id = int(send["run_id"]), int(send["contact_id"])
        who = schedule.occurrences[send["run_key"]], contact_id
        deed = schedule.rng.choice(("reconcile", "judge", "judge", "resend", "resend"))
        if deed == "reconcile":
            run = worker.transact("read_run", lambda: read_run(worker.connection, run_id))
            transport = schedule.pipeline.transport(worker, who[0])
            finish(unknowns.reconcile(worker.connection, transport, run))
        elif deed == "judge":
            worker.transact("record_unknown", lambda: _judge(schedule, worker, run_id, who))
        else:
            schedule.risks[who] += 1
            worker.transact("resend", lambda: unknowns.resend_unknown(worker.connection, run_id, [contact_id]))

    return act


def rule(schedule: Schedule) -> Callable[[Worker], None]:
    """Return somebody who says what running a run again shall do."""

    def act(worker: Worker) -> None:
        if not schedule.occurrences:
            return
        key = schedule.rng.choice(sorted(schedule.occurrences))
        mode = schedule.rng.choice(list(Mode))
        with suppress(LedgerError):  # the run is not opened yet
            worker.transact("set_mode", lambda: set_mode(worker.connection, key, mode))

    return act


def halt(schedule: Schedule) -> Callable[[Worker], None]:
    """Return somebody who pauses a run or stops all sending for a while, or cancels a run, and sees what begins."""

    def act(worker: Worker) -> None:
        if not schedule.occurrences:
            return
        key = schedule.rng.choice(sorted(schedule.occurrences))
        deed = schedule.rng.choice(("pause", "pause", "stop", "cancel"))
        store = worker.connection
        with suppress(LedgerError):  # the run is not opened yet, or is closed
            if deed == "stop":
                worker.transact("stop_sending", lambda: interventions.stop_sending(store, by="ops"))
            else:
                do = interventions.pause_run if deed == "pause" else interventions.cancel_run
                worker.transact(deed, lambda: do(store, key, by="ops"))
            _see_nothing_begin(schedule, worker, key)
            if deed == "stop":
                worker.transact("start_sending", lambda: interventions.start_sending(store, by="ops"))
            elif deed == "pause" or schedule.rng.random() < 0.3:
                worker.transact("resume", lambda: interventions.resume_run(store, key, by="ops"))

    return act


def _see_nothing_begin(schedule: Schedule, worker: Worker, key: str) -> None:
    """Look for calls of a run that were begun after a halt, for as long as that very halt lasts."""
    seen = None
    for _ in range(schedule.rng.randint(1, 6)):
        found = worker.transact("look", lambda: worker.connection.execute(_HALTED, {"run_key": key}).fetchone())
        if found is None or found["halted_at"] is None or (seen and found["halted_at"] != seen["halted_at"]):
            return
        if seen and found["attempts"] > seen["attempts"]:
            schedule.report.violations.append(f"O19 a call of {key} was begun while that was halted")
        seen = found
        worker.sleep(schedule.rng.uniform(1, 90))


def _judge(schedule: Schedule, worker: Worker, run_id: int, who: tuple[str, int]) -> int:
    """Say what the receiver says; that nothing arrived is certain only once nobody is at it."""
    fate = schedule.receivers.messages.fate(*who)
    certain = fate is Fate.ARRIVED or all(one.block != "message" for one in schedule.live)
    if fate is Fate.ON_ITS_WAY or not certain:
        return 0
    outcome = Outcome.OK if fate is Fate.ARRIVED else Outcome.REFUSED
    return unknowns.record_unknown(worker.connection, run_id, [who[1]], outcome)
