"""A workflow as its author writes it, in YAML or in Python: the same settings by the same names.

This model is the one place where a setting is named, typed, described and given its default. The JSON schema, the
errors, the trigger form, the arguments of the blocks and ``docs/reference/workflow.md`` come from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, ValidationError, model_validator

from promo_campaigns.definitions.settings.model import Argument, Consumer, FormField, Settings
from promo_campaigns.definitions.settings.setting_errors import worded
from promo_campaigns.definitions.settings.setting_types import (
    CONVERTED,
    NO_SCHEDULE,
    Day,
    Deadline,
    FileName,
    FrequencyCap,
    Hours,
    QuietHoursError,
    Span,
    Text,
    TimeZone,
    Unique,
    WebAddress,
)
from promo_campaigns.definitions.settings.settings_schema import schema_of
from promo_campaigns.definitions.workflow_parts import (
    AnySchedule,
    Approval,
    Audience,
    EventAudience,
    Fallback,
    PromoCode,
    StartWith,
)
from promo_campaigns.model.errors import ConfigurationError, SettingError
from promo_campaigns.model.events import Reentry
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.oversight.first_share import DEFAULT_THEN, parse_start_with
from promo_campaigns.model.parameters import ALL_PERCENT, MAX_PERCENT, parse_duration
from promo_campaigns.model.run_spec import INBOX

if TYPE_CHECKING:
    from pydantic import ModelWrapValidatorHandler
    from typing_extensions import Self


IDENTITY = "workflow_id"
"""The setting that a file does not hold: it is the file's name."""


