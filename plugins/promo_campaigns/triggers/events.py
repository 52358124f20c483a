"""Waits for events of a workflow."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from promo_campaigns.hooks.store import PromoStoreHook
from promo_campaigns.model.errors import PromoError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from promo_campaigns.ledger.event_watch import EventWatch


class EventsWaitTrigger(BaseEventTrigger):
    """Fires when events wait for a workflow and it did not fire for them lately. It takes and sends nothing.

    The first check registers the workflow as a listener, so that events wait for it from the moment its DAG is active.
    While the store cannot be reached, it keeps checking.

    :param workflow: name of the workflow
    :param event: type of the events
    :param poll_s: seconds between two checks, > 0
    :param quiet_s: seconds before it fires again if no run has taken the events, > 0
    :param promo_db_conn_id: connection of the store
    """

    def __init__(self, *, workflow: str, event: str, poll_s: float, quiet_s: float, promo_db_conn_id: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's base class has no types here
        self.workflow = workflow
        self.event = event
        self.poll_s = poll_s
        self.quiet_s = quiet_s
        self.promo_db_conn_id = promo_db_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the trigger in the form that Airflow stores."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "workflow": self.workflow,
                "event": self.event,
                "poll_s": self.poll_s,
                "quiet_s": self.quiet_s,
                "promo_db_conn_id": self.promo_db_conn_id,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until the trigger is cancelled, and fire each time events wait."""
        from promo_campaigns.ledger import event_watch  # noqa: PLC0415  (parsing a DAG loads no driver)

        dsn = await asyncio.to_thread(lambda: PromoStoreHook(self.promo_db_conn_id).dsn)
        with event_watch.EventWatch(dsn, workflow=self.workflow, type_name=self.event, quiet_s=self.quiet_s) as watch:
            while True:
                if await self._look(watch):
                    yield TriggerEvent({"workflow": self.workflow, "event": self.event})  # type: ignore[no-untyped-call]  # as above
                await asyncio.sleep(self.poll_s)

    async def _look(self, watch: EventWatch) -> bool:
        try:
            return await asyncio.to_thread(watch.look)
        except PromoError as error:
            self.log.warning("Cannot check for events of %s: %s", self.workflow, error)
            return False
