"""What a person does about sends of unknown outcome, and about runs to be run again, at any moment."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from faults.receiver_truth import Fate
from faults.strands import finish
from promo_campaigns.ledger import unknown_sends as unknowns
from promo_campaigns.ledger.runs import read_run, set_mode
from promo_campaigns.model.errors import LedgerError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.schedule import Schedule
    from faults.workers import Worker


def person(schedule: Schedule) -> Callable[[Worker], None]:
    """Return somebody who looks at a doubt and acts on it, truthfully or at a risk that is noted."""

    def act(worker: Worker) -> None:
        doubts = worker.transact("list_unknown", lambda: unknowns.list_unknown(worker.connection))
        if not doubts:
            return
        doubt = schedule.rng.choice(doubts)
        run_id, contact_id = int(doubt["run_id"]), int(doubt["contact_id"])
        who = schedule.occurrences[doubt["run_key"]], contact_id
        deed = schedule.rng.choice(("reconcile", "judge", "judge", "resend", "resend"))
        if deed == "reconcile":
            run = worker.transact("read_run", lambda: read_run(worker.connection, run_id))
            transport = schedule.pipeline.transport(worker, who[0])
            finish(unknowns.reconcile(worker.connection, transport, run))
        elif deed == "judge":
            worker.transact("judge_unknown", lambda: _judge(schedule, worker, run_id, who))
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


def _judge(schedule: Schedule, worker: Worker, run_id: int, who: tuple[str, int]) -> int:
    """Say what the receiver says; that nothing arrived is certain only once nobody is at it."""
    fate = schedule.receivers.messages.fate(*who)
    certain = fate is Fate.ARRIVED or all(one.block != "message" for one in schedule.live)
    if fate is Fate.ON_ITS_WAY or not certain:
        return 0
    outcome = Outcome.OK if fate is Fate.ARRIVED else Outcome.REFUSED
    return unknowns.judge_unknown(worker.connection, run_id, [who[1]], outcome)
