"""The Get promo code block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.delivery.batch_payload import BatchPayload
from promo_campaigns.model.parameters import code_request
from promo_campaigns.operators.base.payload_operator import HandedOver
from promo_campaigns.operators.base.rescheduling import rescheduled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class GetPromoCodeOperator(HandedOver):
    """Gives each contact of a batch one code, once: a repeated task returns the codes the ledger holds.

    While it is quiet hours where contacts are, the run is paused, or all sending is stopped, they are given none, and
    the task waits in the triggerer. It is skipped if the run was cancelled. Who has had as many messages as the run's
    cap allows is skipped.

    Returns ``{"run_id": 7, "contact_ids": […], "codes": […]}``, the two lists in parallel.

    :param contacts: output of Get contact (templated)
    :param days: whole days the code must stay valid (templated)
    :param type: the pool to take codes from (templated)
    :param discount: 0 to 99, exact (templated)
    :param next_pools: the pools to take codes from when that one has none, as given to Start (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises PoolShortageError: the pool has run out; none of the batch was given a code
    :raises ConfigurationError: days, type or discount is wrong, or not what the run was opened with
    """

    template_fields: Sequence[str] = ("contacts", "days", "type", "discount", "next_pools", "promo_db_conn_id")
    ui_color = "#fff1d6"

    def __init__(
        self,
        *,
        contacts: Any,
        days: int | str,
        type: str,  # noqa: A002  (the vendor's name for it, see the design's words)
        discount: int | str,
        next_pools: Sequence[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.contacts = contacts
        self.days = days
        self.type = type
        self.discount = discount
        self.next_pools = next_pools

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Claim the codes that are missing, and return who holds which code."""
        batch = BatchPayload.from_xcom(self.contacts)
        codes = code_request(self.type, self.discount, self.days, self.next_pools)
        with rescheduled(self), self.delivery.open(batch.run_id) as run:
            return run.unless_cancelled(run.claim(batch, codes)).as_xcom()

    def resume(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Go on after quiet hours."""
        return self.execute(context)
