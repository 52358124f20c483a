"""A workflow and the DAG that is built from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator, XComArg, task_group

from promo_campaigns.definitions.workflow import Workflow
from promo_campaigns.definitions.workflow_files import IncludeFolder, require_valid
from promo_campaigns.hooks.include import include_folder
from promo_campaigns.model.parameters import span_of
from promo_campaigns.operators.approval import ApproveRunOperator
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.event_stream import AnswerEventsOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.workflows.schedule import first_moment, last_moment, schedule_of
from promo_campaigns.workflows.trigger_form import trigger_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promo_campaigns.definitions.workflow import EventAudience

CODES: dict[str, Any] = {name: f"{{{{ params.{name} }}}}" for name in ("type", "discount", "days")}
TAG = "promo"
EVENTS_A_RUN = 1_000
_ANSWERING = 2  # a run that answers events, and one that takes over from it


@dataclass(frozen=True, kw_only=True)
class PromoWorkflow(Workflow):
    """A workflow, checked, with its DAG in ``dag``, which Airflow finds wherever the workflow is made.

    To add or change blocks, make a subclass and override ``before_start``, ``start``, ``approve``, ``before_batches``,
    ``blocks``, ``end`` or ``after_end``.

    :param include: the folder of messages, data sources and audiences; by default option
        ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :raises SettingError: a setting is wrong
    :raises DefinitionError: a file that the workflow names is wrong
    """

    include: IncludeFolder | str | None = field(default=None, repr=False)
    dag: DAG = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the workflow and build its DAG."""
        require_valid(self.files, self)
        object.__setattr__(self, "dag", self._build())

    @cached_property
    def files(self) -> IncludeFolder:
        """The include folder."""
        given = self.include
        return given if isinstance(given, IncludeFolder) else IncludeFolder(include_folder(given))

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
            send_by=self.send_by,
            stock=self.stock,
            preview_only="{{ params.dry_run }}",
            batch_size=self.batch_size,
            **CODES,
            **self._agreed(),
        )

    def answer_events(self, audience: EventAudience) -> AnswerEventsOperator:
        """Make the one block of a workflow for events, which stands in place of all others."""
        seconds = {name: span.total_seconds() for name, span in self._spans(audience).items()}
        return AnswerEventsOperator(
            task_id="answer_events",
            task_display_name="Answer events",
            event=audience["event"],
            reentry=audience.get("reentry", "each_time"),
            not_in_progress=audience.get("not_in_progress", False),
            max_events=self.batch_size or EVENTS_A_RUN,
            message=self.message,
            **{name: self.promo_code[name] for name in CODES},  # type: ignore[literal-required]  # they are its names
            **{name: int(value) for name, value in seconds.items()},
            **self._agreed(),
        )

    def approve(self, start: StartOperator) -> ApproveRunOperator:
        """Make the Approve block, of a workflow whose runs a person must approve."""
        asked = {} if isinstance(self.approval, bool) else self.approval
        return ApproveRunOperator(
            task_id="approve",
            task_display_name="Approve",
            run_id=start.run,
            by=tuple(asked.get("by", ())),
            within=asked.get("within", ""),
            otherwise=asked.get("otherwise", "reject"),
            include_folder=str(self.files.path) if self.include else None,
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
            task_id="get_promo_code", task_display_name="Get promo code", contacts=contact.output, **CODES
        )
        sources = self.files.bound_sources(self.message)
        for source in sources:
            if source.before:
                last = self.data_source(source.name, last.output)
        message = SendMessageOperator(
            task_id="message",
            task_display_name="Message",
            assignments=last.output,
            message="{{ params.message }}",
            **self._way_out(),
        )
        after = [self.data_source(source.name, message.output) for source in sources if not source.before]
        return after or [message]

    def data_source(self, name: str, assignments: XComArg) -> HttpDataSourceOperator:
        """Make the HTTP request data source block of one data source."""
        several = len(self.files.bound_sources(self.message)) > 1
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
            data_sources=[source.name for source in self.files.bound_sources(self.message)],
        )

    def after_end(self, end: EndOperator) -> None:
        """Make blocks behind End: none here, a subclass may."""

    def _build(self) -> DAG:
        with DAG(self.workflow_id, schedule=schedule_of(self), **self._settings()) as dag:
            if isinstance(self.audience, str):
                self._lay_blocks()
            else:
                self.answer_events(self.audience)
        # At last, and one by one: each block would copy them, and Airflow would check each against its own schema.
        for name, param in trigger_form(self, self.files).items():
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
        if self.approval is not False:
            self.approve(start) >> batches
        batches >> end
        self.after_end(end)

    def _agreed(self) -> dict[str, Any]:
        """Return what is agreed when a run is opened, whatever opens it."""
        return {
            "workflow": self.workflow_id,
            "quiet_hours": self.silence,
            "time_zone": self.time_zone,
            "frequency_cap": self.frequency_cap,
            "hold_out": self.hold_out or 0,
            "reuse": self.reuse.value,
            "include_folder": str(self.files.path) if self.include else None,
            **self._way_out(),
        }

    def _way_out(self) -> dict[str, Any]:
        return {"transport": self.transport, "transport_conn_id": self.transport_conn_id or None}

    def _spans(self, audience: EventAudience) -> dict[str, timedelta]:
        said = {"max_age": self.send_by, "period": audience.get("period", "")}
        spans = {name: span_of(text) for name, text in said.items()}
        return {name: span for name, span in spans.items() if span is not None}

    def _batches(self) -> Any:  # noqa: ANN401  (Airflow's decorator has no type of its own)
        @task_group(group_id="batch", group_display_name="Each batch")
        def send_batch(batch: XComArg) -> None:
            """Take one batch of contacts through the blocks."""
            self.blocks(batch)

        return send_batch

    def _settings(self) -> Mapping[str, Any]:
        defaults = {"retries": 3, "retry_delay": timedelta(seconds=10)}
        return {
            "dag_display_name": self.name or self.workflow_id,
            "description": self.description or None,
            "start_date": first_moment(self),
            "end_date": last_moment(self),
            "catchup": self.catch_up,
            "default_args": defaults | ({"owner": self.owner} if self.owner else {}),
            "tags": [TAG, *self.tags],
            **({"max_active_runs": _ANSWERING} if self.event else {}),
        }
