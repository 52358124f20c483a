"""Erases, once a day, personal data that is no longer needed.

Answers of data sources are erased once their run is closed and no send of it is unknown; keys and parameters of events
after 30 days, or after ``days=``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from promo_campaigns.operators.upkeep.retention import EraseOldDataOperator

with DAG(
    "erase_old_data",
    description="Erase answers of data sources and parameters of events that are no longer needed",
    schedule="@daily",
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["promo"],
):
    erase = EraseOldDataOperator(task_id="erase")
