"""The Message block."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator

from promo_campaigns.delivery.batch_payload import BatchPayload
from promo_campaigns.hooks.transport import open_transport
from promo_campaigns.model.assignment_state import DELIVERED
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.parameters import optional_text, whole_number
from promo_campaigns.operators.base.payload_operator import HandedOver
from promo_campaigns.operators.base.rescheduling import rescheduled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.model.run import Run

MAX_IN_FLIGHT = 10_000


class SendMessageOperator(HandedOver, BaseAsyncOperator):
    """Sends the run's message to each contact of a batch, never twice: whoever was sent to is passed over.

    While a receiver is left alone, the lease of another worker runs, or it is quiet hours where contacts are, the task
    waits in the triggerer.

    Returns ``{"run_id": 7, "contact_ids": […], "codes": […]}`` of those whose message was accepted, now or before.

    :param assignments: output of Get promo code (templated)
    :param message: name of the message, as given to the Start block (templated)
    :param transport: the way out, as given to the Start block; ``inbox`` keeps messages in the store (templated)
    :param transport_conn_id: connection of the transport, as given to the Start block (templated)
    :param in_flight: how many messages a kill can leave unknown, at most; by default the transport's own: for a
        receiver that honours keys 500, or four calls where that is more, and 50 for others (templated)
    :param promo_db_conn_id: connection of the store (templated)
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
        """Send what is due and return whose message was accepted."""
        batch = BatchPayload.from_xcom(self.assignments)
        if batch.repair:
            return batch.as_xcom()
        with rescheduled(self):
            return (await self._send(batch)).as_xcom()

    def resume(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Go on after the receiver was left alone."""
        sent: dict[str, Any] = self.execute(context)  # type: ignore[no-untyped-call]  # Airflow's method has no types
        return sent

    async def _send(self, batch: BatchPayload) -> BatchPayload:
        from promo_campaigns.delivery.batches import background_executor, send_messages
        from promo_campaigns.delivery.breaker_store import PostgresBreaker
        from promo_campaigns.delivery.templates import compile_message
        from promo_campaigns.ledger.answered_ledger import ledger_of
        from promo_campaigns.ledger.runs import read_run

        with self.hook.reconnecting() as connection, background_executor() as background:
            run = connection.run(partial(read_run, run_id=batch.run_id))
            self._require_the_run_s(run)
            ledger = ledger_of(connection, run.spec)
            async with open_transport(run.spec, self.hook.dsn) as transport:
                tally = await send_messages(
                    ledger=ledger,
                    breaker=PostgresBreaker(connection, transport.receiver),
                    transport=transport,
                    templates=compile_message(run.spec.message),
                    run=run,
                    contact_ids=batch.contact_ids,
                    in_flight=self._in_flight(),
                    background=background,
                )
            ledger.require_no_lease(run.run_id, batch.contact_ids)
            ledger.require_open(run.run_id, batch.contact_ids)
            states = ledger.states(run.run_id, batch.contact_ids)
            taken = [contact for contact in batch.contact_ids if states.get(contact) in DELIVERED]
            pairs = ledger.held_codes(run.run_id, taken)
        self.log.info("Run %d: %d accepted, %d refused, %d unknown", run.run_id, tally.ok, tally.refused, tally.unknown)
        return BatchPayload.from_pairs(run.run_id, pairs)

    def _require_the_run_s(self, run: Run) -> None:
        """Refuse what is not what the run was opened with: the same send is the same message by the same way."""
        opened = {
            "message": (run.spec.message.name, self.message),
            "transport": (run.spec.transport, self.transport),
            "transport_conn_id": (run.spec.transport_conn_id, optional_text(self.transport_conn_id)),
        }
        for parameter, (theirs, ours) in opened.items():
            if theirs != ours:
                msg = (
                    f"run {run.run_key} was opened with the {parameter} {theirs!r}, not {ours!r}; "
                    "the Start block and the Message block must be given the same"
                )
                raise ConfigurationError(msg)

    def _in_flight(self) -> int | None:
        if not optional_text(self.in_flight):
            return None
        return whole_number("in_flight", self.in_flight, least=1, most=MAX_IN_FLIGHT)
