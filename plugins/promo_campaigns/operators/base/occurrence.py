"""What a DAG run stands for: the run key it opens, and when what it stands for happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.parameters import optional_text
from promo_campaigns.model.run_key import BY_HAND, SCHEDULED, run_key

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context


def read_run_key(context: Context, workflow: str, edition: str = "") -> str:
    """Return the run key of a DAG run: of its date if it was scheduled, else of the edition, else its own.

    :param edition: names a manual send
    """
    dag_run = context["dag_run"]
    return run_key(
        workflow=workflow,
        run_type=_run_type(context),
        logical_date=dag_run.logical_date,
        edition=optional_text(edition),
        run_id=dag_run.run_id,
    )


def read_occurrence(context: Context) -> datetime:
    """Return when what a DAG run stands for happens: its date if it was scheduled, else when it was asked for."""
    dag_run = context["dag_run"]
    dated = dag_run.logical_date if _run_type(context) in SCHEDULED else None
    return dated or dag_run.run_after


def is_by_hand(context: Context) -> bool:
    """Return whether a person, or another DAG, asked for a DAG run: neither a schedule, a backfill nor an asset did."""
    return _run_type(context) in BY_HAND


def _run_type(context: Context) -> str:
    """Return Airflow's type of a DAG run, as text."""
    run_type = context["dag_run"].run_type
    return str(getattr(run_type, "value", run_type))
