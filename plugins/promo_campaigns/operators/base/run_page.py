"""The link from a task to the page of the runs that its DAG run belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

from promo_campaigns.hooks.page_links import pages_base

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

RUN_TAB = "promo-run"
"""The last part of the address of the tab that the package adds to a DAG run."""


class RunPageLink(BaseOperatorLink):
    """Leads from a block to how far its run is, why some got nothing, and who got which code."""

    name = "Promo run"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002  (Airflow's signature)
        """Return the address of the tab, below that of Airflow's own pages."""
        dag_id, run_id = quote(ti_key.dag_id, safe=""), quote(ti_key.run_id, safe="")
        return f"{pages_base()}/dags/{dag_id}/runs/{run_id}/plugin/{RUN_TAB}"
