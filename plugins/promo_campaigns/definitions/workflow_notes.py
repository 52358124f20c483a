"""Remarks on a workflow file that is right: what its author should know before its DAG is turned on."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from promo_campaigns.model.parameters import parse_deadline, parse_duration
from promo_campaigns.model.run_spec import note_on_transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.definitions.workflow import Workflow


NO_SEND_BY = "a schedule without send_by: a date that is made up for late is sent all the same; write send_by: 12h"


class Note(NamedTuple):
    """A remark on a setting, or on one that is left out."""

    setting: str
    text: str


def notes_on(workflow: Workflow, *, now: datetime | None = None) -> Iterator[Note]:
    """Yield what its author should know of a workflow.

    :param now: when it is asked; by default, now
    """
    if text := note_on_transport(workflow.transport):
        yield Note("transport", text)
    now = now or datetime.now(tz=timezone.utc)
    if workflow.schedule is not None and not workflow.send_by:
        yield Note("schedule", NO_SEND_BY)
    if (
        workflow.end_date
        and date.fromisoformat(workflow.end_date) < now.astimezone(ZoneInfo(workflow.time_zone)).date()
    ):
        yield Note("end_date", f"end_date {workflow.end_date} is over: it runs by its schedule no more")
    if workflow.send_by and parse_duration(workflow.send_by) is None:
        deadline = parse_deadline("send_by", workflow.send_by, occurrence=now)
        if deadline and deadline <= now:
            yield Note("send_by", f"send_by {workflow.send_by} is over: nobody will be sent anything")
