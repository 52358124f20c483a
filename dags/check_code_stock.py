"""Checks the stock once a day, and notifies of types that run low; include/stock_levels.yaml sets the levels.

Add notifiers to notify by mail or chat, such as
``notifiers=[SmtpNotifier(to=..., subject="{{ stock.type }}: {{ stock.level }}")]``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from promo_campaigns.operators.upkeep.stock_levels import CheckCodeStockOperator

with DAG(
    "check_code_stock",
    description="Notify once of each level that the free codes of a type have reached",
    schedule="@daily",
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["promo"],
):
    check = CheckCodeStockOperator(task_id="check")
