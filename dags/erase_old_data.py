"""Erases and archives, once a day, what is older than it is kept.

Answers of data sources are erased once their run is closed and no send of it is unknown; keys and parameters of events
after 30 days; messages of the inbox after 90. Runs are archived a year after they were closed, if the Variable
``promo_archive`` names a folder on any storage, such as ``s3://aws@bucket/promo``; else they stay. The Variable
``promo_keep`` keeps kinds for another time, such as ``runs=180 events=7 inbox=30 audit=1825``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from promo_campaigns.operators.upkeep.retention import ArchiveOldDataOperator

with DAG(
    "erase_old_data",
    description="Erase, archive or drop what is older than it is kept",
    schedule="@daily",
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["promo"],
):
    erase = ArchiveOldDataOperator(
        task_id="erase",
        keep="{{ var.value.get('promo_keep', '') }}",
        archive="{{ var.value.get('promo_archive', '') }}",
    )
