"""Opens the run of an occurrence, freezes its audience, and cuts it into batches."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.ledger.oversight.first_share import read_first_share
from promo_campaigns.ledger.runs import open_run, read_batches
from promo_campaigns.ledger.start_checks import audience_notes
from promo_campaigns.model.forecast import StockPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from promo_campaigns.model.oversight.first_share import StartWith
    from promo_campaigns.model.run import Batch, Mode, Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """How Start opens a run. A dry run takes the same, and reports what Start would do with it.

    :ivar run_key: names the occurrence; empty in a dry run that stands for none
    :ivar send_by: nobody is sent anything from then on
    :ivar mode: what to do with a run that is closed already; None for what the run itself says
    :ivar stock_policy: what to do when the pool is too small
    :ivar approval: whether a person must approve the run before a code is given out
    :ivar abort_at: percent of failures at which the run pauses itself; None for never
    :ivar start_with: whom the run goes to before all others; None for everybody at once
    :ivar confirm_within: how short a time before the same may not have been opened; None if it is meant
    :ivar due_at: when Airflow was to run it first; None for now
    """

    run_key: str = ""
    send_by: datetime | None = None
    mode: Mode | None = None
    stock_policy: StockPolicy = StockPolicy.FAIL
    approval: bool = False
    abort_at: float | None = None
    start_with: StartWith | None = None
    confirm_within: timedelta | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that was opened or found, cut into batches.

    :ivar notes: what is to be known of its audience
    """

    run: Run
    batches: Sequence[Batch]
    notes: Sequence[str] = ()


def start_run(
    connection: Connection, spec: RunSpec, request: StartRequest, batch_size: int | None, *, task_slots: int
) -> StartedRun:
    """Open the run of an occurrence, or find it, and cut it into batches.

    :param batch_size: contacts a batch, None for what is best; as ``read_batches`` takes it
    :param task_slots: how many batches can be worked on at a time
    :raises PromoError: the run is not opened, and nothing of it is left; see ``ledger.runs.open_run``
    """
    run = open_run(
        connection,
        spec,
        run_key=request.run_key,
        send_by=request.send_by,
        mode=request.mode,
        stock_policy=request.stock_policy,
        approval=request.approval,
        abort_at=request.abort_at,
        start_with=request.start_with,
        confirm_within=request.confirm_within,
        due_at=request.due_at,
    )
    batches = cut_into_batches(connection, run, batch_size, task_slots=task_slots)
    if first := read_first_share(connection, run.run_id):
        _LOG.info("Run %s goes to %s", run.run_id, first)
    return StartedRun(run, batches, audience_notes(connection, run.run_id))


def cut_into_batches(connection: Connection, run: Run, batch_size: int | None, *, task_slots: int) -> Sequence[Batch]:
    """Return the batches of a run that was opened, and log how many there are."""
    batches = read_batches(connection, run, batch_size, task_slots=task_slots)
    _LOG.info("Run %s (%s) has %d batches", run.run_id, run.run_key, len(batches))
    return batches
