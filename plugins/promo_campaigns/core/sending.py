"""Sends a batch: intent, call, evidence, a bounded number of contacts at a time."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from promo_campaigns.core.errors import ReceiverUnavailable
from promo_campaigns.core.models import Outcome
from promo_campaigns.core.rendering import MessageTemplates, RequestTemplates, render_messages, render_requests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from promo_campaigns.core.models import Lease, Run, Verdict
    from promo_campaigns.core.ports import Breaker, MessageLedger, ProfileLedger, RequestSender, Transport

LEASE_S = 120.0
MAX_PAUSE_S = 30.0
MAX_WAIT_S = 3600.0


Result = TypeVar("Result")


class Aside(Protocol):
    """Runs blocking work without holding up the calls that are under way."""

    def __call__(self, work: Callable[[], Result]) -> Awaitable[Result]:
        """Run one piece of work after those that were given before."""


@contextmanager
def beside() -> Iterator[Aside]:
    """Give a thread to the ledger, which does one piece of work after another on its one connection."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger") as thread:

        def aside(work: Callable[[], Result]) -> Awaitable[Result]:
            return asyncio.get_running_loop().run_in_executor(thread, work)

        yield aside


@dataclass(slots=True)
class Tally:
    """How many calls came to what, and the first reason of each kind."""

    ok: int = 0
    refused: int = 0
    later: int = 0
    unknown: int = 0
    first_detail: str = ""

    def add(self, verdicts: Sequence[Verdict]) -> None:
        """Count verdicts."""
        for verdict in verdicts:
            setattr(self, verdict.outcome.value, getattr(self, verdict.outcome.value) + 1)
            if verdict.outcome is not Outcome.OK and not self.first_detail:
                self.first_detail = verdict.detail


async def send_messages(  # noqa: PLR0913  (the ports and the work, one keyword each)
    *,
    ledger: MessageLedger,
    breaker: Breaker,
    transport: Transport,
    templates: MessageTemplates,
    run: Run,
    contact_ids: Sequence[int],
    in_flight: int | None = None,
    aside: Aside | None = None,
) -> Tally:
    """Send the run's message to those of the contacts who are due; the others are passed over.

    A contact whose message cannot be rendered, or who has no locator any more, is refused and gives its code back.

    :param in_flight: contacts with a committed intent and no evidence yet, at most: what a kill can leave unknown; by
        default the transport's
    :param aside: runs what the ledger and the breaker do beside the calls, see ``beside``; by default in turn with them
    :raises ReceiverUnavailable: the breaker is open, or the receiver asks for more patience than a task has, or still
        asks for some after five rounds; nobody is lost
    """
    again = {Outcome.LATER, Outcome.UNKNOWN} if transport.resend_within_s else {Outcome.LATER}

    def begin(chunk: Sequence[int]) -> Lease:
        return ledger.begin_messages(run.run_id, chunk, lease_s=LEASE_S, resend_within_s=transport.resend_within_s)

    async def call(lease: Lease, deadline: float) -> Sequence[Verdict]:
        ready, refused = render_messages(templates, run, lease.recipients)
        return [*refused, *await transport.send(ready, deadline=deadline)]

    rounds = _Rounds(
        begin=begin,
        call=call,
        settle=ledger.settle_messages,
        breaker=breaker,
        size=in_flight or transport.in_flight,
        again=again,
        aside=aside,
    )
    return await rounds.run(contact_ids)


async def record_profiles(  # noqa: PLR0913  (the ports and the work, one keyword each)
    *,
    ledger: ProfileLedger,
    breaker: Breaker,
    sender: RequestSender,
    templates: RequestTemplates,
    run: Run,
    contact_ids: Sequence[int],
    repair: bool = False,
    aside: Aside | None = None,
) -> Tally:
    """Record the codes of those contacts whose message was accepted; the others are passed over.

    A write is an upsert of one value, so one of unknown outcome is simply made again.

    :param repair: write what was recorded before as well
    :param aside: as for messages
    :raises ReceiverUnavailable: the breaker is open, or the receiver asks for more patience than a task has, or still
        asks for some after five rounds; nobody is lost
    """

    def begin(chunk: Sequence[int]) -> Lease:
        return ledger.begin_profiles(run.run_id, chunk, lease_s=LEASE_S, repair=repair)

    async def call(lease: Lease, deadline: float) -> Sequence[Verdict]:
        ready, refused = render_requests(templates, run, lease.recipients)
        return [*refused, *await sender.send(ready, deadline=deadline)]

    rounds = _Rounds(
        begin=begin,
        call=call,
        settle=ledger.settle_profiles,
        breaker=breaker,
        size=sender.in_flight,
        again={Outcome.LATER, Outcome.UNKNOWN},
        aside=aside,
    )
    return await rounds.run(contact_ids)