class Workflow(Settings):
    """The definition that a DAG is built from; ``docs/reference/workflow.md`` describes each setting.

    :raises SettingError: a setting is wrong, or two contradict each other
    """

    model_config = ConfigDict(
        json_schema_extra={
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "urn:promo-campaigns:workflow",
            "title": "Workflow",
            "description": "A promo-code campaign: a file of include/workflows, from which one DAG is built.",
        }
    )

    workflow_id: str = Field(
        description="What identifies it, in a file its name: up to 250 letters, digits, '_', '-' and '.'",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,249}$",
    )
    name: Annotated[Text, Argument(Consumer.DAG, "dag_display_name")] = Field(
        default="",
        description="Its name in Airflow's lists, any text. What identifies it is the name of its file",
        max_length=250,
    )
    description: Annotated[str, Argument(Consumer.DAG)] = Field(
        default="", description="One line that says what it is for"
    )
    message: Annotated[FileName, FormField("Message")] = Field(
        description="The name of a file of include/messages", examples=["promo_push"]
    )
    audience: Annotated[Audience, FormField("Audience")] = Field(
        description="Who it is for: the name of a file of include/audiences, SQL or CSV, or 'event: <type>' for the "
        "contacts it happens to",
        examples=["all_contacts"],
    )
    promo_code: PromoCode = Field(
        description="Which codes it gives out: type, discount and days, and whether a contact gets the same one again"
    )
    data_sources: Unique[FileName] = Field(
        default=(),
        description="The data sources that the message binds, named here to have it checked; leave it out to take what "
        "it binds",
    )
    schedule: AnySchedule = Field(
        default=None,
        description="When it runs: a cron expression, \"@daily\" between its quotes, a list of them, 'asset: <name>', "
        "'timetable: <class>', or none",
        examples=["0 9 * * 1", NO_SCHEDULE],
    )
    start_date: Day = Field(default="", description="The first day it may run, such as 2026-11-02, in its time zone")
    end_date: Day = Field(default="", description="The last day it may run, such as 2026-12-24, in its time zone")
    catch_up: Annotated[bool, Argument(Consumer.DAG, "catchup")] = Field(
        default=False, description="Whether runs are made for the dates between start_date and today: true or false"
    )
    max_active_runs: Annotated[int, Argument(Consumer.DAG)] = Field(
        default=0,
        description="How many of its runs may be under way at once, such as 1 for one after the other; by default as "
        "many as Airflow allows",
        ge=1,
    )
    time_zone: Annotated[TimeZone, Argument(Consumer.OPENING)] = Field(
        default="UTC", description="The IANA name of the zone of its schedule, dates and hours, such as Europe/Kyiv"
    )
    send_window: Hours = Field(
        default="",
        description="The hours in which messages go out, such as 09:00-21:00, in the contact's time zone, else its own",
    )
    quiet_hours: QuietHoursError = Field(
        default="",
        description="The hours in which no message goes out, such as 21:00-09:00, or by day: mon-fri 21:00-09:00; "
        "sat,sun 20:00-11:00",
    )
    send_by: Annotated[Deadline, Argument(Consumer.START)] = Field(
        default="",
        description="After which nobody is sent anything: 2h (or 90m, 3d) after the occurrence or the event, or a time "
        "with an offset such as 2026-12-24T18:00+02:00",
    )
    frequency_cap: Annotated[FrequencyCap, Argument(Consumer.OPENING)] = Field(
        default="",
        description="A contact that got so many messages of the channel in such a time is left out; 3/7d: three a week",
    )
    batch_size: Annotated[int, Argument(Consumer.START), Argument(Consumer.EVENTS, "max_events")] = Field(
        default=0,
        description="Contacts that one task handles, 1 to 100,000; by default as many as suit the run. For events: how "
        "many one run answers, by default 1,000",
        ge=1,
        le=100_000,
    )
    transport: Annotated[Text, Argument(Consumer.OPENING), Argument(Consumer.MESSAGE)] = Field(
        default="inbox", description="The transport that carries the message", examples=["inbox"]
    )
    transport_conn_id: Annotated[Text, Argument(Consumer.OPENING), Argument(Consumer.MESSAGE)] = Field(
        default="", description="The Airflow Connection of the transport"
    )
    approval: Approval = Field(
        default=False,
        description="Whether a person must approve each run before anything is sent: true or false, or by whom and "
        "within which time",
    )
    hold_out: Annotated[float, Argument(Consumer.OPENING)] = Field(
        default=0.0,
        description="Percent of the audience, above 0 and up to 99, that is kept without a code for comparison",
        gt=0,
        le=MAX_PERCENT,
    )
    shows_code: Annotated[bool, Argument(Consumer.OPENING)] = Field(
        default=True,
        description="Whether the message must show the promo code; false if it reaches the contact in another way",
    )
    pictures_url: Annotated[WebAddress, Argument(Consumer.OPENING)] = Field(
        default="",
        description="Where contacts reach the profile API's pictures of codes, which $barcode.link leads to",
        examples=["https://codes.shop.example"],
    )
    unsubscribe_url: Annotated[WebAddress, Argument(Consumer.OPENING)] = Field(
        default="",
        description="Where contacts reach the profile API to unsubscribe: mails get the header for it, and texts can "
        "read $unsubscribe_link",
        examples=["https://codes.shop.example"],
    )
    stock: Annotated[StockPolicy, CONVERTED, Argument(Consumer.START)] = Field(
        default=StockPolicy.FAIL, description="What a run does when the pool cannot serve everybody"
    )
    fallback_code: Fallback = Field(
        default=None,
        description="One code that all those get for whom the pool has none: code, discount, and its last day. Without "
        "one, stock says what happens",
    )
    abort_at: Annotated[float, Argument(Consumer.OPENING)] = Field(
        default=20.0,
        description="A run pauses itself once more than so many percent were refused or are unknown, of a hundred at "
        "least that were sent to; above 0 and up to 100, which is never",
        gt=0,
        le=ALL_PERCENT,
    )
    start_with: Annotated[StartWith, Argument(Consumer.START)] = Field(
        default="",
        description="Whom a run goes to before all others: a share of the contacts who can be sent to, such as 1 %, or "
        "a number of contacts, such as 500. It pauses itself if more than abort_at of these, however few, were refused "
        "or are unknown",
    )
    then: Annotated[Span, Argument(Consumer.START)] = Field(
        default=DEFAULT_THEN,
        description="How long the others wait once those of start_with have an outcome, such as 15m, in m, h or d",
    )
    confirm_repeats_within: Annotated[Span, Argument(Consumer.START)] = Field(
        default="10m",
        description="How long after a run a second one of the same definition and audience, triggered by hand without "
        "an edition, is refused unless it says repeat, such as 10m, in m, h or d",
    )
    owner: Text = Field(default="", description="Who answers for it")
    tags: Unique[Annotated[Text, Field(max_length=100, description="A tag is text")]] = Field(
        default=(), description="Tags in Airflow's list of DAGs, beside promo"
    )

    @classmethod
    def given(cls, **settings: Any) -> Self:  # noqa: ANN401  (settings of many types)
        """Return a workflow of settings as Python gives them, where None, or a default, says nothing.

        :raises SettingError: as the class
        """
        silent = {name: (None, field.default) for name, field in cls.model_fields.items()}
        said = {name: value for name, value in settings.items() if value not in silent.get(name, ())}
        return cls.model_validate(said)

    @model_validator(mode="wrap")
    @classmethod
    def _word_errors(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401  (pydantic's)
        """Tell the first error in the author's words; what is no ValueError leaves pydantic as it is."""
        try:
            workflow = handler(value)
        except ValidationError as error:
            raise worded(error, schema_of(cls)) from None
        workflow.require_sense()
        return workflow

    @property
    def event(self) -> str:
        """The type of the events it answers, empty if its audience is a file."""
        return self.audience.event if isinstance(self.audience, EventAudience) else ""

    @property
    def effective_quiet_hours(self) -> str:
        """The hours in which no message goes out, however they are given; empty for none."""
        if not self.send_window:
            return self.quiet_hours
        first, last = self.send_window.split("-")
        return f"{last}-{first}"

    def require_sense(self) -> None:
        """Check what no single setting shows.

        :raises SettingError: two settings contradict each other
        """
        if self.send_window and self.quiet_hours:
            problem = "send_window and quiet_hours say the same thing twice"
            raise SettingError(problem, setting=("quiet_hours",), hint="Keep one of them")
        if self.send_window and len(set(self.send_window.split("-"))) == 1:
            problem = "send_window begins and ends at the same time"
            raise SettingError(problem, setting=("send_window",), hint="Leave it out to send at any hour")
        if self.catch_up and not (self.start_date and self.schedule):
            problem = "catch_up needs a schedule and a start_date to catch up from"
            raise SettingError(problem, setting=("catch_up",))
        if self.start_date and self.end_date and self.end_date < self.start_date:
            problem = "end_date lies before start_date"
            raise SettingError(problem, setting=("end_date",))
        self._require_sense_of_first_share()
        self._require_sense_of_codes()
        self._require_sense_of_fallback()
        for name in ("hold_out", "abort_at"):
            if round(getattr(self, name), 2) != getattr(self, name):
                problem = f"{name} has more than two decimals"
                raise SettingError(problem, setting=(name,))
        self._require_sense_of_transport()
        if isinstance(self.audience, EventAudience):
            self._require_sense_of_events(self.audience)

    def _require_sense_of_transport(self) -> None:
        if self.transport_conn_id and self.transport == INBOX:
            problem = "transport_conn_id names a connection, and messages are left in the inbox, which uses none"
            hint = "Name what sends them, as in transport: smtp"
            raise SettingError(problem, setting=("transport_conn_id",), hint=hint)

    def _require_sense_of_codes(self) -> None:
        try:
            self.promo_code.request()
        except ConfigurationError as error:
            name = "match" if str(error).startswith("match") else "next_pools"
            raise SettingError(str(error), setting=("promo_code", name)) from None

    def _require_sense_of_fallback(self) -> None:
        if self.fallback_code is None:
            return
        if self.event:
            problem = "events that find no code wait for one, so nobody needs a fallback_code"
            raise SettingError(problem, setting=("fallback_code",), hint="Leave it out")
        if self.fallback_code.type in {pool.type for pool in self.promo_code.request().pools}:
            problem = "the fallback code has the type of the pool, so that no report tells it apart"
            hint = "Leave its type out, or give it another"
            raise SettingError(problem, setting=("fallback_code", "type"), hint=hint)

    def _require_sense_of_first_share(self) -> None:
        if self.start_with and isinstance(self.audience, EventAudience):
            problem = "events are answered as they come, so there is no first share of them"
            raise SettingError(problem, setting=("start_with",), hint="Leave it out")
        if "then" in self.model_fields_set and not self.start_with:
            problem = "then says how long to wait behind a first share, and there is no start_with"
            raise SettingError(problem, setting=("then",), hint="Say start_with: 1 %, or leave it out")
        try:
            parse_start_with(self.start_with, self.then)
        except ConfigurationError as error:
            raise SettingError(str(error), setting=("start_with",)) from None

    def _require_sense_of_events(self, audience: EventAudience) -> None:
        if self.schedule is not None:
            problem = "a workflow for events runs when there are events, so it has no schedule"
            raise SettingError(problem, setting=("schedule",), hint="Leave it out")
        if self.send_by and parse_duration(self.send_by) is None:
            problem = "a workflow for events ends after no date"
            raise SettingError(problem, setting=("send_by",), hint="Say how long after the event, such as 2h")
        if self.max_active_runs:
            problem = "a workflow for events has two runs at most, one that answers and one that takes over"
            raise SettingError(problem, setting=("max_active_runs",), hint="Leave it out")
        if self.stock is not StockPolicy.FAIL:
            problem = "events that find no code wait for one, so a workflow for them has no stock to weigh"
            raise SettingError(problem, setting=("stock",), hint="Leave it out")
        if "confirm_repeats_within" in self.model_fields_set:
            problem = "events are answered as they come, and none is a repetition"
            raise SettingError(problem, setting=("confirm_repeats_within",), hint="Leave it out")
        if self.approval is not False:
            problem = "events are answered as they come, so nobody can be asked about them"
            raise SettingError(problem, setting=("approval",), hint="Leave it out")
        if bool(audience.period) is not (audience.reentry is Reentry.PERIOD):
            problem = "'reentry: period' and a 'period' go together"
            raise SettingError(problem, setting=("audience", "event"), hint="Such as period: 7d")
