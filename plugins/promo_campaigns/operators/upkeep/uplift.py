"""What a campaign was worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.include import include_folder
from promo_campaigns.hooks.page_links import RunsPageLink
from promo_campaigns.model.parameters import optional_text, parse_time
from promo_campaigns.operators.base.store_operator import StoreOperator
from promo_campaigns.operators.end import MARKDOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class MeasureUpliftOperator(StoreOperator):
    """Compares who was given a code with who was held out: how many of each converted, with confidence intervals.

    Returns the report as ``promo runs uplift --json`` prints it; as Markdown it is in the task's log and the XCom
    ``report``.

    :param workflow: all its runs are measured together; a contact counts once (templated)
    :param since: of these, the runs opened since then, ISO 8601 with an offset (templated)
    :param run_key: one run, in place of a workflow (templated)
    :param conversions: name of a file in ``include/conversions`` (templated)
    :param event: a type of event that is a conversion, in place of a file (templated)
    :param redemptions: codes that were redeemed are the conversions, in place of a file; it names the currency of
        their values, such as ``EUR`` (templated)
    :param within: for how long after a run was opened conversions count, such as ``14d``, in m, h or d (templated)
    :param include_folder: by default option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :param promo_db_conn_id: connection of the store (templated)
    :raises ConfigurationError: a parameter is wrong
    :raises DefinitionError: the file is missing, or its SELECT fails
    """

    template_fields: Sequence[str] = (
        "workflow",
        "since",
        "run_key",
        "conversions",
        "event",
        "redemptions",
        "within",
        "promo_db_conn_id",
    )
    operator_extra_links = (RunsPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(
        self,
        *,
        within: str,
        workflow: str = "",
        since: str = "",
        run_key: str = "",
        conversions: str = "",
        event: str = "",
        redemptions: str = "",
        include_folder: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.workflow = workflow
        self.since = since
        self.run_key = run_key
        self.conversions = conversions
        self.event = event
        self.redemptions = redemptions
        self.within = within
        self.include_folder = include_folder

    def execute(self, context: Context) -> dict[str, Any]:
        """Measure it."""
        from promo_campaigns.uplift.measure import Question, measure_uplift

        question = Question(
            run_key=optional_text(self.run_key),
            workflow=optional_text(self.workflow),
            since=parse_time("since", self.since),
            conversions=optional_text(self.conversions),
            event=optional_text(self.event),
            redemptions=optional_text(self.redemptions),
            within=optional_text(self.within),
        )
        with self.hook.connect() as connection:
            report = measure_uplift(connection, include_folder(self.include_folder), question)
        self.log.info("%s", report.as_markdown())
        context["ti"].xcom_push(key=MARKDOWN_KEY, value=report.as_markdown())
        return report.as_dict()
