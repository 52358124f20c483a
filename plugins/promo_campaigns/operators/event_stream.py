"""All blocks of a workflow that answers events, in one task that stays while events keep coming."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator

from promo_campaigns.model.parameters import whole_number
from promo_campaigns.operators.base.events_operator import EventsOperator
from promo_campaigns.operators.base.rescheduling import rescheduled
from promo_campaigns.operators.base.run_page import RunPageLink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

_MOST_S = 86_400


class AnswerEventsOperator(EventsOperator, BaseAsyncOperator):
    """Answers the events that wait, and those that come meanwhile, one run after another: Start to End in one task.

    It takes what waits into a run, carries out Get contact, Get promo code, Message and HTTP request data source for
    it, closes it, and looks again, so that an event is answered within about a second. It ends when nothing has come
    for ``linger`` seconds; after ``lively`` seconds it goes on only until another DAG run has come in its place, and a
    third longer at most. Running it again finds the same runs with the same events, finishes those that are not closed,
    and goes on.

    A run with a contact that the receiver refuses for good stays open and does not hold up the next; the task fails at
    its end. A receiver that refuses every call ends the task at once. A run with contacts in quiet hours stays open
    too, and so does one that is paused; the task waits for them in the triggerer at its end.

    Returns counts only: ``{"runs": 12, "events": 340, "accepted": 338}``.

    Takes the campaign's definition as ``CampaignOperator`` and the events as ``EventsOperator`` say, and:

    :param linger: seconds without an event after which the task ends (templated)
    :param lively: seconds after which another DAG run takes over (templated)
    :param max_events: how many events one run takes at most (templated)
    :raises PoolShortageError: there is no code left; the events wait
    :raises ReceiverRefusesError: a receiver refuses every call, and no waiting helps
    :raises LedgerError: some runs could not be finished
    """

    template_fields: Sequence[str] = (*EventsOperator.template_fields, "linger", "lively")
    operator_extra_links = (RunPageLink(),)
    ui_color = "#fde2ef"

    def __init__(
        self,
        *,
        linger: int | str = 20,
        lively: int | str = 300,
        max_events: int | str = 1_000,
        **kwargs: Any,
    ) -> None:
        super().__init__(max_events=max_events, **kwargs)
        self.linger = linger
        self.lively = lively

    def resume(self, context: Context, event: object = None) -> Any:  # noqa: ARG002  (Airflow's signature)
        """Go on when the receiver can be called again, or quiet hours are over."""
        return self.execute(context)  # type: ignore[no-untyped-call]  # Airflow's method has no types

    async def aexecute(self, context: Context) -> dict[str, int]:
        """Answer events until none come."""
        from promo_campaigns.delivery.event_stream import EventStream

        opening = self.read_opening(context)
        linger_s, lively_s = (
            whole_number(name, getattr(self, name), least=0, most=_MOST_S) for name in ("linger", "lively")
        )
        with self.hook.connect() as connection:
            stream = EventStream(self.delivery, connection, opening, linger_s=linger_s, lively_s=lively_s)
            with rescheduled(self):
                await stream.answer()
        return stream.report()
