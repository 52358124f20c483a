"""Opens runs for the events that wait for a workflow, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.delivery.opening.start import StartedRun, cut_into_batches
from promo_campaigns.ledger.event_queue import acquire, is_consumer, listen, open_event_run, renew
from promo_campaigns.model.errors import PromoError

if TYPE_CHECKING:
    from promo_campaigns.model.events import EventTerms
    from promo_campaigns.model.run import Mode, Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

_BUSY_S = 120.0
_TROUBLE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOpening:
    """How a workflow opens its runs of events.

    :ivar key: of the worker that takes the events: the key of its run, or the beginning of its runs' keys
    :ivar mode: what becomes of a run that is closed already; None for what the run itself says
    :ivar abort_at: percent of failures at which a run pauses itself
    """

    spec: RunSpec
    terms: EventTerms
    key: str
    mode: Mode | None
    abort_at: float

    def begin(self, connection: Connection) -> None:
        """Let events wait for the workflow, and take them over from the worker before."""
        listen(connection, workflow=self.terms.workflow, type_name=self.terms.type)
        acquire(connection, self.terms.workflow, self.key, quiet_s=_BUSY_S)

    def go_on(self, connection: Connection) -> bool:
        """Keep the workflow's DAG from being woken for a while, and tell whether no other worker took its events."""
        return renew(connection, self.terms.workflow, self.key, quiet_s=_BUSY_S)

    def end(self, connection: Connection) -> bool:
        """Let the DAG be woken again, and tell whether no other worker has taken its events."""
        return renew(connection, self.terms.workflow, self.key, quiet_s=0)

    def report_trouble(self, connection: Connection) -> None:
        """Let the DAG not be woken for longer: the next try would fail the same way."""
        renew(connection, self.terms.workflow, self.key, quiet_s=_TROUBLE_S)

    def is_taken(self, connection: Connection) -> bool:
        """Tell whether the events are still this one's to take."""
        return is_consumer(connection, self.terms.workflow, self.key)

    def open_next(self, connection: Connection, run_key: str) -> Run | None:
        """Open the run of a key, or find it; None if no event waits.

        :raises PromoError: it cannot be opened; the workflow is not woken for a while
        """
        try:
            return open_event_run(
                connection, self.spec, self.terms, run_key=run_key, mode=self.mode, abort_at=self.abort_at
            )
        except PromoError:
            self.report_trouble(connection)
            raise


def start_on_events(
    connection: Connection, opening: EventOpening, batch_size: int | None, *, task_slots: int
) -> StartedRun | None:
    """Open one run for the events that wait, or find it, and cut it into batches; None if no event waits.

    :param batch_size: contacts a batch, None for what is best; as ``read_batches`` takes it
    :param task_slots: how many batches can be worked on at a time
    """
    opening.begin(connection)
    run = opening.open_next(connection, opening.key)
    opening.end(connection)
    if run is None:
        return None
    return StartedRun(run, cut_into_batches(connection, run, batch_size, task_slots=task_slots))
