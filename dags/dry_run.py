"""Shows what a workflow would send to whom, and cannot send: an Airflow DAG apart from those of the workflows.

Airflow turns a DAG on when it is triggered on its page. Triggering this one leaves the workflow's own as it is.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param

from promo_campaigns.definitions.workflow_files import IncludeFolder
from promo_campaigns.hooks.include import include_folder
from promo_campaigns.operators.dry_run import DryRunOperator

FILES = IncludeFolder(include_folder(None))
WORKFLOWS = FILES.workflow_ids
PARAMS = {
    "workflow": Param(
        WORKFLOWS[0] if WORKFLOWS else "",
        type="string",
        title="Workflow",
        description="A file of include/workflows",
        enum=WORKFLOWS or [""],
    ),
    "audience": Param(
        None, type=["null", "string"], title="Audience", description="Another file of include/audiences than its own"
    ),
    "message": Param(
        None, type=["null", "string"], title="Message", description="Another file of include/messages than its own"
    ),
}

with DAG(
    "dry_run",
    description="Write what a workflow would send to whom; its own DAG is not turned on",
    schedule=None,
    params=PARAMS,
    default_args={"retries": 0},
    tags=["promo"],
):
    DryRunOperator(
        task_id="dry_run",
        task_display_name="Dry run",
        workflow="{{ params.workflow }}",
        audience="{{ params.audience }}",
        message="{{ params.message }}",
    )
