"""The settings of a workflow that hold settings of their own, and those that may have one of several forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from promo_campaigns.definitions.settings.model import Argument, Consumer, FormField, Settings
from promo_campaigns.definitions.settings.setting_types import (
    CONVERTED,
    AssetName,
    ClassName,
    Cron,
    Day,
    FileName,
    Schedule,
    Several,
    Span,
    Text,
)
from promo_campaigns.definitions.settings.settings_schema import branch
from promo_campaigns.model.approval import OnTimeout
from promo_campaigns.model.events import Reentry
from promo_campaigns.model.oversight.first_share import MOST_CONTACTS, START_WITH_FORM
from promo_campaigns.model.parameters import MAX_DAYS, MAX_PERCENT, code_request
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_spec import Pool

if TYPE_CHECKING:
    from promo_campaigns.model.run_spec import CodeRequest

_PLAIN = (str, int, float, dict, list, tuple, type(None))


class PoolSettings(Settings):
    """A pool that codes are taken from when those before it have none."""

    type: Text = Field(
        description="The type of its codes, exactly as uploaded; put a number into quotes", examples=["Spring"]
    )
    discount: int = Field(description="In percent, exact: 0 to 99", ge=0, le=MAX_PERCENT)


class PromoCode(Settings):
    """Which codes a workflow gives out."""

    type: Annotated[Text, Argument(Consumer.EVENTS), FormField("Type")] = Field(
        description="The pool to take codes from, exactly as uploaded; put a number into quotes", examples=["Welcome"]
    )
    discount: Annotated[int, Argument(Consumer.EVENTS), FormField("Discount")] = Field(
        description="In percent, exact: 0 to 99", ge=0, le=MAX_PERCENT
    )
    days: Annotated[int, Argument(Consumer.EVENTS), FormField("Days")] = Field(
        description="How many whole days a code must stay valid from the moment it is given", ge=0, le=MAX_DAYS
    )
    reuse: Annotated[Reuse, CONVERTED, Argument(Consumer.OPENING)] = Field(
        default=Reuse.NEW,
        description="What a contact gets that holds a code of the type and discount already: another one, or the same "
        "one while it is valid for the days asked for and, as far as a shop has told, not redeemed",
    )
    next_pools: Annotated[Several[PoolSettings], Argument(Consumer.OPENING)] = Field(
        default=(),
        description="Further pools, each with type and discount: a contact for whom the pools before have no code gets "
        "one of the next",
    )
    match: Annotated[dict[str, str], Argument(Consumer.OPENING)] = Field(
        default={},
        description="Attributes of codes, each with where its contact's value is read: `$contact.` and a field, or "
        "`$audience.` and a column. A code that carries attributes is given only to a contact who has them",
        examples=[{"store": "$contact.store"}],
    )

    def request(self, **said: object) -> CodeRequest:
        """Return the codes that a run gives out.

        :param said: type, discount and days where they are others
        :raises ConfigurationError: a pool stands twice, or there are too many; or ``match`` reads what cannot be
        """
        pools = tuple(Pool(type=pool.type, discount=pool.discount) for pool in self.next_pools)
        chosen = {"type": self.type, "discount": self.discount, "days": self.days, **said}
        return code_request(**chosen, next_pools=pools, match=self.match)


class FallbackSettings(Settings):
    """The code that all those share for whom the pool has none."""

    code: Annotated[Text, Argument(Consumer.OPENING, "fallback_code")] = Field(
        description="The code, as the shop knows it; it is no code of a pool", examples=["WELCOME"], max_length=200
    )
    expires: Annotated[Day, Argument(Consumer.OPENING, "fallback_expires")] = Field(
        description="The last day on which it is valid, in the workflow's time zone, such as 2027-03-31"
    )
    discount: Annotated[int, Argument(Consumer.OPENING, "fallback_discount")] = Field(
        description="In percent: 0 to 99", ge=0, le=MAX_PERCENT
    )
    type: Annotated[Text, Argument(Consumer.OPENING, "fallback_type")] = Field(
        default="Fallback",
        description="What it is called on profiles and in exports, another type than the pool's",
    )


class EventAudience(Settings):
    """The contacts that an event happens to: events of a type, and which of a contact's are answered."""

    event: Annotated[Text, Argument(Consumer.EVENTS)] = Field(
        description="The type of the events it answers, the eventTypeKey they are posted with"
    )
    reentry: Annotated[Reentry, CONVERTED, Argument(Consumer.EVENTS)] = Field(
        default=Reentry.EACH_TIME,
        description="Whether a contact's next event is answered: each_time, once, or period, not within that of the "
        "last",
    )
    period: Span = Field(
        default="",
        description="How long after an event that was answered others are not, such as 7d, for 'reentry: period'",
    )
    not_in_progress: Annotated[bool, Argument(Consumer.EVENTS)] = Field(
        default=False,
        description="Whether an event is refused while its contact is in a run that is not closed: true or false",
    )


