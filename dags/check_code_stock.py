"""Once a day: which types of codes run low. Levels are set in include/stock_levels.yaml.

Name notifiers to tell by mail or chat, such as
``notifiers=[SmtpNotifier(to=..., subject="{{ stock.type }}: {{ stock.level }}")]``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from promo_campaigns.operators.stock_levels import CheckCodeStockOperator

with DAG(
    "check_code_stock",
    description="Tell of each level that the free codes of a type have reached, once",
    schedule="@daily",
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["promo"],
):
    check = CheckCodeStockOperator(task_id="check")
