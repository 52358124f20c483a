"""When the circuit to a receiver opens, so that an outage does not leave ten thousand sends with an unknown outcome.

What may pass is waited for. What no waiting fixes (a wrong key, a wrong host) ends the task, and is found out with one
call by each task after it until somebody has corrected it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from promo_campaigns.model.outcome import DeliveryResult

FAILURES_IN_A_ROW = 5
FAILING_SHARE = 0.2
COOL_S = 60.0
PROBE_S = 120.0
PROBE_SIZE = 1
FIRST_CONTACTS = 20
"""An answer that may mean one contact means the receiver if the first so many different contacts all get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether a worker may call.

    :ivar limit: how many contacts it may call for at once; 0 for none, None for as many as it likes
    :ivar wait_s: seconds until asking again makes sense
    :ivar probe_until: until when it is this worker that probes, or None
    :ivar at_fault: what the receiver refused every caller with when it was last called, so that each task finds out for
        itself whether it was corrected; empty where it did not
    """

    limit: int | None
    wait_s: float = 0.0
    probe_until: datetime | None = None
    at_fault: str = ""


FREE = Admission(limit=None)
"""The circuit is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCounts:
    """What a number of calls says about their receiver. Refusals of a contact say nothing bad about it.

    :ivar succeeded: answers that show it at work
    :ivar opens: reason enough by themselves to open the circuit
    :ivar for_good: the receiver refuses every caller, and no waiting helps
    """

    succeeded: int
    failed: int
    opens: bool
    for_good: bool
    reason: str


def count_calls(results: Sequence[DeliveryResult]) -> CallCounts:
    """Count what the calls of one chunk say about their receiver.

    Calls that are all refused for a reason of the receiver's own open the circuit at once, and for good. Five calls of
    unknown outcome in a row open it for a while, and so do more than a fifth of a chunk if these are at least five.
    """
    failed = [result for result in results if result.outcome is Outcome.UNKNOWN or result.locked_out]
    many = len(failed) >= FAILURES_IN_A_ROW and len(failed) > FAILING_SHARE * len(results)
    fault = receiver_fault(results)
    return CallCounts(
        succeeded=sum(is_sign_of_life(result) for result in results),
        failed=len(failed),
        opens=many or fault is not None,
        for_good=fault is not None,
        reason=fault.reason if fault else failed[0].detail if failed else "",
    )


def receiver_fault(results: Sequence[DeliveryResult]) -> DeliveryResult | None:
    """Return a result that shows the receiver at fault; None where a call came to anything else."""
    told = [result for result in results if result.called or result.locked_out]
    return told[0] if told and all(result.locked_out for result in told) else None


@dataclass(slots=True)
class FirstAnswers:
    """Whose fault a refusal is: the contact's, or the receiver's, by what the first contacts of a task were answered.

    An answer such as 404 may mean one contact, or a wrong path. While all contacts get the same one, they are put off
    and not refused, so that none loses its code by a wrong path. Where a task has fewer than twenty contacts, those of
    the run that other tasks called for count as well; each is refused for itself until twenty have the answer.

    :param contacts: how many contacts the task has
    :ivar before: how many others of the run got the same answer, while nobody was accepted; None until it was asked for
    """

    contacts: int
    before: int | None = None
    _unknown_to: set[int] = field(default_factory=set)
    _first: DeliveryResult | None = None
    _is_over: bool = False
    _suspects: bool = False

    @property
    def is_open(self) -> bool:
        """Whether contacts wait for it to be known whose fault their answer is."""
        return bool(self._unknown_to) and not self._is_over

    def asks_for(self, results: Sequence[DeliveryResult]) -> str:
        """Return the answer of which ``before`` is to be known, to weigh results; empty if it need not be."""
        if self.before is not None or self._is_over or self.contacts >= FIRST_CONTACTS:
            return ""
        answered = [result for result in results if is_sign_of_life(result)]
        alike = answered and all(_is_unknown(one) and one.detail == answered[0].detail for one in answered)
        return answered[0].detail if alike else ""

    def weigh(self, results: Sequence[DeliveryResult], admission: Admission) -> Sequence[DeliveryResult]:
        """Return results in which a refusal that may be the receiver's fault is put off, or is said to be its fault.

        :param admission: under which the calls were made; where the receiver was at fault by the same answer before,
            any number of contacts will do
        """
        answered = [result for result in results if is_sign_of_life(result)]
        first = self._first or (answered[0] if answered else None)
        self._suspects = self._suspects or (first is not None and admission.at_fault.startswith(f"{first.detail} "))
        if self._is_over or first is None:
            return results
        if not all(_is_unknown(result) and result.detail == first.detail for result in answered):
            self._is_over = True
            return results
        self._first = first
        enough = FIRST_CONTACTS - (self.before or 0)
        if self.contacts < enough and not self._suspects:
            return results
        self._unknown_to.update(result.contact_id for result in answered)
        if len(self._unknown_to) < min(enough, self.contacts):
            return [_put_off(result) if _is_unknown(result) else result for result in results]
        return [self._of_receiver(result) if _is_unknown(result) else result for result in results]

    def conclude(self) -> DeliveryResult | None:
        """Return what shows the receiver at fault now that all were called; else each contact's answer is its own."""
        if self.is_open and self._suspects and self._first is not None:
            return self._of_receiver(self._first)
        self._is_over = True
        return None

    def _of_receiver(self, result: DeliveryResult) -> DeliveryResult:
        count = len(self._unknown_to) + (self.before or 0)
        return replace(
            _put_off(result), detail=f"{result.detail} to each of the first {count} contacts", locked_out=True
        )


def is_sign_of_life(result: DeliveryResult) -> bool:
    """Whether a call shows its receiver at work."""
    return result.called and result.outcome in {Outcome.OK, Outcome.REFUSED}


def _is_unknown(result: DeliveryResult) -> bool:
    return result.called and result.outcome is Outcome.REFUSED and bool(result.look_at)


def _put_off(result: DeliveryResult) -> DeliveryResult:
    return replace(result, outcome=Outcome.LATER)
