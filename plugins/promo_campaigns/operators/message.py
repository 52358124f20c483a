"""The Message block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator

from promo_campaigns.core.errors import ConfigurationError
from promo_campaigns.operators.handed_over import HandedOver
from promo_campaigns.operators.handover import Handover

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

_TAKEN = frozenset({"accepted", "recorded"})


class SendMessageOperator(HandedOver, BaseAsyncOperator):
    """Sends the run's message to each contact of a batch, never twice: whoever was sent to is passed over.

    Returns ``{"run_id": 7, "contact_ids": […], "codes": […]}`` of those whose message was accepted, now or before.

    :param assignments: output of Get promo code (templated)
    :param message: name of the message, as given to the Start block (templated)
    :param transport: the way out; ``inbox`` keeps messages in the store (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises ReceiverUnavailable: some could not be sent yet; the task can be retried
    :raises ConfigurationError: the message is not the run's, or there is no such transport
    :raises LedgerConflict: somebody holds another code than the one handed over
    """

    template_fields: Sequence[str] = ("assignments", "message", "transport", "promo_db_conn_id")
    ui_color = "#fde2ef"

    def __init__(
        self,
        *,
        assignments: Any,
        message: str,
        transport: str = "inbox",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.assignments = assignments
        self.message = message
        self.transport = transport

    async def aexecute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Send what is due and return whose message was accepted."""
        from promo_campaigns.adapters.ledger import PostgresLedger
        from promo_campaigns.adapters.runs import read_run
        from promo_campaigns.adapters.templates import compile_message
        from promo_campaigns.adapters.transports import open_transport
        from promo_campaigns.core.sending import send_messages

        batch = Handover.from_xcom(self.assignments)
        with self.hook.connect() as connection, open_transport(self.transport, self.hook.dsn) as transport:
            run = read_run(connection, batch.run_id)
            if run.spec.message.name != self.message:
                msg = f"run {run.run_key} was opened with the message {run.spec.message.name!r}, not {self.message!r}"
                raise ConfigurationError(msg)
            ledger = PostgresLedger(connection)
            ledger.require_codes(run.run_id, batch.contact_ids, batch.codes)
            templates = compile_message(run.spec.message)
            tally = await send_messages(ledger, transport, templates, run, batch.contact_ids)
            states = ledger.states(run.run_id, batch.contact_ids)
        self.log.info("Run %d: %d accepted, %d refused, %d unknown", run.run_id, tally.ok, tally.refused, tally.unknown)
        pairs = zip(batch.contact_ids, batch.codes, strict=True)
        taken = [(contact, code) for contact, code in pairs if states.get(contact) in _TAKEN]
        return Handover(
            run_id=run.run_id, contact_ids=[contact for contact, _ in taken], codes=[code for _, code in taken]
        ).as_xcom()