class AssetSchedule(Settings):
    """Runs when assets are updated."""

    asset: Annotated[
        Annotated[AssetName, Tag(branch(0))] | Annotated[Several[AssetName], Tag(branch(1))],
        Discriminator(lambda value: branch(0) if isinstance(value, str) else branch(1)),
    ] = Field(
        description="It runs when this asset is updated, or all of a list of them: promo_codes/Welcome when such codes "
        "are loaded",
        examples=["promo_codes/Welcome"],
    )


class TimetableSchedule(Settings):
    """Runs when a timetable of Airflow's, or of a plugin, says."""

    timetable: ClassName = Field(
        description="The dotted name of a timetable's class, such as airflow.sdk.CronDataIntervalTimetable"
    )
    arguments: dict[str, Any] = Field(default={}, description="What the class is made with, by name")


class ApprovalSettings(Settings):
    """Who approves each run, how long an answer is waited for, and what it means that none comes."""

    approvers: Annotated[
        Several[Annotated[Text, Field(description="The id of a user is text; put a number into quotes")]],
        Argument(Consumer.APPROVE),
    ] = Field(
        default=(),
        description="Ids in Airflow of the users who may approve; by default all who may answer",
    )
    timeout: Annotated[Span, Argument(Consumer.APPROVE)] = Field(
        default="", description="How long an answer is waited for, such as 24h, in m, h or d; left out, until send_by"
    )
    on_timeout: Annotated[OnTimeout, CONVERTED, Argument(Consumer.APPROVE)] = Field(
        default=OnTimeout.REJECT, description="What it means that nobody answers in time"
    )


def _audience_form(value: object) -> str | None:
    if isinstance(value, str):
        return branch(0)
    return branch(1) if isinstance(value, dict | EventAudience) else None


def _schedule_form(value: object) -> str | None:
    """Return the form of a schedule; in Python it may also be anything that Airflow takes."""
    if isinstance(value, str):
        return branch(0)
    if isinstance(value, list | tuple):
        return branch(1 if all(isinstance(item, _PLAIN) for item in value) else 4)
    if isinstance(value, dict):
        return branch(3 if "timetable" in value else 2)
    return None if isinstance(value, _PLAIN) else branch(4)


def _approval_form(value: object) -> str | None:
    if isinstance(value, bool):
        return branch(0)
    return branch(1) if isinstance(value, dict | ApprovalSettings) else None


def _start_form(value: object) -> str | None:
    if isinstance(value, str):
        return branch(1)
    return branch(0) if isinstance(value, int) and not isinstance(value, bool) else None


Audience = Annotated[
    Annotated[FileName, Tag(branch(0))] | Annotated[EventAudience, Tag(branch(1))], Discriminator(_audience_form)
]
AnySchedule = Annotated[
    Annotated[Schedule, Tag(branch(0))]
    | Annotated[Several[Cron], Tag(branch(1))]
    | Annotated[AssetSchedule, Tag(branch(2))]
    | Annotated[TimetableSchedule, Tag(branch(3))]
    | Annotated[SkipJsonSchema[Any], Tag(branch(4))],
    Discriminator(_schedule_form),
]
Fallback = Annotated[
    Annotated[FallbackSettings, Tag(branch(0))] | Annotated[SkipJsonSchema[None], Tag(branch(1))],
    Discriminator(lambda value: branch(1) if value is None else branch(0)),
]
StartWith = Annotated[
    Annotated[int, Field(ge=1, le=MOST_CONTACTS, description="A number of contacts, such as 500"), Tag(branch(0))]
    | Annotated[
        str,
        Field(
            pattern=START_WITH_FORM,
            description="A share with its sign, such as 1 %; a number of contacts has no quotes",
        ),
        Tag(branch(1)),
    ],
    Discriminator(_start_form),
]
Approval = Annotated[
    Annotated[bool, Tag(branch(0))] | Annotated[ApprovalSettings, Tag(branch(1))], Discriminator(_approval_form)
]
