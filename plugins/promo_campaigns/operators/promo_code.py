"""The Get promo code block."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from promo_campaigns.delivery.batch_payload import BatchPayload
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.parameters import code_request
from promo_campaigns.operators.base.payload_operator import HandedOver
from promo_campaigns.operators.base.rescheduling import rescheduled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class GetPromoCodeOperator(HandedOver):
    """Gives each contact of a batch one code, once: a repeated task returns the codes the ledger holds.

    While it is quiet hours where contacts are, they are given none, and the task waits in the triggerer. Who has had as
    many messages as the run's cap allows is skipped.

    Returns ``{"run_id": 7, "contact_ids": […], "codes": […]}``, the two lists in parallel.

    :param contacts: output of Get contact (templated)
    :param days: whole days the code must stay valid (templated)
    :param type: the pool to take codes from (templated)
    :param discount: 0 to 99, exact (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises PoolShortageError: the pool has run out; none of the batch was given a code
    :raises ConfigurationError: days, type or discount is wrong, or not what the run was opened with
    """

    template_fields: Sequence[str] = ("contacts", "days", "type", "discount", "promo_db_conn_id")
    ui_color = "#fff1d6"

    def __init__(
        self,
        *,
        contacts: Any,
        days: int | str,
        type: str,  # noqa: A002  (the vendor's name for it, see the design's words)
        discount: int | str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.contacts = contacts
        self.days = days
        self.type = type
        self.discount = discount

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Claim what is missing and return who holds which code."""
        with rescheduled(self):
            return self._claim().as_xcom()

    def resume(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Go on after quiet hours."""
        return self.execute(context)

    def _claim(self) -> BatchPayload:
        from promo_campaigns.ledger.ledger import PostgresLedger
        from promo_campaigns.ledger.runs import read_run

        batch = BatchPayload.from_xcom(self.contacts)
        codes = code_request(self.type, self.discount, self.days)
        with self.hook.reconnecting() as connection:
            run = connection.run(partial(read_run, run_id=batch.run_id))
            if run.spec.codes != codes:
                msg = f"run {run.run_key} was opened for {run.spec.codes}, this task asks for {codes}; make them equal"
                raise ConfigurationError(msg)
            ledger = PostgresLedger(connection)
            if batch.repair:
                pairs = ledger.held_codes(batch.run_id, batch.contact_ids)
            else:
                pairs = ledger.assign_codes(batch.run_id, batch.contact_ids, codes)
                ledger.require_open(batch.run_id, batch.contact_ids)
        self.log.info("%d contacts of run %d hold a code", len(pairs), batch.run_id)
        return BatchPayload.from_pairs(batch.run_id, pairs, repair=batch.repair)
