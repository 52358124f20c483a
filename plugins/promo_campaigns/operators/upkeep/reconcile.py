"""Clears up sends of unknown outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator

from promo_campaigns.delivery.batch_payload import MAX_RUN_ID
from promo_campaigns.hooks.page_links import RunsPageLink
from promo_campaigns.model.parameters import whole_number
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class ReconcileOperator(StoreOperator, BaseAsyncOperator):
    """Asks the receiver about the run's sends of unknown outcome, and accepts those it knows.

    It asks by the run's own transport. Where that cannot ask, they stay unknown, and a person has to say.

    Returns ``{"accepted": 3, "unknown": 1}``: how many were cleared up, and how many were not.

    :param run_id: the run, ``start.run`` (templated)
    :param promo_db_conn_id: connection of the store (templated)
    """

    template_fields: Sequence[str] = ("run_id", "promo_db_conn_id")
    operator_extra_links = (RunsPageLink(),)
    ui_color = "#f4efe0"

    def __init__(self, *, run_id: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id

    async def aexecute(self, context: Context) -> dict[str, int]:  # noqa: ARG002  (Airflow's signature)
        """Look every unknown send up."""
        from promo_campaigns.ledger.runs import read_run
        from promo_campaigns.ledger.unknown_sends import list_unknown, reconcile

        run_id = whole_number("run_id", self.run_id, least=1, most=MAX_RUN_ID)
        with self.hook.connect() as connection:
            run = read_run(connection, run_id)
            async with self.delivery.receivers.open_transport(run.spec) as transport:
                accepted = await reconcile(connection, transport, run)
                if not transport.looks_up:
                    self.log.warning("The transport %s cannot ask its receiver", transport.name)
            unknown = len(list_unknown(connection, run_id))
        self.log.info("Run %d: %d sends cleared up, %d still unknown", run_id, accepted, unknown)
        return {"accepted": accepted, "unknown": unknown}
