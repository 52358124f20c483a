"""The Dry run block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowNotFoundException

from promo_campaigns.hooks.dry_run import write_dry_run
from promo_campaigns.hooks.include import include_folder
from promo_campaigns.hooks.page_links import WorkflowsPageLink
from promo_campaigns.model.parameters import optional_text, parse_name
from promo_campaigns.operators.base.audience_operator import require_startable, with_audience
from promo_campaigns.operators.base.live import is_live
from promo_campaigns.operators.base.occurrence import read_occurrence, read_run_key
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.preview.rows import PreviewReport


class DryRunOperator(StoreOperator):
    """Writes what a run of a workflow file would do to each contact, from a DAG of its own.

    Airflow turns a DAG on when it is triggered on its page, and with it its schedule. The DAG of this block is another
    than the workflow's, which stays as it is; the report says whether that one is on. Nothing is opened, consumed or
    sent. The block asks everything that Start asks, and fails, once the table is written, where Start would refuse.

    Returns its report, counts only: ``{"contacts": 1000, "states": {…}, "forecast": {…}, "files": […], …}``.

    :param workflow: the name of a file in ``include/workflows`` (templated)
    :param audience: name of a file in ``include/audiences``, in place of the workflow's (templated)
    :param message: name of a file in ``include/messages``, in place of the workflow's (templated)
    :param preview_folder: where the preview goes, as in the Start block (templated)
    :param include_folder: by default option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :param promo_db_conn_id: connection of the store (templated)
    :raises StartRefusedError: Start would not open the run
    :raises ConfigurationError: a definition file or a connection is wrong
    """

    template_fields: Sequence[str] = ("workflow", "audience", "message", "preview_folder", "promo_db_conn_id")
    operator_extra_links = (WorkflowsPageLink(),)
    ui_color = "#eef3f7"

    def __init__(
        self,
        *,
        workflow: str,
        audience: str = "",
        message: str = "",
        preview_folder: str | None = None,
        include_folder: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.workflow = workflow
        self.audience = audience
        self.message = message
        self.preview_folder = preview_folder
        self.include_folder = include_folder

    def execute(self, context: Context) -> dict[str, Any]:
        """Write the preview, and say whether the workflow is on."""
        workflow = parse_name("workflow", self.workflow)
        report = self._write_preview(context, workflow)
        if is_live(context, workflow):
            report.notes.append(f"{workflow} is live: its DAG is on, and runs whenever it is due or triggered")
        self.log.info("Dry run of %s: %d contacts: %s", workflow, report.contacts, report.states)
        for line in (*report.notes, *report.files):
            self.log.info("%s", line)
        require_startable(report)
        return report.as_dict()

    def _write_preview(self, context: Context, workflow_id: str) -> PreviewReport:
        from promo_campaigns.definitions.receiver_checks import check_receivers
        from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
        from promo_campaigns.definitions.workflow_specs import read_workflow_spec
        from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
        from promo_campaigns.preview.start import as_start_would

        files = IncludeFolder(include_folder(self.include_folder))
        given = {name: optional_text(getattr(self, name)) or None for name in ("audience", "message")}
        workflow = check_workflow(files, workflow_id)
        spec = with_audience(read_workflow_spec(files, workflow, given))
        check_receivers(files.path, spec, self.delivery.receivers, missing=(AirflowNotFoundException,))
        with self.hook.connect() as connection:
            return write_dry_run(
                connection,
                CompiledCampaign(spec),
                run_key=read_run_key(context, workflow_id),
                start=as_start_would(workflow, read_occurrence(context)),
                preview_folder=optional_text(self.preview_folder),
                include_folder=self.include_folder,
            )
