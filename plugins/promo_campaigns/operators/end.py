"""The End block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from promo_campaigns.delivery.batch_payload import MAX_RUN_ID, NO_RUN
from promo_campaigns.model.parameters import whole_number
from promo_campaigns.operators.assets import POOLS, PROFILES, PROMO_PROFILES, PROMO_RUNS, RUNS, member
from promo_campaigns.operators.base.alerting import tell_metrics
from promo_campaigns.operators.base.lineage import Lineage
from promo_campaigns.operators.base.run_page import RunPageLink
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import AssetAlias, Context

    from promo_campaigns.model.run_report import RunReport

MARKDOWN_KEY = "report"


class EndOperator(StoreOperator):
    """Closes the run once everybody has an outcome, checks its invariants, and returns its report: counts only.

    The report is there as a table in the task's log, and as Markdown as XCom ``report``. The assets ``promo_runs`` and
    ``promo_runs/<workflow>``, with the report beside the event, and ``promo_profiles`` and
    ``promo_profiles/<data source>`` tell Airflow what was done.

    :param run_id: the run, ``start.run`` (templated)
    :param workflow: name of the workflow, and
    :param data_sources: those of its message: named, Airflow knows their assets when it reads the DAG. An asset that is
        made when it is first used makes Airflow fail one of two runs that end in the same moment
    :param trigger_rule: by default an empty audience, whose blocks are skipped, is closed as well, and the block is
        skipped when Start was
    :param promo_db_conn_id: connection of the store (templated)
    :raises AirflowSkipException: nothing was opened, as in a dry run
    :raises RunNotFinishedError: somebody is still to be sent to or recorded
    :raises InvariantBrokenError: a promise of the ledger does not hold for the run
    """

    template_fields: Sequence[str] = ("run_id", "promo_db_conn_id")
    operator_extra_links = (RunPageLink(),)
    ui_color = "#dff3e4"
    _workflow = ""
    _recorded: Sequence[str] = ()
    """Whose run was closed, and the data sources that recorded something, once it was."""

    def __init__(
        self,
        *,
        run_id: Any,
        workflow: str | None = None,
        data_sources: Sequence[str] = (),
        trigger_rule: str = "none_failed_min_one_success",
        **kwargs: Any,
    ) -> None:
        known = [member(PROMO_RUNS, workflow)] if workflow else []
        known += [member(PROMO_PROFILES, name) for name in data_sources]
        assets: dict[str, Any] = {"inlets": [POOLS], "outlets": [RUNS, PROFILES, PROMO_RUNS, PROMO_PROFILES, *known]}
        super().__init__(trigger_rule=trigger_rule, **assets | kwargs)
        self.run_id = run_id
        self.workflow = workflow
        self.data_sources = data_sources

    def execute(self, context: Context) -> dict[str, Any]:
        """Close the run and report it."""
        run_id = whole_number("run_id", self.run_id, least=NO_RUN, most=MAX_RUN_ID)
        if run_id == NO_RUN:
            msg = "nothing was opened, so there is nothing to close"
            raise AirflowSkipException(msg)
        report = self._close(run_id)
        self.log.info("%s", report.as_table())
        context["ti"].xcom_push(key=MARKDOWN_KEY, value=report.as_markdown())
        self._announce(context, report)
        return report.as_dict()

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:  # noqa: ARG002  (OpenLineage's)
        """Tell OpenLineage which run went to which profiles."""
        return Lineage(
            store=self.promo_db_conn_id,
            reads=[f"runs/{self._workflow}"],
            writes=[f"profiles/{name}" for name in self._recorded],
        ).told()

    def _close(self, run_id: int) -> RunReport:
        """Close the run, and tell Airflow's stats what became of it."""
        from promo_campaigns.model.errors import InvariantBrokenError
        from promo_campaigns.monitoring.metrics import FAILED_INVARIANTS, Measurement, of_report

        try:
            with self.delivery.open(run_id) as run:
                report = run.close()
        except InvariantBrokenError:
            tell_metrics([Measurement(FAILED_INVARIANTS, 1)])
            raise
        tell_metrics([Measurement(FAILED_INVARIANTS, 0), *of_report(report)])
        return report

    def _announce(self, context: Context, report: RunReport) -> None:
        events = context["outlet_events"]
        events[RUNS].extra = report.as_dict()
        self._workflow = report.workflow
        self._recorded = tuple(report.data_sources) if report.tally.recorded else ()
        self._tell(context, PROMO_RUNS, report.workflow, report.as_dict())
        told: dict[str, Any] = {"run_key": report.run_key, "recorded": report.tally.recorded}
        events[PROFILES].extra = told
        if report.tally.recorded:
            for name in report.data_sources:
                self._tell(context, PROMO_PROFILES, name, told)

    def _tell(self, context: Context, alias: AssetAlias, name: str, extra: dict[str, Any]) -> None:
        """Put words to the event of an asset, which Airflow knows, or else is to make."""
        asset = member(alias, name)
        if asset in self.outlets:
            context["outlet_events"][asset].extra = extra
        else:
            context["outlet_events"][alias].add(asset, extra=extra)
