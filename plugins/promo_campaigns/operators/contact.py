"""The Get contact block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.model.run import Batch
from promo_campaigns.operators.base.rescheduling import rescheduled
from promo_campaigns.operators.base.run_page import RunPageLink
from promo_campaigns.operators.base.store_operator import MAPPED_NAME, StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class GetContactOperator(StoreOperator):
    """Finds the contacts of a batch who can be reached on the message's channel; skips the others, with a reason.

    Returns ``{"run_id": 7, "contact_ids": [1, 2, …], "codes": []}``. It is skipped if the run was cancelled.

    :param batch: a batch of the Start block (templated)
    :param map_index_template: by default a mapped task is called by its contacts, such as ``contacts 1 to 1000``
    :param promo_db_conn_id: connection of the store (templated)
    """

    template_fields: Sequence[str] = ("batch", "promo_db_conn_id")
    operator_extra_links = (RunPageLink(),)
    ui_color = "#e3ecfb"

    def __init__(
        self,
        *,
        batch: Any,
        map_index_template: str | None = MAPPED_NAME,
        **kwargs: Any,
    ) -> None:
        super().__init__(map_index_template=map_index_template, **kwargs)
        self.batch = batch

    @property
    def mapped_name(self) -> str:
        """The contacts of the batch, and their time zone where batches go by it."""
        if not isinstance(self.batch, dict):
            return ""
        zone = self.batch.get("zone")
        return f"contacts {self.batch.get('first')} to {self.batch.get('last')}" + (f", {zone}" if zone else "")

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Skip the contacts who cannot be reached, and return the others."""
        batch = Batch(**self.batch)
        with rescheduled(self), self.delivery.open(batch.run_id) as run:
            return run.unless_cancelled(run.find(batch)).as_xcom()
