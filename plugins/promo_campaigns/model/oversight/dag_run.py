"""What has become in Airflow of the DAG run behind a run."""

from __future__ import annotations

from enum import Enum


class DagRunState(str, Enum):
    """What Airflow says of a DAG run, or why nothing is known of it."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    GONE = "gone"
    """Airflow has the DAG, and no DAG run of it that stands for the run."""
    NO_DAG = "no DAG"
    """Airflow has no DAG of the workflow's name: the run was opened elsewhere, or the DAG is gone, too."""
    NOT_FOUND = "not found"
    """There are too many DAG runs to say that it is gone."""
    NOT_ASKED = "not asked"

    @property
    def is_over(self) -> bool:
        """Tell whether Airflow does nothing more for the run."""
        return self in {DagRunState.SUCCESS, DagRunState.FAILED, DagRunState.GONE}
