"""The End block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.core.parameters import whole_number
from promo_campaigns.operators.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

MAX_RUN_ID = 2**63 - 1


class EndOperator(StoreOperator):
    """Closes the run once everybody has an outcome, checks its invariants, and returns its report: counts only.

    :param run_id: the run, ``start.run`` (templated)
    :param trigger_rule: by default an empty audience, whose blocks are skipped, is closed as well
    :param promo_db_conn_id: connection of the store (templated)
    :raises RunNotFinished: somebody is still to be sent to or recorded
    :raises InvariantBroken: a promise of the ledger does not hold for the run
    """

    template_fields: Sequence[str] = ("run_id", "promo_db_conn_id")
    ui_color = "#dff3e4"

    def __init__(
        self,
        *,
        run_id: Any,
        trigger_rule: str = "none_failed",
        **kwargs: Any,
    ) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        self.run_id = run_id

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Close the run and report it."""
        from promo_campaigns.adapters.invariants import require_invariants
        from promo_campaigns.adapters.runs import close_run

        run_id = whole_number("run_id", self.run_id, least=1, most=MAX_RUN_ID)
        with self.hook.connect() as connection:
            report = close_run(connection, run_id)
            require_invariants(connection, run_id)
        self.log.info("Run %s: %s", report.run_key, report.states)
        return report.as_dict()
