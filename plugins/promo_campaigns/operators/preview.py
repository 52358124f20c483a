"""The Preview block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.operators.start import StartOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class PreviewOperator(StartOperator):
    """Rehearses the run that a Start block with the same parameters would open: a table of what each contact would get.

    Nothing is opened, consumed or sent. The table lies in ``preview_folder`` as CSV and, with pyarrow, as Parquet.

    Returns its report, counts only: ``{"contacts": 1000, "states": {…}, "forecast": {…}, "files": […], …}``.
    """

    ui_color = "#eef3f7"

    def execute(self, context: Context) -> dict[str, Any]:  # type: ignore[override]  # a report in place of batches
        """Write the preview."""
        return self.rehearse(context).as_dict()
