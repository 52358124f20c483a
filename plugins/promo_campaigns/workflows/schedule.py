"""A workflow's schedule and dates as Airflow takes them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from importlib import import_module
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, MultipleCronTriggerTimetable

from promo_campaigns.definitions.workflow_parts import AssetSchedule, TimetableSchedule
from promo_campaigns.model.errors import SettingError
from promo_campaigns.operators.assets import named_asset
from promo_campaigns.operators.events import waiting_events

if TYPE_CHECKING:
    from promo_campaigns.definitions.workflow import Workflow

_ONCE = "@once"
_CATCH_ALL = "*/15 * * * *"
_LONG_AGO = datetime(2026, 1, 1, tzinfo=timezone.utc)


def read_schedule(workflow: Workflow) -> Any:  # noqa: ANN401  (what Airflow takes)
    """Return the schedule; what is no plain value is Airflow's own already.

    :raises SettingError: there is no such timetable, or it cannot be made so
    """
    if workflow.event:
        return _when_events_wait(workflow)
    schedule = workflow.schedule
    if schedule is None or schedule == _ONCE:
        return schedule
    if isinstance(schedule, str):
        return CronTriggerTimetable(schedule, timezone=workflow.time_zone)
    if isinstance(schedule, tuple):
        return MultipleCronTriggerTimetable(*schedule, timezone=workflow.time_zone)
    if isinstance(schedule, AssetSchedule):
        return [named_asset(name) for name in ([schedule.asset] if isinstance(schedule.asset, str) else schedule.asset)]
    return _timetable(schedule) if isinstance(schedule, TimetableSchedule) else schedule


def _when_events_wait(workflow: Workflow) -> AssetOrTimeSchedule:
    """Wake by what waits; the clock only makes up for what Airflow may lose."""
    clock = CronTriggerTimetable(_CATCH_ALL, timezone="UTC")
    return AssetOrTimeSchedule(assets=[waiting_events(workflow.event, workflow=workflow.workflow_id)], timetable=clock)


def first_moment(workflow: Workflow) -> datetime | None:
    """Return when the start date begins in the workflow's time zone; a clock that only catches up needs some start."""
    return _midnight(workflow, workflow.start_date) or (_LONG_AGO if workflow.event else None)


def last_moment(workflow: Workflow) -> datetime | None:
    """Return the last second of the end date in the workflow's time zone."""
    end = _midnight(workflow, workflow.end_date, days=1)
    return end - timedelta(seconds=1) if end else None


def _midnight(workflow: Workflow, day: str, days: int = 0) -> datetime | None:
    if not day:
        return None
    on = date.fromisoformat(day) + timedelta(days=days)
    return datetime.combine(on, time(), tzinfo=ZoneInfo(workflow.time_zone))


def _timetable(schedule: TimetableSchedule) -> Any:  # noqa: ANN401  (the class is the author's)
    # It loads a third of a second of Airflow's models, in every task of every workflow.
    from airflow.serialization.encoders import encode_timetable  # noqa: PLC0415  (few schedules need it)

    name = schedule.timetable
    module, _, attribute = name.rpartition(".")
    try:
        kind = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        problem = f"there is no timetable {name}: {error}"
        raise SettingError(problem, setting=("schedule", "timetable")) from error
    if not (isinstance(kind, type) and hasattr(kind, "can_be_scheduled")):
        problem = f"{name} is no timetable"
        raise SettingError(problem, setting=("schedule", "timetable"), hint="Name a class of Airflow's, or of a plugin")
    try:
        timetable = kind(**schedule.arguments)
        timetable.validate()
        encode_timetable(timetable)
    except Exception as error:
        problem = f"{attribute} cannot be made with these arguments: {error}"
        hint = "A timetable of your own must be registered by a plugin, and its arguments plain values"
        raise SettingError(problem, setting=("schedule", "timetable"), hint=hint) from error
    return timetable
