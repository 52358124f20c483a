"""Measures the store every five minutes, and notifies of runs that are stuck, unknown sends and receivers that refuse.

Add notifiers to notify by mail or chat, such as
``notifiers=[SmtpNotifier(to=..., subject="{{ alert.text }}", html_content="{{ alert.hint }}")]``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from promo_campaigns.operators.upkeep.watch import WatchCampaignsOperator

with DAG(
    "watch_campaigns",
    description="Tell the metrics, and notify once of each alert until it is over",
    schedule="*/5 * * * *",
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=1)},
    tags=["promo"],
):
    watch = WatchCampaignsOperator(task_id="watch")
