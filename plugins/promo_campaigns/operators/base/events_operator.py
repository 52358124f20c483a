"""What blocks are given that answer events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.model.events import EventTerms, Reentry, parse_event_type
from promo_campaigns.model.parameters import parse_choice, parse_flag, parse_mode, whole_number
from promo_campaigns.operators.base.campaign_operator import CampaignOperator
from promo_campaigns.operators.base.occurrence import read_run_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.delivery.opening.events import EventOpening

_YEARS_S = 10 * 366 * 86_400
_MOST_EVENTS = 100_000


class EventsOperator(CampaignOperator):
    """A block of a campaign whose audience is the contact of an event.

    :param event: type of the events, the vendor's ``eventTypeKey`` (templated)
    :param reentry: ``each_time``, ``once``, or ``period``: not within that of an event that made the contact enter
        (templated)
    :param period: seconds, for ``reentry="period"`` (templated)
    :param not_in_progress: an event is refused while its contact is in a run that is not closed (templated)
    :param max_age: seconds after which an event is refused, and its message not sent any more (templated)
    :param max_events: how many events one run takes at most (templated)
    :param mode: what to do with a run that is closed already: ``missing`` sends only to contacts that were not reached,
        ``profiles`` writes profiles again and sends nothing, ``refuse`` is an error; by default what the run itself
        says (templated)
    """

    template_fields: Sequence[str] = (
        *CampaignOperator.template_fields,
        "event",
        "reentry",
        "period",
        "not_in_progress",
        "max_age",
        "max_events",
        "mode",
    )

    def __init__(
        self,
        *,
        event: str,
        reentry: str = "each_time",
        period: int | str = 0,
        not_in_progress: bool | str = False,
        max_age: int | str = 86_400,
        max_events: int | str = 10_000,
        mode: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.event = event
        self.reentry = reentry
        self.period = period
        self.not_in_progress = not_in_progress
        self.max_age = max_age
        self.max_events = max_events
        self.mode = mode

    def read_terms(self) -> EventTerms:
        """Read the parameters that say which events are answered.

        :raises ConfigurationError: one is out of bounds
        """
        return EventTerms(
            workflow=self.workflow or self.dag_id,
            type=parse_event_type(self.event),
            reentry=parse_choice(Reentry, "reentry", self.reentry),
            period_s=float(whole_number("period", self.period, least=0, most=_YEARS_S)),
            alone=parse_flag("not_in_progress", self.not_in_progress),
            max_age_s=float(whole_number("max_age", self.max_age, least=1, most=_YEARS_S)),
            most=whole_number("max_events", self.max_events, least=1, most=_MOST_EVENTS),
        )

    def read_opening(self, context: Context) -> EventOpening:
        """Read how runs of events are opened.

        :raises ConfigurationError: a parameter or a definition file is wrong, see ``read_spec``
        """
        from promo_campaigns.delivery.opening.events import EventOpening

        terms = self.read_terms()
        return EventOpening(
            spec=self.read_spec(context, terms.audience, event=terms.type),
            terms=terms,
            key=read_run_key(context, terms.workflow),
            mode=parse_mode(self.mode),
            abort_at=self.read_abort_at(),
        )
