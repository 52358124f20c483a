"""The Preview block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.page_links import WorkflowsPageLink
from promo_campaigns.operators.base.audience_operator import AudienceOperator, require_startable

if TYPE_CHECKING:
    from airflow.sdk import Context


class PreviewOperator(AudienceOperator):
    """Writes a table of what each contact would get from the run that a Start block with these parameters would open.

    Nothing is opened, consumed or sent. The table lies in ``preview_folder`` as CSV and, with pyarrow, as Parquet.
    It asks everything that Start asks, and fails, once the table is written, where Start would refuse to open a run.
    Takes the parameters of ``StartOperator`` that decide who gets what: all but ``mode``, ``preview_only`` and
    ``batch_size``.

    Returns its report, counts only: ``{"contacts": 1000, "states": {…}, "forecast": {…}, "files": […], …}``.

    :raises StartRefusedError: Start would not open the run
    """

    operator_extra_links = (WorkflowsPageLink(),)
    ui_color = "#eef3f7"

    def execute(self, context: Context) -> dict[str, Any]:
        """Write the preview."""
        report = self.write_preview(context)
        require_startable(report)
        return report.as_dict()
