"""The HTTP request data source block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator

from promo_campaigns.delivery.batch_payload import BatchPayload
from promo_campaigns.operators.base.payload_operator import HandedOver
from promo_campaigns.operators.base.rescheduling import rescheduled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class HttpDataSourceOperator(HandedOver, BaseAsyncOperator):
    """Calls a data source of the message: before the message if that reads the answer, else once it was accepted.

    Before the Message block it returns what Get promo code does, of the contacts who go on to the message. After it, it
    returns ``{"run_id": 7, "recorded": 1000}``: how many calls this task made that were confirmed. While the receiver's
    circuit is open, or the lease of another worker runs, the task waits in the triggerer.

    :param assignments: output of the block before (templated)
    :param data_source: name of a data source that the message binds (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises ReceiverRefusesError: the receiver refuses every call, and no waiting helps; the task fails without a retry
    :raises ReceiverUnavailableError: some could not be called for yet; the task can be retried
    :raises SendError: the receiver refuses to record some for good
    :raises ConfigurationError: the data source is not one that the run's message binds
    :raises LedgerConflictError: a contact holds another code than the one in the batch payload
    """

    template_fields: Sequence[str] = ("assignments", "data_source", "promo_db_conn_id")
    ui_color = "#e9e2fb"

    def __init__(
        self,
        *,
        assignments: Any,
        data_source: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.assignments = assignments
        self.data_source = data_source

    async def aexecute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Call for the contacts who were not called for yet."""
        batch = BatchPayload.from_xcom(self.assignments)
        with rescheduled(self), self.delivery.open(batch.run_id) as run:
            source = run.campaign.source(self.data_source)
            if source.definition.before:
                return run.unless_cancelled(await run.ask(source, batch)).as_xcom()
            tally = await run.record(source, batch)
            return {"run_id": batch.run_id, "recorded": tally.ok}

    def resume(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Go on when the receiver can be called again."""
        returned: dict[str, Any] = self.execute(context)  # type: ignore[no-untyped-call]  # Airflow's method has no types
        return returned
