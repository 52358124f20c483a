"""The delivery service: what the blocks of a campaign do for a batch of contacts."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from promo_campaigns.delivery.batch_payload import BatchPayload
from promo_campaigns.delivery.batches import ask_before_message, record_profiles, send_messages
from promo_campaigns.delivery.bulk import record_profiles_in_bulk
from promo_campaigns.delivery.retry_loop import background_executor
from promo_campaigns.ledger.answered_ledger import AnsweredLedger, make_ledger
from promo_campaigns.ledger.halts import read_halt
from promo_campaigns.ledger.invariants import require_invariants
from promo_campaigns.ledger.lookups.pictures import picture_key
from promo_campaigns.ledger.runs import close_run, read_run
from promo_campaigns.model.assignment_state import DELIVERED
from promo_campaigns.model.errors import ConfigurationError, ReceiverRefusesError, RunCancelledError, SendError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.reconnecting import reconnecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from promo_campaigns.delivery.compiled_campaign import CompiledCampaign, CompiledSource
    from promo_campaigns.delivery.receivers import ReadConnection, Receivers
    from promo_campaigns.delivery.retry_loop import BackgroundExecutor, Tally
    from promo_campaigns.delivery.transports.base import BaseTransport
    from promo_campaigns.ledger.ledger import PostgresLedger
    from promo_campaigns.model.run import Batch, Run
    from promo_campaigns.model.run_report import RunReport
    from promo_campaigns.model.run_spec import CodeRequest
    from promo_campaigns.postgres.reconnecting import ReconnectingConnection

_LOG = logging.getLogger(__name__)


class DeliveryService:
    """Opens runs for delivery. One serves a whole task, and compiles a campaign once for all its runs in a row.

    The HTTP client and the template compiler are loaded by the first block that needs them: a task that only finds
    contacts, claims codes or closes a run needs neither, and would spend half of its start on them.

    :param dsn: the store
    :param read_connection: returns the settings of a connection by its id
    """

    def __init__(self, dsn: str, read_connection: ReadConnection) -> None:
        self._dsn = dsn
        self._read_connection = read_connection
        self._campaign: CompiledCampaign | None = None

    @cached_property
    def receivers(self) -> Receivers:
        """Who can be called."""
        from promo_campaigns.delivery.receivers import Receivers

        return Receivers(self._dsn, self._read_connection)

    @contextmanager
    def open(self, run_id: int) -> Iterator[RunDelivery]:
        """Open a run until the block ends, over a connection of its own that outlives a failover.

        :raises LedgerError: there is no such run
        :raises DatabaseUnavailableError: the store cannot be reached
        """
        with reconnecting(self._dsn) as connection:
            run = connection.run(partial(read_run, run_id=run_id))
            yield RunDelivery(connection, run, self)

    def compiled(self, run: Run) -> CompiledCampaign:
        """Return the definition of a run, compiled; of runs in a row that share it, it is the same."""
        from promo_campaigns.delivery.compiled_campaign import CompiledCampaign

        if self._campaign is None or self._campaign.spec != run.spec:
            self._campaign = CompiledCampaign(run.spec)
        return self._campaign


class RunDelivery:
    """One run, open for delivery. Each method does what is not done yet, and can be called again.

    :ivar run: the run
    """

    def __init__(self, connection: ReconnectingConnection, run: Run, service: DeliveryService) -> None:
        self.run = run
        self._connection = connection
        self._service = service
        self._ledger: PostgresLedger = make_ledger(connection, run.spec)

    @cached_property
    def campaign(self) -> CompiledCampaign:
        """The run's definition, compiled."""
        return self._service.compiled(self.run)

    @cached_property
    def _run_with_links(self) -> Run:
        """The run as its texts are rendered: with links to unsubscribe, and to pictures if a text shows any."""
        pictures, unsubscribing = self.campaign.pictures, self.campaign.unsubscribing
        if unsubscribing is not None or (pictures is not None and pictures.url):
            run_id, key = self.run.run_id, self._connection.run(picture_key)
            pictures = replace(pictures, run_id=run_id, key=key) if pictures is not None else None
            unsubscribing = replace(unsubscribing, run_id=run_id, key=key) if unsubscribing is not None else None
        return replace(self.run, pictures=pictures, unsubscribing=unsubscribing)

    @property
    def _receivers(self) -> Receivers:
        return self._service.receivers

    def find(self, batch: Batch) -> BatchPayload:
        """Skip the contacts of a batch who cannot be reached, with a reason, and return the others."""
        find = self._ledger.accepted_contacts if batch.repair else self._ledger.reachable_contacts
        found = BatchPayload(run_id=batch.run_id, contact_ids=find(batch), repair=batch.repair)
        _LOG.info("Run %d: %d contacts can be reached", self.run.run_id, len(found.contact_ids))
        return found

    def claim(self, batch: BatchPayload, codes: CodeRequest | None = None) -> BatchPayload:
        """Give each contact its code, once, and return who holds which.

        :param codes: the codes that the caller expects the run to give out
        :raises ConfigurationError: it gives out others
        :raises PoolShortageError: the pool has run out; nobody of the batch was given a code
        :raises NotApprovedError: a person must approve the run first
        :raises RunHaltedError: the run is paused, or all sending is stopped
        :raises FirstShareError: the run goes to others first, and some of the contacts were given none
        :raises QuietHoursError: some of the contacts are in quiet hours, and were given none
        """
        if codes not in (None, replace(self.run.spec.codes, match=())):
            msg = f"run {self.run.run_key} was opened for {self.run.spec.codes}, not for {codes}; make them equal"
            raise ConfigurationError(msg)
        claimed = self._claim(batch)
        if not batch.repair:
            self.require_open(batch.contact_ids)
        return claimed

    async def ask(self, source: CompiledSource, batch: BatchPayload) -> BatchPayload:
        """Ask a data source whose answer the message reads; return those who still hold a code.

        :raises ReceiverRefusesError: the receiver refuses every call, and no waiting helps; nobody is lost
        :raises ReceiverUnavailableError: some could not be asked for yet; nobody is lost
        :raises LeaseHeldError: another worker is asking for some
        :raises LedgerConflictError: a contact holds another code than the one in the batch payload
        """
        self._require_codes(batch)
        if batch.repair:
            return batch
        with background_executor() as background:
            async with self._receivers.open_sender(source) as sender:
                tally = await ask_before_message(
                    ledger=AnsweredLedger(self._connection, self.run.spec),
                    sender=sender,
                    templates=source.templates,
                    **self._work(batch, sender.name, background),
                )
        self._ledger.require_no_lease(self.run.run_id, batch.contact_ids)
        self._log("answered", tally)
        return self._holding(batch.contact_ids)

    async def send(
        self, batch: BatchPayload, *, opened_with: Mapping[str, str] | None = None, in_flight: int | None = None
    ) -> BatchPayload:
        """Send the message to the contacts that are due; return those whose message was accepted, now or before.

        :param opened_with: the ``message``, ``transport`` and ``transport_conn_id`` that the caller expects
        :param in_flight: how many messages a kill can leave unknown, at most; by default the transport's own
        :raises ConfigurationError: the run was opened with something else
        :raises ReceiverRefusesError: the receiver refuses every call, and no waiting helps; nobody is lost
        :raises ReceiverUnavailableError: some could not be sent yet; nobody is lost
        :raises RunHaltedError: the run is paused, or all sending is stopped
        :raises LeaseHeldError: another worker is sending to some
        :raises QuietHoursError: some are in quiet hours, and were sent nothing
        """
        if batch.repair:
            return batch
        self._require_opened_with(opened_with or {})
        run_id, contact_ids = self.run.run_id, batch.contact_ids
        with background_executor() as background:
            async with self._open_transport() as transport:
                tally = await send_messages(
                    ledger=self._ledger,
                    transport=transport,
                    templates=self.campaign.message,
                    in_flight=in_flight,
                    **self._work(batch, transport.receiver, background),
                )
        self._ledger.require_no_lease(run_id, contact_ids)
        self._ledger.weigh_first_share(run_id)
        self.require_open(contact_ids)
        states = self._ledger.states(run_id, contact_ids)
        self._log("accepted", tally)
        return self._holding([contact for contact in contact_ids if states.get(contact) in DELIVERED])

    async def record(self, source: CompiledSource, batch: BatchPayload) -> Tally:
        """Record the codes of those whose message was accepted on their profiles, by a data source's requests.

        :raises SendError: the receiver refuses some for good
        :raises ReceiverRefusesError: the receiver refuses every call, and no waiting helps; nobody is lost
        :raises ReceiverUnavailableError: some could not be recorded yet; nobody is lost
        :raises LeaseHeldError: another worker is recording some
        :raises LedgerConflictError: a contact holds another code than the one in the batch payload
        """
        self._require_codes(batch)
        with background_executor() as background:
            tally = await self._record(source, batch, background)
        self._ledger.require_no_lease(self.run.run_id, batch.contact_ids)
        self._log("recorded", tally)
        if tally.refused:
            msg = (
                f"data source {source.definition.name!r} refused {tally.refused} of {len(batch.contact_ids)} contacts: "
                f"{tally.first_detail}; correct the data source or the contacts, then clear this task"
            )
            raise SendError(msg)
        return tally

    async def deliver(self, batch: Batch) -> int:
        """Do all of the above for a batch, one after another, and return how many contacts were given a code.

        :raises QuietHoursError: some of the contacts are in quiet hours; the others are done
        """
        claimed = self._claim(self.find(batch))
        asked = claimed
        for source in self.campaign.sources:
            if source.definition.before:
                asked = await self.ask(source, asked)
        sent = await self.send(asked)
        for source in self.campaign.sources:
            if not source.definition.before:
                await self.record(source, sent)
        if not batch.repair:
            self.require_open(self._ledger.reachable_contacts(batch))
        return len(claimed.contact_ids)

    def close(self, *, check: bool = True) -> RunReport:
        """Close the run and report it; a closed run is reported again.

        :param check: look whether every promise of the ledger holds for the run
        :raises RunNotFinishedError: somebody is still to be sent to, or an accepted code is not on its profile
        :raises InvariantBrokenError: a promise does not hold
        """
        report = self._connection.run(partial(close_run, run_id=self.run.run_id))
        if check:
            self._connection.run(partial(require_invariants, run_id=self.run.run_id))
        return report

    def unless_cancelled(self, batch: BatchPayload) -> BatchPayload:
        """Return a batch, for the block behind.

        :raises RunCancelledError: nobody is left in it, since the run was cancelled; it says by whom
        """
        halt = None if batch.contact_ids else self._connection.run(partial(read_halt, run_id=self.run.run_id))
        if halt is not None and halt.is_final:
            raise RunCancelledError(str(halt))
        return batch

    def require_open(self, contact_ids: Sequence[int]) -> None:
        """Make sure that none of the contacts who wait for a code or a message is in quiet hours.

        :raises QuietHoursError: some are; it says when the first of them may be written to
        """
        self._ledger.require_open(self.run.run_id, contact_ids)

    def _claim(self, batch: BatchPayload) -> BatchPayload:
        if batch.repair:
            pairs = self._ledger.held_codes(self.run.run_id, batch.contact_ids)
        else:
            pairs = self._ledger.assign_codes(self.run.run_id, batch.contact_ids, self.run.spec.codes)
        _LOG.info("Run %d: %d contacts hold a code", self.run.run_id, len(pairs))
        return BatchPayload.from_pairs(self.run.run_id, pairs, repair=batch.repair)

    async def _record(self, source: CompiledSource, batch: BatchPayload, background: BackgroundExecutor) -> Tally:
        common: dict[str, Any] = {"ledger": self._ledger, "templates": source.templates, "repair": batch.repair}
        if source.definition.records_per_request:
            async with self._receivers.open_bulk_sender(source) as bulk:
                return await record_profiles_in_bulk(sender=bulk, **common, **self._work(batch, bulk.name, background))
        async with self._receivers.open_sender(source) as sender:
            return await record_profiles(sender=sender, **common, **self._work(batch, sender.name, background))

    @asynccontextmanager
    async def _open_transport(self) -> AsyncIterator[BaseTransport]:
        """Open the run's transport; one that refuses already then is noted, so that reports name it."""
        opening = self._receivers.open_transport(self.run.spec)
        async with AsyncExitStack() as stack:
            try:
                transport = await stack.enter_async_context(opening)
            except ReceiverRefusesError as error:
                receiver = self._receivers.transport(self.run.spec).receiver
                refused = DeliveryResult(
                    contact_id=0, outcome=Outcome.LATER, detail=str(error), locked_out=True, called=False
                )
                self._receivers.breaker(self._connection, receiver).report([refused])
                raise
            yield transport

    def _work(self, batch: BatchPayload, receiver: str, background: BackgroundExecutor) -> dict[str, Any]:
        """Return what every kind of call is given."""
        return {
            "breaker": self._receivers.breaker(self._connection, receiver),
            "run": self._run_with_links,
            "contact_ids": batch.contact_ids,
            "background": background,
            "receiver": receiver,
        }

    def _holding(self, contact_ids: Sequence[int]) -> BatchPayload:
        return BatchPayload.from_pairs(self.run.run_id, self._ledger.held_codes(self.run.run_id, contact_ids))

    def _require_codes(self, batch: BatchPayload) -> None:
        self._ledger.require_codes(self.run.run_id, batch.contact_ids, batch.codes)

    def _require_opened_with(self, expected: Mapping[str, str]) -> None:
        """Refuse what the run was not opened with: the same send is the same message by the same transport."""
        spec = self.run.spec
        opened = {
            "message": spec.message.name,
            "transport": spec.transport,
            "transport_conn_id": spec.transport_conn_id,
        }
        for parameter, ours in expected.items():
            if opened[parameter] != ours:
                msg = (
                    f"run {self.run.run_key} was opened with the {parameter} {opened[parameter]!r}, not {ours!r}; "
                    "the Start block and the Message block must be given the same"
                )
                raise ConfigurationError(msg)

    def _log(self, done: str, tally: Tally) -> None:
        _LOG.info(
            "Run %d: %d %s, %d refused, %d unknown", self.run.run_id, tally.ok, done, tally.refused, tally.unknown
        )
