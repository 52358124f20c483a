"""Simulated receivers, the ground truth of a schedule: every copy and every write they ever took is kept."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from promo_campaigns.delivery.bulk import BulkAnswer
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run import LEASE_S

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from faults.stepped_limiter import SteppedLimiter
    from faults.virtual_clock import VirtualClock
    from faults.wire import Wire
    from promo_campaigns.delivery.bulk import BulkRequest
    from promo_campaigns.model.outcome import OutgoingMessage, OutgoingRequest

_CODE = re.compile(r"CODE-\d{6}")
_SAID = re.compile(r"ANSWER-\d{6}")
HEALTHY = {"ok": 1.0}
BACK_OFF_S = 5.0
"""What a receiver asks for that has agreed to so many calls a second, and takes one later."""
TOGETHER = "together"
"""In place of a key, where a call is for the contacts that happen to be due: such writes are upserts."""


class Fate(Enum):
    """What became of calls, as only the receiver knows."""

    ARRIVED = "arrived"
    ON_ITS_WAY = "on its way"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Copy:
    """One message, question or profile write that arrived.

    :ivar occurrence: what the caller's DAG run stands for, whatever run key it used
    :ivar called_at: when the call began
    :ivar said: what a message says of a data source's answer, or what the data source answered
    """

    occurrence: str
    contact_id: int
    code: str
    called_at: float
    arrived_at: float
    said: str = ""


@dataclass(frozen=True, slots=True)
class TimedCall:
    """A call that took a while.

    :ivar permitted_at: when its worker was let begin it
    :ivar began_at: when the receiver saw it
    :ivar ended_at: when it was answered, or given up
    """

    permitted_at: float
    began_at: float
    ended_at: float


@dataclass(slots=True)
class Receiver:
    """Takes calls, and says less than it knows.

    :ivar name: as the breaker and the rate limiter know it
    :ivar window_s: how long it recognises a key, 0 for a receiver that ignores keys
    :ivar stale_calls: contacts called for under a lease that was over, or under none
    :ivar keys: under which keys it was called for a contact of an occurrence
    :ivar last_call: when it was called last for one
    :ivar reused_keys: contacts called for under the key of an earlier call that took another code
    :ivar crowds: how many contacts a worker had under way at a call, where that was more than it may
    :ivar answers: it is a data source, whose every answer is another
    :ivar per_s: how many calls a second it agreed to, 0 for any number
    :ivar concurrency: how many calls at a time it agreed to, 0 for any number; if not, each of them takes a while
    :ivar asks_s: for how long it asks for no calls then, where it takes one later
    :ivar permits: when calls were let begin
    :ivar under_way: calls that took a while
    :ivar patience: when the store was told that nobody is to call it, and until when it had asked for that
    :ivar weights: how often it behaves in which way: ok, refused, later, lost, unanswered, delayed
    """

    name: str
    clock: VirtualClock
    rng: random.Random
    window_s: float
    weights: dict[str, float]
    answers: bool = False
    per_s: float = 0.0
    concurrency: int = 0
    asks_s: float = 0.0
    under_way: list[TimedCall] = field(default_factory=list)
    patience: list[tuple[float, float]] = field(default_factory=list)
    permits: list[float] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    stale_calls: list[int] = field(default_factory=list)
    keys: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    last_call: dict[tuple[str, int], float] = field(default_factory=dict)
    reused_keys: list[int] = field(default_factory=list)
    crowds: list[int] = field(default_factory=list)
    calls: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    _known: dict[str, Copy] = field(default_factory=dict)
    _delayed: list[tuple[float, str, Copy]] = field(default_factory=list)

    def call(self, key: str, occurrence: str, contact_id: int, text: str) -> Outcome:
        """Take one call."""
        self.calls += 1
        self.arrive()
        code, said = _found(_CODE, text), f"ANSWER-{self.calls:06d}" if self.answers else _found(_SAID, text)
        self.keys[occurrence, contact_id].add(key)
        self.last_call[occurrence, contact_id] = self.clock.now
        if key in self._known and self._known[key].code != code:
            self.reused_keys.append(contact_id)
        how = self._habit()
        copy = Copy(occurrence, contact_id, code, self.clock.now, self.clock.now, said)
        if self._recognises(key) and how not in {"refused", "later"}:  # these come from a gateway before it
            return Outcome.OK if how == "ok" else Outcome.UNKNOWN
        if how in {"ok", "unanswered"}:
            self._take(key, copy)
        if how == "delayed":
            self._delayed.append((self.clock.now + self.rng.uniform(1, 90), key, copy))
        return _said_of(how)

    def call_together(self, occurrence: str, codes: Mapping[int, str]) -> BulkAnswer:
        """Take one call for several contacts; one of them is at fault for it if it is refused."""
        self.calls += 1
        self.arrive()
        how = self._habit()
        copies = {
            who: Copy(occurrence, who, code, self.clock.now, self.clock.now) for who, code in sorted(codes.items())
        }
        for who in copies:
            self.keys[occurrence, who].add(TOGETHER)
            self.last_call[occurrence, who] = self.clock.now
        if how == "refused":
            return self._refuse(copies)
        for copy in copies.values() if how in {"ok", "unanswered"} else ():
            self.copies.append(copy)
        if how == "delayed":
            arrives_at = self.clock.now + self.rng.uniform(1, 90)
            self._delayed += [(arrives_at, TOGETHER, copy) for copy in copies.values()]
        return BulkAnswer(outcome=_said_of(how), detail="" if how == "ok" else "simulated")

    def arrive(self) -> None:
        """Let what was delayed arrive, if it is time."""
        due = sorted((one for one in self._delayed if one[0] <= self.clock.now), key=lambda one: one[0])
        self._delayed = [one for one in self._delayed if one[0] > self.clock.now]
        for at, key, copy in due:
            if not self._recognises(key, at):
                self._take(key, replace(copy, arrived_at=at))

    def arrive_at_last(self) -> None:
        """Let everything arrive that is still on its way."""
        last = max((at for at, _, _ in self._delayed), default=0.0)
        self.clock.advance(max(last - self.clock.now, 0.0) + 1)
        self.arrive()

    def knows(self, keys: Sequence[str]) -> set[str]:
        """Return the keys under which something arrived."""
        self.arrive()
        return {key for key in keys if key in self._known}

    def answer(self, key: str) -> str:
        """Return what it answers to those who ask under a key that it took, as JSON."""
        return json.dumps({"points": self._known[key].said})

    def fate(self, occurrence: str, contact_id: int) -> Fate:
        """Say what became of the calls for a contact of an occurrence."""
        self.arrive()
        if _names(self.copies, occurrence, contact_id):
            return Fate.ARRIVED
        return Fate.ON_ITS_WAY if _names([copy for _, _, copy in self._delayed], occurrence, contact_id) else Fate.LOST

    def _habit(self) -> str:
        how = self.rng.choices(list(self.weights), list(self.weights.values()))[0]
        if how != "ok":
            self.faults[f"receiver {how}"] = self.faults.get(f"receiver {how}", 0) + 1
        return how

    def _refuse(self, copies: dict[int, Copy]) -> BulkAnswer:
        """Take nobody, or all but one, who is named or not."""
        at_fault = self.rng.choice(list(copies))
        how = self.rng.choice(("whole", "named", "unnamed"))
        if how == "whole":
            return BulkAnswer(outcome=Outcome.REFUSED, detail="simulated", divisible=True)
        self.copies += [copy for who, copy in copies.items() if who != at_fault]
        if how == "named":
            return BulkAnswer(outcome=Outcome.OK, failed={at_fault: "simulated"})
        return BulkAnswer(outcome=Outcome.OK, detail="simulated", divisible=True)

    def _recognises(self, key: str, at: float | None = None) -> bool:
        return (
            bool(self.window_s)
            and key in self._known
            and (at or self.clock.now) < self._known[key].arrived_at + self.window_s
        )

    def _take(self, key: str, copy: Copy) -> None:
        self._known[key] = copy
        self.copies.append(copy)


def _said_of(how: str) -> Outcome:
    return {"ok": Outcome.OK, "refused": Outcome.REFUSED, "later": Outcome.LATER}.get(how, Outcome.UNKNOWN)


def _found(what: re.Pattern[str], text: str) -> str:
    found = what.search(text)
    return found[0] if found else ""


def _names(copies: Sequence[Copy], occurrence: str, contact_id: int) -> bool:
    return any((copy.occurrence, copy.contact_id) == (occurrence, contact_id) for copy in copies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """All there are in a scenario.

    :ivar answers: the data source whose answer the message reads
    """

    messages: Receiver
    profiles: Receiver
    answers: Receiver

    @property
    def all(self) -> tuple[Receiver, ...]:
        """Return each of them."""
        return self.messages, self.profiles, self.answers


@dataclass(slots=True, kw_only=True)
class Caller:
    """One DAG run's worker on its way to a receiver; begins no call after the deadline, as every transport must.

    :ivar leased: contacts with an intent and no evidence yet, and when their lease is over
    :ivar in_flight: how many that may be
    :ivar wire: what its calls travel over, None where they reach the receiver by themselves
    :ivar method: by which they travel
    :ivar limiter: the rate limiter of the receiver, None where it agreed to any number of calls
    """

    receiver: Receiver
    occurrence: str
    step: Callable[[str], None]
    leased: Mapping[int, float]
    in_flight: int
    wire: Wire | None = None
    method: str = "POST"
    limiter: SteppedLimiter | None = None

    def call(self, contact_id: int, key: str, text: str, deadline: float) -> DeliveryResult:
        """Call, and say what is known of it."""
        if not self._permitted(deadline):
            return self._put_off(contact_id)
        self.step("before call")
        if self.receiver.clock.now >= deadline:
            return DeliveryResult(contact_id=contact_id, outcome=Outcome.LATER, detail="not begun in time")
        self._witness([contact_id])
        outcome = self._called(contact_id, key, text)
        self._back_off(outcome)
        answer = self.receiver.answer(key) if outcome is Outcome.OK else ""
        self.step("answer")
        detail = "" if outcome is Outcome.OK else "simulated"
        return DeliveryResult(contact_id=contact_id, outcome=outcome, detail=detail, answer=answer)

    def each(self, calls: Sequence[Callable[[], DeliveryResult]]) -> list[DeliveryResult]:
        """Make several, one after the other."""
        return [call() for call in calls]

    def close(self) -> None:
        """Give back what calls need; there are no more."""

    def _called(self, contact_id: int, key: str, text: str) -> Outcome:
        if self.wire is None:
            return self.receiver.call(key, self.occurrence, contact_id, text)

        def take(key: str, text: str) -> Outcome:
            return self.receiver.call(key, self.occurrence, contact_id, text)

        return self.wire.call(self.method, key, text, take)

    def call_together(self, codes: Mapping[int, str], deadline: float) -> BulkAnswer:
        """Call for several contacts at once."""
        if not self._permitted(deadline):
            return BulkAnswer(outcome=Outcome.LATER, detail="no permit", called=False)
        self.step("before call")
        if self.receiver.clock.now >= deadline:
            return BulkAnswer(outcome=Outcome.LATER, detail="not begun in time", called=False)
        self._witness(codes)
        answer = self.receiver.call_together(self.occurrence, codes)
        self._back_off(answer.outcome)
        self.step("answer")
        return answer

    def _permitted(self, deadline: float) -> bool:
        """Wait for the rate limiter, and note when it let the call begin."""
        if self.limiter is None:
            return True
        begins = self.limiter.begins(deadline)
        if begins:
            self.receiver.permits.append(self.receiver.clock.now)
        return begins

    def _put_off(self, contact_id: int) -> DeliveryResult:
        assert self.limiter is not None
        wait_s = self.limiter.wait_s
        return DeliveryResult(
            contact_id=contact_id, outcome=Outcome.LATER, detail="no permit", retry_after_s=wait_s, called=False
        )

    def _back_off(self, outcome: Outcome) -> None:
        """Do as a receiver asks that is called too often."""
        if self.limiter is not None and outcome is Outcome.LATER:
            self.limiter.back_off(BACK_OFF_S)

    def _witness(self, contact_ids: Iterable[int]) -> None:
        """Note who is called for without a right to."""
        now = self.receiver.clock.now
        self.receiver.stale_calls += [who for who in contact_ids if now >= self.leased.get(who, 0.0)]
        if len(self.leased) > self.in_flight:
            self.receiver.crowds.append(len(self.leased))


@dataclass(slots=True, kw_only=True)
class SimulatedTransport:
    """A transport to a simulated receiver."""

    caller: Caller
    in_flight: int
    resend_within_s: float
    name: str = "simulated"

    async def look_up(self, keys: Sequence[str]) -> set[str]:
        """Return the keys the receiver knows."""
        self.caller.step("before look_up")
        known = self.caller.receiver.knows(keys)
        self.caller.step("after look_up")
        return known

    async def send(self, messages: Sequence[OutgoingMessage], *, deadline: float) -> Sequence[DeliveryResult]:
        """Send one after the other."""
        call = self.caller.call
        return self.caller.each([partial(call, m.contact_id, m.idempotency_key, m.body, deadline) for m in messages])


@dataclass(slots=True, kw_only=True)
class SimulatedSender:
    """The way to a data source: a write is an upsert, and every one is kept."""

    caller: Caller
    in_flight: int
    name: str = "profiles"

    async def send(self, requests: Sequence[OutgoingRequest], *, deadline: float) -> Sequence[DeliveryResult]:
        """Send one after the other."""
        call = self.caller.call
        return self.caller.each(
            [partial(call, r.contact_id, r.idempotency_key, r.path + r.body, deadline) for r in requests]
        )


@dataclass(slots=True, kw_only=True)
class SimulatedBulkSender:
    """The way to a data source that takes several contacts in a request."""

    caller: Caller
    lease_s: float = LEASE_S

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Nothing is to be kept open."""
        return nullcontext()

    async def call(self, request: BulkRequest, *, deadline: float) -> BulkAnswer:
        """Make one request."""
        codes = {int(one["contact"]): str(one["code"]) for one in json.loads(request.body)}
        return self.caller.call_together(codes, deadline)
