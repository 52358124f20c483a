"""A workflow and the DAG that is built from it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator, XComArg, task_group

from promo_campaigns.definitions.settings.model import Consumer, arguments, form_fields
from promo_campaigns.definitions.workflow import Workflow
from promo_campaigns.definitions.workflow_files import IncludeFolder, require_files
from promo_campaigns.definitions.workflow_parts import PromoCode
from promo_campaigns.hooks.include import include_folder
from promo_campaigns.model.parameters import parse_duration
from promo_campaigns.operators.approval import ApproveRunOperator
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.event_stream import AnswerEventsOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.workflows.schedule import first_moment, last_moment, read_schedule
from promo_campaigns.workflows.trigger_form import trigger_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promo_campaigns.definitions.workflow_parts import EventAudience

CODES: dict[str, Any] = {name: f"{{{{ params.{name} }}}}" for name in form_fields(PromoCode)}
TAG = "promo"
_ANSWERING = 2  # a run that answers events, and one that takes over from it


class PromoWorkflow:
    """The DAG of a workflow, in ``dag``, which Airflow finds wherever this is made.

    To add or change blocks, make a subclass and override ``before_start``, ``start``, ``approve``, ``before_batches``,
    ``blocks``, ``end`` or ``after_end``. The settings are in ``settings``.

    :param workflow: the settings, checked with all they name; None takes them by name
    :param include: the folder of messages, data sources and audiences; by default option
        ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :param settings: the settings of a workflow by name, as ``docs/reference/workflow.md`` lists them
    :raises SettingError: a setting is wrong
    :raises DefinitionError: a file that the workflow names is wrong
    """

    def __init__(
        self,
        workflow: Workflow | None = None,
        /,
        *,
        include: IncludeFolder | str | None = None,
        **settings: Any,  # noqa: ANN401  (settings of many types, each with its type in the model)
    ) -> None:
        if workflow and settings:
            msg = f"the settings are those of the workflow given; {', '.join(settings)} must be among them"
            raise TypeError(msg)
        self.files = include if isinstance(include, IncludeFolder) else IncludeFolder(include_folder(include))
        self.settings = workflow or Workflow.given(**settings)
        self._include_folder = str(self.files.path) if include else None
        require_files(self.files, self.settings)
        self.dag = self._build()

    @property
    def workflow_id(self) -> str:
        """What identifies the workflow: the DAG's id and the first part of every run key."""
        return self.settings.workflow_id

    def before_start(self) -> BaseOperator | None:
        """Make a block that comes before Start, and return it: none here, a subclass may."""

    def start(self) -> StartOperator:
        """Make the Start block."""
        return StartOperator(
            task_id="start",
            task_display_name="Start",
            message="{{ params.message }}",
            audience="{{ params.audience }}",
            edition="{{ params.edition }}",
            mode="{{ params.mode }}",
            preview_only="{{ params.dry_run }}",
            repeat="{{ params.repeat }}",
            **CODES,
            **arguments(self.settings, Consumer.START),
            **self._opening(),
        )

    def answer_events(self, audience: EventAudience) -> AnswerEventsOperator:
        """Make the one block of a workflow for events, which stands in place of all others."""
        spans = {"max_age": self.settings.send_by, "period": audience.period}
        seconds = {name: span.total_seconds() for name, text in spans.items() if (span := parse_duration(text))}
        return AnswerEventsOperator(
            task_id="answer_events",
            task_display_name="Answer events",
            message=self.settings.message,
            **{name: int(value) for name, value in seconds.items()},
            **arguments(self.settings, Consumer.EVENTS),
            **self._opening(),
        )

    def approve(self, start: StartOperator) -> ApproveRunOperator:
        """Make the Approve block, of a workflow whose runs a person must approve."""
        return ApproveRunOperator(
            task_id="approve",
            task_display_name="Approve",
            run_id=start.run,
            include_folder=self._include_folder,
            **arguments(self.settings, Consumer.APPROVE),
        )

    def before_batches(self, start: StartOperator) -> BaseOperator:
        """Return the block behind which the batches begin: Start, unless a subclass puts another behind it."""
        return start

    def blocks(self, batch: XComArg) -> Sequence[BaseOperator]:
        """Make the blocks that each batch of contacts goes through, and return the last ones.

        Data sources whose answer the message reads are called before it, the others after it.
        """
        contact = GetContactOperator(task_id="get_contact", task_display_name="Get contact", batch=batch)
        last: BaseOperator = GetPromoCodeOperator(
            task_id="get_promo_code",
            task_display_name="Get promo code",
            contacts=contact.output,
            next_pools=[pool.model_dump() for pool in self.settings.promo_code.next_pools] or None,
            **CODES,
        )
        sources = self.files.bound_sources(self.settings.message)
        for source in sources:
            if source.before:
                last = self.data_source(source.name, last.output)
        message = SendMessageOperator(
            task_id="message",
            task_display_name="Message",
            assignments=last.output,
            message="{{ params.message }}",
            **arguments(self.settings, Consumer.MESSAGE),
        )
        after = [self.data_source(source.name, message.output) for source in sources if not source.before]
        return after or [message]

    def data_source(self, name: str, assignments: XComArg) -> HttpDataSourceOperator:
        """Make the HTTP request data source block of one data source."""
        several = len(self.files.bound_sources(self.settings.message)) > 1
        return HttpDataSourceOperator(
            task_id="http_request_data_source" + (f"_{name.replace(' ', '_')}" if several else ""),
            task_display_name="HTTP request data source" + (f" {name}" if several else ""),
            assignments=assignments,
            data_source=name,
        )

    def end(self, start: StartOperator) -> EndOperator:
        """Make the End block."""
        return EndOperator(
            task_id="end",
            task_display_name="End",
            run_id=start.run,
            workflow=self.workflow_id,
            data_sources=[source.name for source in self.files.bound_sources(self.settings.message)],
        )

    def after_end(self, end: EndOperator) -> None:
        """Make blocks behind End: none here, a subclass may."""

    def _build(self) -> DAG:
        audience = self.settings.audience
        with DAG(self.workflow_id, schedule=read_schedule(self.settings), **self._dag_arguments()) as dag:
            if isinstance(audience, str):
                self._lay_blocks()
            else:
                self.answer_events(audience)
        # At last, and one by one: each block would copy them, and Airflow would check each against its own schema.
        for name, param in trigger_form(self.settings, self.files).items():
            dag.params[name] = param
        dag.validate()  # type: ignore[no-untyped-call]  # Airflow's method has no types here
        return dag

    def _lay_blocks(self) -> None:
        first, start = self.before_start(), self.start()
        behind = self.before_batches(start)
        batches = self._batches().expand(batch=start.output)
        end = self.end(start)
        if first:
            first >> start
        if behind is not start:
            behind >> batches
        if self.settings.approval is not False:
            self.approve(start) >> batches
        batches >> end
        self.after_end(end)

    def _opening(self) -> dict[str, Any]:
        """Return what is agreed when a run is opened, whatever opens it."""
        return {
            "workflow": self.workflow_id,
            "include_folder": self._include_folder,
            "quiet_hours": self.settings.effective_quiet_hours,
            **arguments(self.settings, Consumer.OPENING),
        }

    def _batches(self) -> Any:  # noqa: ANN401  (Airflow's decorator has no type of its own)
        @task_group(group_id="batch", group_display_name="Each batch")
        def send_batch(batch: XComArg) -> None:
            """Take one batch of contacts through the blocks."""
            self.blocks(batch)

        return send_batch

    def _dag_arguments(self) -> Mapping[str, Any]:
        settings = self.settings
        defaults = {"retries": 3, "retry_delay": timedelta(seconds=10)}
        return {
            "start_date": first_moment(settings),
            "end_date": last_moment(settings),
            "default_args": defaults | ({"owner": settings.owner} if settings.owner else {}),
            "tags": [TAG, *settings.tags],
            **({"max_active_runs": _ANSWERING} if settings.event else {}),
            **arguments(settings, Consumer.DAG),
        }
