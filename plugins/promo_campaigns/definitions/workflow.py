"""A workflow as its author writes it, in YAML or in Python: the same settings by the same names."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypedDict

from promo_campaigns.model.errors import SettingError
from promo_campaigns.model.parameters import span_of
from promo_campaigns.model.reuse import Reuse

if TYPE_CHECKING:
    from collections.abc import Sequence


class _PromoCode(TypedDict):
    type: str
    discount: int
    days: int


class PromoCode(_PromoCode, total=False):
    """Which codes a workflow gives out; ``reuse`` is ``new each run`` or ``same until it expires``."""

    reuse: str


class _Event(TypedDict):
    event: str


class EventAudience(_Event, total=False):
    """Whoever something happens to: events of a type, and which of a contact's are answered."""

    reentry: str
    period: str
    not_in_progress: bool


class ApprovalSettings(TypedDict, total=False):
    """Who approves each run, how long an answer is waited for, and what it means that none comes."""

    by: Sequence[str]
    within: str
    otherwise: str


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """The definition that a DAG is built from.

    ``workflow.schema.json`` says which values a setting may have.

    :param workflow_id: what identifies it: the DAG's id and the first part of every run key
    :param audience: name of a file of ``include/audiences``, or ``{"event": "OrderPaid"}``, also with ``reentry``,
        ``period`` and ``not_in_progress``
    :param promo_code: ``{"type": "Welcome", "discount": 10, "days": 7}``, also with ``reuse``
    :param message: name of a file of ``include/messages``
    :param name: shown in Airflow's lists in place of the id
    :param data_sources: those the message must bind, all of them; None takes what it binds
    :param schedule: a cron expression or a list of them, ``{"asset": …}``, ``{"timetable": …}``; in Python also
        whatever Airflow takes; None runs by hand only
    :param start_date: the first day, in the time zone
    :param end_date: the last day, in the time zone
    :param catch_up: make runs for the dates since the start date
    :param time_zone: IANA name
    :param send_window: ``09:00-21:00``: when messages go out
    :param quiet_hours: ``21:00-09:00``: when none does
    :param send_by: ``2h`` after the occurrence or the event, or a time with an offset: after which nobody is sent
        anything
    :param frequency_cap: ``3/7d``: who got that many messages of the channel in that time is left out
    :param batch_size: contacts that one task handles, by default as many as keep the task slots at work; for events,
        how many one run answers, by default 1,000
    :param transport: the way out of the message
    :param transport_conn_id: the Airflow Connection of the transport
    :param approval: a person must approve each run before anybody is given a code; also with ``by``, the ids of those
        who may, ``within``, such as ``24h``, and ``otherwise``, ``reject`` or ``approve``
    :param hold_out: percent of the audience that is kept without a code
    :param stock: what a run does when the pool cannot serve everybody: ``fail``, ``partial`` or ``wait``
    :param owner: who answers for it
    :param tags: in Airflow's list of DAGs
    """

    workflow_id: str
    audience: str | EventAudience
    promo_code: PromoCode
    message: str
    name: str = ""
    description: str = ""
    data_sources: Sequence[str] | None = None
    schedule: Any = None
    start_date: str | None = None
    end_date: str | None = None
    catch_up: bool = False
    time_zone: str = "UTC"
    send_window: str = ""
    quiet_hours: str = ""
    send_by: str = ""
    frequency_cap: str = ""
    batch_size: int | None = None
    transport: str = "inbox"
    transport_conn_id: str = ""
    approval: bool | ApprovalSettings = False
    hold_out: float | None = None
    stock: str = "fail"
    owner: str = ""
    tags: Sequence[str] = field(default=())

    def document(self) -> dict[str, Any]:
        """Return the settings that say something, as plain values: what a YAML file of this workflow would hold.

        A schedule that is an object of Airflow's has no plain form and is left out.
        """
        given = {it.name: getattr(self, it.name) for it in fields(Workflow) if it.name != "workflow_id"}
        defaults = {it.name: it.default for it in fields(Workflow)}
        said = {name: value for name, value in given.items() if value != defaults[name]}
        if not _is_plain(self.schedule):
            said.pop("schedule", None)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}

    @property
    def event(self) -> str:
        """The type of the events it answers, empty if its audience is a file."""
        return "" if isinstance(self.audience, str) else self.audience["event"]

    @property
    def reuse(self) -> Reuse:
        """Whether a contact gets another code in each run."""
        return Reuse(self.promo_code.get("reuse", Reuse.NEW))

    @property
    def silence(self) -> str:
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
        if self.hold_out is not None and round(self.hold_out, 2) != self.hold_out:
            problem = "hold_out has more than two decimals"
            raise SettingError(problem, setting=("hold_out",))
        self._require_sense_of_events()

    def _require_sense_of_events(self) -> None:
        if isinstance(self.audience, str):
            return
        if self.schedule is not None:
            problem = "a workflow for events runs when there are events, so it has no schedule"
            raise SettingError(problem, setting=("schedule",), hint="Leave it out")
        if self.send_by and span_of(self.send_by) is None:
            problem = "a workflow for events ends after no date"
            raise SettingError(problem, setting=("send_by",), hint="Say how long after the event, such as 2h")
        if self.stock != "fail":
            problem = "events that find no code wait for one, so a workflow for them has no stock to weigh"
            raise SettingError(problem, setting=("stock",), hint="Leave it out")
        if self.approval is not False:
            problem = "events are answered as they come, so nobody can be asked about them"
            raise SettingError(problem, setting=("approval",), hint="Leave it out")
        if ("period" in self.audience) is not (self.audience.get("reentry") == "period"):
            problem = "'reentry: period' and a 'period' go together"
            raise SettingError(problem, setting=("audience", "event"), hint="Such as period: 7d")


def _is_plain(schedule: object) -> bool:
    if isinstance(schedule, list):
        return all(isinstance(item, str) for item in schedule)
    return schedule is None or isinstance(schedule, str | dict)
