"""The HTTP request data source block."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator

from promo_campaigns.delivery.batch_payload import BatchPayload
from promo_campaigns.hooks.data_source import DataSourceHook
from promo_campaigns.model.errors import ConfigurationError, SendError
from promo_campaigns.operators.base.payload_operator import HandedOver
from promo_campaigns.operators.base.rescheduling import rescheduled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.reconnecting import ReconnectingConnection


class HttpDataSourceOperator(HandedOver, BaseAsyncOperator):
    """Calls a data source of the message: before the message if that reads the answer, else once it was accepted.

    Before the Message block it returns what Get promo code does, of whoever goes on to the message. After it, it
    returns ``{"run_id": 7, "recorded": 1000}``: how many calls this task made that were confirmed. While a receiver is
    left alone, or the lease of another worker runs, the task waits in the triggerer.

    :param assignments: output of the block before (templated)
    :param data_source: name of a data source that the message binds (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises ReceiverUnavailableError: some could not be called for yet; the task can be retried
    :raises SendError: the receiver refuses to record some for good
    :raises ConfigurationError: the data source is not one that the run's message binds
    :raises LedgerConflictError: somebody holds another code than the one handed over
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
        """Call for whoever was not called for yet."""
        batch = BatchPayload.from_xcom(self.assignments)
        with rescheduled(self):
            return await self._call(batch)

    def resume(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002  (Airflow's signature)
        """Go on after the receiver was left alone."""
        returned: dict[str, Any] = self.execute(context)  # type: ignore[no-untyped-call]  # Airflow's method has no types
        return returned

    async def _call(self, batch: BatchPayload) -> dict[str, Any]:
        from promo_campaigns.ledger.answered_ledger import ledger_of
        from promo_campaigns.ledger.runs import read_run

        with self.hook.reconnecting() as connection:
            run = connection.run(partial(read_run, run_id=batch.run_id))
            place = run.spec.place_of(self.data_source)
            if place is None:
                bound = ", ".join(repr(source.name) for source in run.spec.data_sources) or "no data source"
                msg = f"the message of run {run.run_key} binds {bound}, not {self.data_source!r}"
                raise ConfigurationError(msg)
            ledger_of(connection, run.spec).require_codes(run.run_id, batch.contact_ids, batch.codes)
            call = self._ask if run.spec.data_sources[place].before else self._record
            return await call(connection, run, place, batch)

    async def _ask(
        self, connection: ReconnectingConnection, run: Run, place: int, batch: BatchPayload
    ) -> dict[str, Any]:
        from promo_campaigns.delivery.answers import ask_before_message
        from promo_campaigns.delivery.batches import background_executor
        from promo_campaigns.delivery.breaker_store import PostgresBreaker
        from promo_campaigns.delivery.templates import compile_data_source
        from promo_campaigns.ledger.answered_ledger import AnsweredLedger

        if batch.repair:
            return batch.as_xcom()
        ledger = AnsweredLedger(connection, run.spec)
        source = run.spec.data_sources[place]
        hook = DataSourceHook(source.connection)
        with background_executor() as background:
            async with hook.rate_limiter(self.hook.dsn) as limiter:
                sender = hook.sender(source, limiter)
                async with sender.connected():
                    tally = await ask_before_message(
                        ledger=ledger,
                        breaker=PostgresBreaker(connection, sender.name),
                        sender=sender,
                        templates=compile_data_source(source, place),
                        run=run,
                        contact_ids=batch.contact_ids,
                        background=background,
                    )
        ledger.require_no_lease(run.run_id, batch.contact_ids)
        self.log.info("Run %d: %d answered, %d refused", run.run_id, tally.ok, tally.refused)
        return BatchPayload.from_pairs(run.run_id, ledger.held_codes(run.run_id, batch.contact_ids)).as_xcom()

    async def _record(
        self, connection: ReconnectingConnection, run: Run, place: int, batch: BatchPayload
    ) -> dict[str, Any]:
        from promo_campaigns.delivery.batches import background_executor, record_profiles
        from promo_campaigns.delivery.breaker_store import PostgresBreaker
        from promo_campaigns.delivery.bulk import record_profiles_in_bulk
        from promo_campaigns.delivery.templates import compile_data_source
        from promo_campaigns.ledger.answered_ledger import ledger_of

        ledger = ledger_of(connection, run.spec)
        source = run.spec.data_sources[place]
        hook = DataSourceHook(source.connection)
        work: dict[str, Any] = {
            "ledger": ledger,
            "breaker": PostgresBreaker(connection, hook.receiver),
            "templates": compile_data_source(source, place),
            "run": run,
            "contact_ids": batch.contact_ids,
            "repair": batch.repair,
        }
        with background_executor() as background:
            async with hook.rate_limiter(self.hook.dsn) as limiter:
                if source.records_per_request:
                    bulk_sender = hook.bulk_sender(source, limiter)
                    async with bulk_sender.connected():
                        tally = await record_profiles_in_bulk(sender=bulk_sender, background=background, **work)
                else:
                    sender = hook.sender(source, limiter)
                    async with sender.connected():
                        tally = await record_profiles(sender=sender, background=background, **work)
        ledger.require_no_lease(run.run_id, batch.contact_ids)
        self.log.info("Run %d: %d recorded, %d refused", run.run_id, tally.ok, tally.refused)
        if tally.refused:
            msg = (
                f"data source {source.name!r} refused {tally.refused} of {len(batch.contact_ids)} contacts: "
                f"{tally.first_detail}; correct the data source or the contacts, then clear this task"
            )
            raise SendError(msg)
        return {"run_id": run.run_id, "recorded": tally.ok}
