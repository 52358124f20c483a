"""A promo code to every contact something has happened to, within seconds: the event workflow to copy.

``POST /api/v2/event`` of the profile API with the ``eventTypeKey`` of EVENT; see "Events" in the README.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, XComArg, task_group

from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.events import StartOnEventsOperator, waiting_events
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator

WORKFLOW = "promo_code_on_event"
EVENT = "OrderPaid"
MESSAGE = "promo_push"
CODES: dict[str, Any] = {"type": "Welcome", "discount": 10, "days": 7}

with DAG(
    WORKFLOW,
    description="Start on events, Get contact, Get promo code, Message, HTTP request data source, End",
    # Woken by what waits; the clock only makes up for what Airflow may lose.
    schedule=AssetOrTimeSchedule(
        assets=[waiting_events(EVENT, workflow=WORKFLOW)],
        timetable=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
    ),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=4,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=10)},
    tags=["promo"],
):
    start = StartOnEventsOperator(
        task_id="start", task_display_name="Start", event=EVENT, reentry="each_time", message=MESSAGE, **CODES
    )

    @task_group(group_id="batch", group_display_name="Each batch")
    def send_batch(batch: XComArg) -> None:
        """Take one batch of contacts through the blocks."""
        contact = GetContactOperator(task_id="get_contact", task_display_name="Get contact", batch=batch)
        promo_code = GetPromoCodeOperator(
            task_id="get_promo_code", task_display_name="Get promo code", contacts=contact.output, **CODES
        )
        message = SendMessageOperator(
            task_id="message", task_display_name="Message", assignments=promo_code.output, message=MESSAGE
        )
        HttpDataSourceOperator(
            task_id="http_request_data_source",
            task_display_name="HTTP request data source",
            assignments=message.output,
            data_source="promo_to_profile",
        )

    end = EndOperator(task_id="end", task_display_name="End", run_id=start.run)
    send_batch.expand(batch=start.output) >> end
