"""The Message block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator

from promo_campaigns.delivery.batch_payload import BatchPayload
from promo_campaigns.model.parameters import optional_text, whole_number
from promo_campaigns.operators.base.payload_operator import HandedOver
from promo_campaigns.operators.base.rescheduling import rescheduled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

MAX_IN_FLIGHT = 10_000


class SendMessageOperator(HandedOver, BaseAsyncOperator):
    """Sends the run's message to each contact of a batch, never twice: contacts who were sent to are passed over.

    While the receiver's circuit is open, the lease of another worker runs, it is quiet hours where contacts are, the
    run is paused, or all sending is stopped, the task waits in the triggerer. It is skipped if the run was cancelled
    and no message of the batch was accepted.

    Returns ``{"run_id": 7, "contact_ids": […], "codes": […]}`` of those whose message was accepted, now or before.

    :param assignments: output of Get promo code (templated)
    :param message: name of the message, as given to the Start block (templated)
    :param transport: the transport, as given to the Start block; ``inbox`` keeps messages in the store (templated)
    :param transport_conn_id: connection of the transport, as given to the Start block (templated)
    :param in_flight: how many messages a kill can leave unknown, at most; by default the transport's own: for a
        receiver that honours keys 500, or four calls where that is more, and 50 for others (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises ReceiverRefusesError: the receiver refuses every call, and no waiting helps; the task fails without a retry
    :raises ReceiverUnavailableError: some could not be sent yet; the task can be retried
    :raises ConfigurationError: message or transport is not the run's, or the transport's connection is wrong
    """

    template_fields: Sequence[str] = (
        "assignments",
        "message",
        "transport",
        "transport_conn_id",
        "in_flight",
        "promo_db_conn_id",
    )
    ui_color = "#fde2ef"

    def __init__(
        self,
        *,
        assignments: Any,
        message: str,
        transport: str = "inbox",
        transport_conn_id: str | None = None,
        in_flight: int | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.assignments = assignments
        self.message = message
        self.transport = transport
        self.transport_conn_id = transport_conn_id
        self.in_flight = in_flight

    async def aexecute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Send to the contacts who are due, and return those whose message was accepted."""
        batch = BatchPayload.from_xcom(self.assignments)
        opened_with = {
            "message": self.message,
            "transport": self.transport,
            "transport_conn_id": optional_text(self.transport_conn_id),
        }
        with rescheduled(self), self.delivery.open(batch.run_id) as run:
            sent = await run.send(batch, opened_with=opened_with, in_flight=self._in_flight())
            return run.unless_cancelled(sent).as_xcom()

    def resume(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Go on when the receiver can be called again."""
        sent: dict[str, Any] = self.execute(context)  # type: ignore[no-untyped-call]  # Airflow's method has no types
        return sent

    def _in_flight(self) -> int | None:
        if not optional_text(self.in_flight):
            return None
        return whole_number("in_flight", self.in_flight, least=1, most=MAX_IN_FLIGHT)
