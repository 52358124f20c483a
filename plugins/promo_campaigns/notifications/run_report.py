"""Tells what became of the run of a DAG run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.notifications.chat import ChatNotifier
from promo_campaigns.operators.base.occurrence import read_run_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context

REPORT_TEXT = "{{ report_text }}"


class RunReportNotifier(ChatNotifier):
    """Tells the report of the run that a DAG run opened, as it stands.

    For ``on_success_callback`` and ``on_failure_callback`` of a workflow's DAG, or of its End.
    Its text finds ``run_key``, ``report_text`` (a table), ``report_markdown`` and ``report``, whose names are those of
    the XCom of End; ``report`` is None, and the texts say so, if no run was opened.

    :param text: what is told; by default the table
    :param workflow: name of the workflow; by default the DAG's id
    """

    def __init__(self, *, text: str = REPORT_TEXT, workflow: str = "", **kwargs: Any) -> None:
        super().__init__(text=text, **kwargs)
        self.workflow = workflow

    def find(self, context: Context) -> Iterator[dict[str, Any]]:
        """Yield the report."""
        from promo_campaigns.ledger.reports import read_report
        from promo_campaigns.ledger.runs import read_run_by_key
        from promo_campaigns.model.errors import LedgerError

        dag_run = context["dag_run"]
        edition = str((dag_run.conf or {}).get("edition") or "")
        key = read_run_key(context, self.workflow or dag_run.dag_id, edition)
        with self.hook.connect() as connection:
            try:
                report = read_report(connection, read_run_by_key(connection, key).run_id)
            except LedgerError:
                none = f"{key}: no run was opened"
                yield {"run_key": key, "report": None, "report_text": none, "report_markdown": none}
                return
        yield {
            "run_key": key,
            "report": report.as_dict(),
            "report_text": report.as_table(),
            "report_markdown": report.as_markdown(),
        }
