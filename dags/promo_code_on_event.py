"""Sends a promo code to the contact of each event within seconds: the event workflow to copy.

``POST /api/v2/event`` of the profile API with the ``eventTypeKey`` of EVENT; see docs/how-to/events.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from promo_campaigns.operators.event_stream import AnswerEventsOperator
from promo_campaigns.operators.events import waiting_events

WORKFLOW = "promo_code_on_event"
EVENT = "OrderPaid"

with DAG(
    WORKFLOW,
    description="Start on events, Get contact, Get promo code, Message, HTTP request data source, End: in one task",
    # Events wake it; the clock makes up for asset events that Airflow may lose.
    schedule=AssetOrTimeSchedule(
        assets=[waiting_events(EVENT, workflow=WORKFLOW)],
        timetable=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
    ),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=2,  # one that answers, and one that continues after it
    default_args={"retries": 3, "retry_delay": timedelta(seconds=10)},
    tags=["promo"],
):
    AnswerEventsOperator(
        task_id="answer_events",
        task_display_name="Answer events",
        event=EVENT,
        reentry="each_time",
        message="promo_push",
        type="Welcome",
        discount=10,
        days=7,
    )
