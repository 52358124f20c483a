"""Once a day: erase what the store holds of people and nobody needs any more.

Answers of data sources go once their run is closed and no send of it is in doubt; keys and parameters of events after
30 days. Say ``days=`` for another time.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from promo_campaigns.operators.retention import EraseOldDataOperator

with DAG(
    "erase_old_data",
    description="Erase answers of data sources and parameters of events that nobody needs any more",
    schedule="@daily",
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["promo"],
):
    erase = EraseOldDataOperator(task_id="erase")
