"""Loads code files from an inbox into the store, one task a file.

It waits for the next file as soon as a run is done: turned on, dropping a file is enough. The inbox is the folder in
the Variable ``promo_code_inbox``, else ``code_inbox`` beside the folder of DAGs.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow.sdk import DAG, Param

from promo_campaigns.operators.assets import CODE_FILES, POOLS, PROMO_CODES
from promo_campaigns.operators.promo_codes import LoadPromoCodesOperator
from promo_campaigns.sensors.promo_code_file import PromoCodeFileSensor

INBOX = Path(__file__).resolve().parents[1] / "code_inbox"
PARAMS = {
    "strict": Param(
        default=False, type="boolean", title="Strict", description="Load nothing of a file if one of its rows is wrong"
    ),
    "time_zone": Param(
        "UTC", type="string", minLength=1, title="Time zone", description="Time zone in which dates are read"
    ),
}

with DAG(
    "load_promo_codes",
    description="Wait for finished code files in the inbox, load each, move it to loaded/ or rejected/ with its report",
    schedule="@continuous",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=10)},
    tags=["promo"],
):
    arrived = PromoCodeFileSensor(
        task_id="wait_for_files",
        path=f"{{{{ var.value.get('promo_code_inbox', {str(INBOX)!r}) }}}}",
        unchanged_s=2,
        deferrable=True,
        timeout=timedelta(hours=1),
        soft_fail=True,
        outlets=[CODE_FILES],
    )
    LoadPromoCodesOperator.partial(
        task_id="load",
        strict="{{ params.strict }}",
        time_zone="{{ params.time_zone }}",
        inlets=[CODE_FILES],
        outlets=[POOLS, PROMO_CODES],
        max_active_tis_per_dagrun=2,
        map_index_template="{{ task.mapped_name }}",
    ).expand(files=arrived.output)
