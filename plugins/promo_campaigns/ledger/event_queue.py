"""The queue of events: who listens, when to wake whom, and runs that take what waits.

The table is the queue. A wake-up says nothing but that something waits: one that is lost, late or doubled changes
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.ledger.chains.forecast import free_by_value, pool_arrays
from promo_campaigns.ledger.runs import has_run, lock_free_codes, open_run
from promo_campaigns.model.attributes import NO_ATTRIBUTES
from promo_campaigns.model.errors import ConfigurationError, PoolShortageError
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from datetime import datetime

    from promo_campaigns.model.events import EventTerms
    from promo_campaigns.model.run import Mode, Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_LARGE = 1_000
"""From so many contacts on the planner is told of a new run at once."""


def listen(connection: Connection, *, workflow: str, type_name: str) -> None:
    """Queue every event of the type for the workflow from now on; calling it again changes nothing."""
    connection.execute(_SQL["listen"], {"workflow": workflow, "type": type_name})


def stop_listening(connection: Connection, workflow: str) -> int:
    """Queue no more events for the workflow; return how many waited and are not answered.

    :raises ConfigurationError: the workflow does not listen
    """
    with connection.transaction():
        if connection.execute(_SQL["stop_listening"], {"workflow": workflow}).fetchone() is None:
            msg = f"the workflow {workflow!r} does not listen; promo events listeners names those that do"
            raise ConfigurationError(msg)
        return connection.execute(_SQL["refuse_waiting"], {"workflow": workflow}).rowcount


def wake(connection: Connection, workflow: str, *, quiet_s: float) -> bool:
    """Return whether to wake the workflow now: events wait, and it was not woken within ``quiet_s``."""
    woken = connection.execute(_SQL["wake"], {"workflow": workflow, "quiet_s": quiet_s})
    return woken.fetchone() is not None


def acquire(connection: Connection, workflow: str, consumer: str, *, quiet_s: float) -> None:
    """Make a worker the consumer of the workflow's events; the workflow is not woken for so long."""
    connection.execute(_SQL["acquire"], {"workflow": workflow, "consumer": consumer, "quiet_s": quiet_s})


def renew(connection: Connection, workflow: str, consumer: str, *, quiet_s: float) -> bool:
    """Set for how long the workflow is not woken; return whether this worker is still the consumer of its events.

    :param quiet_s: 0 for "it may be woken now"
    """
    stayed = connection.execute(_SQL["renew"], {"workflow": workflow, "consumer": consumer, "quiet_s": quiet_s})
    return stayed.fetchone() is not None


def is_consumer(connection: Connection, workflow: str, consumer: str) -> bool:
    """Return whether this worker is still the consumer of the workflow's events."""
    return connection.execute(_SQL["is_consumer"], {"workflow": workflow, "consumer": consumer}).fetchone() is not None


def open_event_run(  # noqa: PLR0913  (as for open_run)
    connection: Connection,
    spec: RunSpec,
    terms: EventTerms,
    *,
    run_key: str,
    mode: Mode | None = None,
    abort_at: float | None = None,
) -> Run | None:
    """Open a run for the oldest events that wait, or find it with the events it took; None if nothing waits.

    It takes one event a contact and no more events than there are codes for; a contact's next event waits for the next
    run.
    One transaction binds events and assignments: every later opening with this key finds the same.

    :raises PoolShortageError: there is no code left for anybody
    :raises RunSpecChangedError: as ``open_run``
    :raises RunClosedError: as ``open_run``
    """
    with connection.transaction():
        connection.execute(_SQL["lock_queue"], {"workflow": terms.workflow})
        if has_run(connection, run_key):
            return open_run(connection, spec, run_key=run_key, mode=mode)
        send_by = _send_by(connection, terms, terms.most)
        if send_by is None:
            return None
        most = _servable(connection, spec, terms)
        if most < 1:
            msg = (
                f"{spec.codes.named} holds no free code valid for "
                f"{spec.codes.days} more days; events of type {terms.type!r} wait: load more codes"
            )
            raise PoolShortageError(msg)

        def take(run_id: int) -> None:
            taken = connection.execute(_SQL["take_events"], _terms(terms, most) | {"run_id": run_id})
            if taken.rowcount > _LARGE:
                connection.execute("analyze promo.assignment (run_id, contact_id)")

        run = open_run(connection, spec, run_key=run_key, send_by=send_by, mode=mode, freeze=take, abort_at=abort_at)
        connection.execute(_SQL["refuse_events"], _terms(terms, terms.most))
    return run


def _servable(connection: Connection, spec: RunSpec, terms: EventTerms) -> int:
    """Return how many of the oldest events that wait there are codes for; holds the pool until the transaction ends."""
    free = lock_free_codes(connection, spec.codes)
    if spec.codes.match:
        return _matched(connection, spec, terms)
    if spec.reuse is not Reuse.SAME:
        return min(terms.most, free)
    held = {**pool_arrays(spec.codes.pools), "days": spec.codes.days, "free": free}
    counted = connection.execute(_SQL["count_servable"], _terms(terms, terms.most) | held).fetchone()
    return int(counted["events"]) if counted else 0


def _matched(connection: Connection, spec: RunSpec, terms: EventTerms) -> int:
    """Return how many of the oldest events there are codes for that carry what their contacts have, or nothing."""
    free = free_by_value(connection, spec.codes)
    asked = {
        **pool_arrays(spec.codes.pools),
        "days": spec.codes.days,
        "reuses": spec.reuse.gives_again,
        "names": [one.name for one in spec.codes.match],
        "sources": [one.source for one in spec.codes.match],
        "suiting_all": free.pop(NO_ATTRIBUTES, 0),
        "attributes": list(free),
        "free": list(free.values()),
    }
    counted = connection.execute(_SQL["count_matched"], _terms(terms, terms.most) | asked).fetchone()
    return int(counted["events"]) if counted else 0


def _send_by(connection: Connection, terms: EventTerms, most: int) -> datetime | None:
    """Refuse events until some that can be taken are the oldest; return when the newest of them is too old."""
    while connection.execute(_SQL["refuse_events"], _terms(terms, most)).rowcount:
        pass
    window = connection.execute(_SQL["read_window"], _terms(terms, most)).fetchone()
    return window["send_by"] if window else None


def _terms(terms: EventTerms, most: int) -> dict[str, object]:
    return {
        "workflow": terms.workflow,
        "type": terms.type,
        "reentry": terms.reentry.value,
        "period_s": terms.period_s,
        "alone": terms.alone,
        "max_age_s": terms.max_age_s,
        "limit": most,
    }