@dataclass(slots=True, kw_only=True)
class _Rounds:
    """Calls in chunks, and again in rounds for whoever was put off.

    With the ledger aside there are two lanes, so that the ledger works on one chunk while another is called for. Each
    chunk goes its own way from intent to evidence, and both lanes together stay within ``size``.
    """

    begin: Callable[[Sequence[int]], Lease]
    call: Callable[[Lease, float], Awaitable[Sequence[Verdict]]]
    settle: Callable[[Lease, Sequence[Verdict]], None]
    breaker: Breaker
    size: int
    again: set[Outcome]
    aside: Aside | None
    lanes: int = 0

    async def run(self, contact_ids: Sequence[int]) -> Tally:
        tally = Tally()
        waiting = contact_ids
        for pause_s in (1.0, 2.0, 4.0, 8.0, 0.0):
            put_off = await self._round(waiting, tally)
            if not put_off:
                return tally
            waiting = [verdict.contact_id for verdict in put_off]
            asked_s = max(verdict.retry_after_s for verdict in put_off)
            if asked_s > MAX_PAUSE_S:
                msg = f"the receiver asks {len(waiting)} contacts to wait for {asked_s:.0f} s; nobody is lost"
                raise ReceiverUnavailable(msg, wait_s=min(asked_s, MAX_WAIT_S))
            if pause_s:
                await asyncio.sleep(max(asked_s, pause_s))
        msg = (
            f"the receiver put off {len(waiting)} contacts again and again ({put_off[0].detail}); "
            f"{tally.ok} others are done; this task can be retried without doing anything twice"
        )
        raise ReceiverUnavailable(msg)

    async def _round(self, contact_ids: Sequence[int], tally: Tally) -> list[Verdict]:
        put_off: list[Verdict] = []
        rest = iter(contact_ids)
        if self.aside is None or self.size == 1:
            self.lanes = 1
            await self._lane(rest, self.size, tally, put_off)
            return put_off
        self.lanes = 2
        ends = await asyncio.gather(
            *(self._lane(rest, self.size // 2, tally, put_off) for _ in range(self.lanes)), return_exceptions=True
        )
        for end in ends:
            if end is not None:
                raise end
        return put_off

    async def _lane(self, rest: Iterator[int], size: int, tally: Tally, put_off: list[Verdict]) -> None:
        try:
            while chunk := list(islice(rest, await self._admitted(size))):
                begun_at = time.monotonic()  # before the intent, so that no pause after it makes a lease look longer
                lease = await self._beside(partial(self.begin, chunk))
                if not lease.recipients:
                    continue
                verdicts = await self.call(lease, begun_at + lease.seconds / 2)
                await self._beside(partial(self._conclude, lease, verdicts))
                put_off += [verdict for verdict in verdicts if verdict.outcome in self.again]
                tally.add([verdict for verdict in verdicts if verdict.outcome not in self.again])
        finally:
            self.lanes -= 1

    def _conclude(self, lease: Lease, verdicts: Sequence[Verdict]) -> None:
        self.settle(lease, verdicts)
        self.breaker.report(verdicts)

    async def _beside(self, work: Callable[[], Result]) -> Result:
        return work() if self.aside is None else await self.aside(work)

    async def _admitted(self, size: int) -> int:
        """Return how many contacts may be called for now; 0 leaves them to the other lane."""
        admission = await self._beside(self.breaker.admit)
        if admission.limit == 0 and self.lanes == 1:
            msg = f"the receiver is left alone for another {admission.wait_s:.0f} s after failures; nobody is lost"
            raise ReceiverUnavailable(msg, wait_s=admission.wait_s)
        return size if admission.limit is None else min(size, admission.limit)
