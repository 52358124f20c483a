"""The HTTP request data source block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator

from promo_campaigns.core.errors import ConfigurationError, SendError
from promo_campaigns.hooks.data_source import DataSourceHook
from promo_campaigns.operators.handed_over import HandedOver
from promo_campaigns.operators.handover import Handover
from promo_campaigns.operators.rescheduling import rescheduled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class HttpDataSourceOperator(HandedOver, BaseAsyncOperator):
    """Calls the data source that the message binds, once for each contact whose message was accepted.

    While a receiver is left alone, or the lease of another worker runs, the task waits in the triggerer.

    Returns ``{"run_id": 7, "recorded": 1000}``: how many calls this task made that were confirmed.

    :param assignments: output of the Message block (templated)
    :param data_source: name of the data source that the message binds (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises ReceiverUnavailable: some could not be recorded yet; the task can be retried
    :raises SendError: the receiver refuses some for good
    :raises ConfigurationError: the data source is not the one the run's message binds
    :raises LedgerConflict: somebody holds another code than the one handed over
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

    async def aexecute(self, context: Context) -> dict[str, int]:  # noqa: ARG002  (Airflow's signature)
        """Record what is not recorded yet."""
        batch = Handover.from_xcom(self.assignments)
        with rescheduled(self):
            return {"run_id": batch.run_id, "recorded": await self._record(batch)}

    def resume(self, context: Context, event: object = None) -> dict[str, int]:  # noqa: ARG002  (Airflow's signature)
        """Go on after the receiver was left alone."""
        recorded: dict[str, int] = self.execute(context)  # type: ignore[no-untyped-call]  # Airflow's method has no types
        return recorded

    async def _record(self, batch: Handover) -> int:
        from promo_campaigns.adapters.breaker import PostgresBreaker
        from promo_campaigns.adapters.ledger import PostgresLedger
        from promo_campaigns.adapters.runs import read_run
        from promo_campaigns.adapters.templates import compile_data_source
        from promo_campaigns.core.sending import beside, record_profiles

        with self.hook.connect() as connection:
            run = read_run(connection, batch.run_id)
            source = run.spec.data_source
            if source is None or source.name != self.data_source:
                bound = repr(source.name) if source else "no data source"
                msg = f"the message of run {run.run_key} binds {bound}, not {self.data_source!r}"
                raise ConfigurationError(msg)
            ledger = PostgresLedger(connection)
            ledger.require_codes(run.run_id, batch.contact_ids, batch.codes)
            sender = DataSourceHook(source.connection).sender()
            with beside() as aside:
                async with sender.connected():
                    tally = await record_profiles(
                        ledger=ledger,
                        breaker=PostgresBreaker(connection, sender.name),
                        sender=sender,
                        templates=compile_data_source(source),
                        run=run,
                        contact_ids=batch.contact_ids,
                        repair=batch.repair,
                        aside=aside,
                    )
            ledger.require_no_lease(run.run_id, batch.contact_ids)
        self.log.info("Run %d: %d recorded, %d refused", run.run_id, tally.ok, tally.refused)
        if tally.refused:
            msg = (
                f"data source {source.name!r} refused {tally.refused} of {len(batch.contact_ids)} contacts: "
                f"{tally.first_detail}; correct the data source or the contacts, then clear this task"
            )
            raise SendError(msg)
        return tally.ok
