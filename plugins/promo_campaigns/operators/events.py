"""The Start block of a workflow that answers events, and what wakes its DAG."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetWatcher, XComArg
from airflow.sdk.exceptions import AirflowSkipException

from promo_campaigns.hooks.store import PromoStoreHook
from promo_campaigns.operators.base.asset_uris import create_asset
from promo_campaigns.operators.base.events_operator import EventsOperator
from promo_campaigns.operators.base.run_page import RunPageLink
from promo_campaigns.operators.base.task_slots import batch_size_of, task_slots
from promo_campaigns.operators.start import RUN_ID_KEY
from promo_campaigns.triggers.events import EventsWaitTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Asset, Context

_POLL_S = 0.5
_QUIET_S = 30.0


def waiting_events(
    event: str, *, workflow: str, promo_db_conn_id: str = PromoStoreHook.default_conn_name, poll_s: float = _POLL_S
) -> Asset:
    """Return the asset that stands for the events a workflow has yet to answer, to schedule its DAG on.

    Its watcher looks at the store, and wakes the DAG when something waits and nobody is taking it. A wake-up that is
    lost is made up for after half a minute.

    :param event: type of the events, the vendor's ``eventTypeKey``
    :param workflow: name of the workflow: the DAG's id, unless the Start block names another
    :param promo_db_conn_id: connection of the store
    :param poll_s: seconds between two looks
    """
    trigger = EventsWaitTrigger(
        workflow=workflow, event=event, poll_s=poll_s, quiet_s=_QUIET_S, promo_db_conn_id=promo_db_conn_id
    )
    watcher = AssetWatcher(name=f"{workflow} events", trigger=trigger)
    asset: Asset = create_asset(name=f"promo_events/{workflow}", watchers=[watcher])
    return asset


class StartOnEventsOperator(EventsOperator):
    """Opens a run for the events that wait, oldest first, one a contact, and cuts it into batches.

    A contact's next event waits for the next run, and so do events beyond ``max_events`` or beyond the stock of codes.
    Running it again finds the same run with the same events. When nothing waits the task is skipped.

    Takes the campaign's definition as ``CampaignOperator`` and the events as ``EventsOperator`` say, and:

    :param batch_size: contacts a batch, as for ``StartOperator`` (templated)
    :raises PoolShortageError: there is no code left; the events wait
    """

    template_fields: Sequence[str] = (*EventsOperator.template_fields, "batch_size")
    operator_extra_links = (RunPageLink(),)
    ui_color = "#dff3e4"

    def __init__(self, *, batch_size: int | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_size = batch_size

    @property
    def run(self) -> XComArg:
        """The run's id, for the End block."""
        return XComArg(self, key=RUN_ID_KEY)

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Take what waits, or find what was taken."""
        from promo_campaigns.delivery.opening.events import start_on_events

        opening, batch_size = self.read_opening(context), batch_size_of(self.batch_size)
        with self.hook.connect() as connection:
            found = start_on_events(connection, opening, batch_size, task_slots=task_slots(self))
        if found is None:
            msg = f"no event of type {opening.terms.type} waits for {opening.terms.workflow}"
            raise AirflowSkipException(msg)
        context["ti"].xcom_push(key=RUN_ID_KEY, value=found.run.run_id)
        return [asdict(batch) for batch in found.batches]
