"""Calls that take their time, to receivers that agreed to so many at once; and what must hold of them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from faults.receiver_truth import Caller, TimedCall
from faults.strands import finish
from promo_campaigns.delivery.bulk import BulkAnswer
from promo_campaigns.delivery.throttle.concurrency import RENEW_S
from promo_campaigns.http.rate_limit_port import NoPermitError
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from faults.receiver_truth import Receiver
    from faults.workers import Worker
    from promo_campaigns.http.rate_limit_port import Permit

CALL_S = 10.0
"""How long a call takes at most."""
HOLD_S = CALL_S + 2 * RENEW_S
"""How long a worker has a slot without renewing it."""
ROUNDED_S = 0.002
"""The store is told the time in thousandths."""
BEGUN_S = 0.5 * RENEW_S - ROUNDED_S
"""How long after its permit a call begins, unless its process stands still."""
HEARD_S = 1.5 * RENEW_S + ROUNDED_S
"""How long it takes at most until every worker hears that a receiver asks for no calls."""


@dataclass(slots=True, kw_only=True)
class SlottedCaller(Caller):
    """A worker that makes calls beside each other, each of which has a permit until it is over."""

    worker: Worker

    def call(self, contact_id: int, key: str, text: str, deadline: float) -> DeliveryResult:
        """Call, and say what is known of it."""
        try:
            with self._permit(deadline) as permit:
                if self._stood_still(deadline):
                    return DeliveryResult(contact_id=contact_id, outcome=Outcome.LATER, detail="not begun in time")
                self._witness([contact_id])
                outcome = self._takes_its_time(permit, partial(self._called, contact_id, key, text))
        except NoPermitError as refused:
            wait_s = refused.wait_s
            return DeliveryResult(
                contact_id=contact_id, outcome=Outcome.LATER, detail="no permit", retry_after_s=wait_s, called=False
            )
        asked_s = self.receiver.asks_s if outcome is Outcome.LATER else 0.0
        answer = self.receiver.answer(key) if outcome is Outcome.OK else ""
        detail = "" if outcome is Outcome.OK else "simulated"
        return DeliveryResult(
            contact_id=contact_id, outcome=outcome, detail=detail, answer=answer, retry_after_s=asked_s
        )

    def call_together(self, codes: Mapping[int, str], deadline: float) -> BulkAnswer:
        """Call for several contacts at once."""
        answers: list[BulkAnswer] = []

        def called() -> Outcome:
            answers.append(self.receiver.call_together(self.occurrence, codes))
            return answers[0].outcome

        try:
            with self._permit(deadline) as permit:
                if self._stood_still(deadline):
                    return BulkAnswer(outcome=Outcome.LATER, detail="not begun in time", called=False)
                self._witness(codes)
                self._takes_its_time(permit, called)
        except NoPermitError:
            return BulkAnswer(outcome=Outcome.LATER, detail="no permit", called=False)
        return answers[0]

    def each(self, calls: Sequence[Callable[[], DeliveryResult]]) -> list[DeliveryResult]:
        """Make several beside each other."""
        told = self.worker.beside("call", calls)
        for error in told:
            if isinstance(error, Exception):
                raise error
        return cast("list[DeliveryResult]", told)

    def close(self) -> None:
        """Give back the slots."""
        assert self.limiter is not None
        finish(self.limiter.close())

    @contextmanager
    def _permit(self, deadline: float) -> Iterator[_Entered]:
        """Keep a permit until the block ends, unless the process is killed."""
        assert self.limiter is not None
        permit = self.limiter.permit(deadline=deadline)
        finish(permit.__aenter__())
        now = self.receiver.clock.now
        self.receiver.permits.append(now)
        try:
            yield _Entered(permit, now)
        except Exception:  # a kill is none: who is killed gives nothing back
            finish(permit.__aexit__(None, None, None))
            raise
        finish(permit.__aexit__(None, None, None))

    def _stood_still(self, deadline: float) -> bool:
        self.step("before call")
        return self.receiver.clock.now >= deadline

    def _takes_its_time(self, entered: _Entered, call: Callable[[], Outcome]) -> Outcome:
        """Have the receiver take a call; one that it does not answer is given up after its time."""
        began_at = self.receiver.clock.now
        outcome = call()
        takes_s = CALL_S if outcome is Outcome.UNKNOWN else self.receiver.rng.uniform(0, CALL_S)
        ended_at = began_at + takes_s
        self.receiver.under_way.append(TimedCall(entered.at, began_at, ended_at))
        self.worker.wait(lambda: False, ended_at)
        self.step("answer")
        if outcome is Outcome.LATER:
            entered.permit.back_off(self.receiver.asks_s)
        return outcome


@dataclass(frozen=True, slots=True)
class _Entered:
    permit: Permit
    at: float


def broken_slots(receiver: Receiver) -> Iterator[str]:
    """Find more calls under way than agreed.

    Nobody can hold back a process that stands still after its permit, so calls that began late for that do not count.
    Those of killed workers do, for as long as the receiver has them; and so do those that were given up, to their end.
    """
    calls = [call for call in receiver.under_way if call.began_at - call.permitted_at <= BEGUN_S]
    for call in calls:
        others = sum(other.began_at <= call.began_at < other.ended_at for other in calls)
        if others > receiver.concurrency:
            yield f"O29 {receiver.name} had {others} calls under way in place of {receiver.concurrency}"


def broken_back_offs(receiver: Receiver) -> Iterator[str]:
    """Find calls that were let begin though the receiver had asked for none, and every worker had had time to hear."""
    for told_at, until in receiver.patience:
        early = [permit for permit in receiver.permits if told_at + HEARD_S < permit < until - ROUNDED_S]
        if early:
            yield f"O29 {receiver.name} were called {until - early[0]:.1f} s before the end of what they asked for"
