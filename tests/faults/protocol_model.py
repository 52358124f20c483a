"""The ledger's protocol for one contact as a small state machine, all of whose interleavings can be walked.

Two workers, a network that delays and loses, a receiver, a clock that ends leases, and a person. A worker may die
between any two steps, and what it knew dies with it. What a transaction of the ledger does is one step here; that
transactions are whole is Postgres' promise. The rules are those of ``ledger/attempts.sql``; each is a function of its
own, so that a test can plant a mistake in one and see it found.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Answer = Literal["ok", "refused", "later"]
Place = Literal["idle", "leased", "calling", "answered"]


@dataclass(frozen=True, slots=True)
class Worker:
    """Where a worker is, under which lease, and what it was told; None for nothing."""

    place: Place = "idle"
    token: int = 0
    told: Answer | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Everything there is.

    :ivar lease: the token of the lease on the assignment, 0 for none
    :ivar lapsed: the lease is over by the store's clock
    :ivar attempts: the outcome of each attempt, by its token less one
    :ivar network: tokens of requests that have left and not arrived
    :ivar copies: messages that the contact was sent
    :ivar risks: how often a person had an unknown send made again
    :ivar deaths: how many workers may still die
    """

    state: str = "assigned"
    lease: int = 0
    lapsed: bool = False
    attempts: tuple[Answer | None, ...] = ()
    workers: tuple[Worker, ...] = (Worker(), Worker())
    network: frozenset[int] = frozenset()
    copies: int = 0
    risks: int = 0
    deaths: int = 2

    def with_worker(self, number: int, worker: Worker) -> State:
        """Return the same with another worker."""
        workers = tuple(worker if n == number else one for n, one in enumerate(self.workers))
        return replace(self, workers=workers)


def due(now: State, *, keyed: bool) -> bool:
    """Whether an intent may be made: no call can be under way, or the receiver knows the key of one that may be."""
    return not now.lease and (now.state == "assigned" or (now.state == "unknown" and keyed))


def may_call(now: State, worker: Worker) -> bool:
    """Whether a call may begin: a worker leaves what it has not begun by half of its lease."""
    return not (now.lapsed and now.lease == worker.token) and now.lease == worker.token


def fold(attempts: Iterable[Answer | None], last: Answer) -> str:
    """Return the state that all attempts of a message come to."""
    known = list(attempts)
    if "ok" in known:
        return "accepted"
    if None in known:
        return "unknown"
    return "assigned" if last == "later" else "rejected"


def may_fold(now: State, token: int, folded: str) -> bool:
    """Whether evidence moves the assignment: its lease is the worker's, or nobody else's evidence counts more."""
    return (
        (now.state == "sending" and now.lease == token)
        or now.state == "unknown"
        or (now.state == "assigned" and folded == "accepted")
    )


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol.

    :ivar keyed: the receiver knows an idempotency key again
    :ivar begins: how many intents there may be, so that the walk ends
    """

    keyed: bool
    begins: int = 3
    due: Callable[..., bool] = due
    may_call: Callable[[State, Worker], bool] = may_call
    fold: Callable[[Iterable[Answer | None], Answer], str] = fold
    may_fold: Callable[[State, int, str], bool] = may_fold


@dataclass(slots=True)
class Walk:
    """What a walk over all states came to.

    :ivar states: how many there are
    :ivar edges: which changes of the assignment's state were made
    :ivar broken: a promise that does not hold, and the steps that lead there; empty if all hold
    """

    states: int = 0
    edges: set[tuple[str, str]] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)


def walk(rules: Rules) -> Walk:
    """Walk all interleavings, shortest first, until a promise is broken or no state is new."""
    begin = State()
    came: dict[State, tuple[str, State] | None] = {begin: None}
    queue, done = [begin], Walk()
    for now in queue:
        problem = broken(now, rules)
        if problem:
            done.broken = [*_path(came, now), problem]
            break
        for step, after in steps(now, rules):
            if after.state != now.state:
                done.edges.add((now.state, after.state))
            if after not in came:
                came[after] = step, now
                queue.append(after)
    done.states = len(came)
    return done


def broken(now: State, rules: Rules) -> str:
    """Return the promise that a state breaks, or nothing."""
    if now.copies > 1 + (0 if rules.keyed else now.risks):
        return f"the contact was sent {now.copies} messages"
    if now.state == "accepted" and not now.copies:
        return "the contact counts as reached and was sent nothing"
    if now.state == "rejected" and (now.copies or now.network):
        return "the code goes back, and its owner may have it"
    if now.state == "assigned" and not now.risks and (now.copies or now.network):
        return "the message is to be sent again, and may have arrived"
    return ""


def steps(now: State, rules: Rules) -> Iterator[tuple[str, State]]:
    """Yield whatever can happen next, in words, and what there is after it."""
    for number, worker in enumerate(now.workers):
        for step, after in _of_worker(now, number, worker, rules):
            yield f"worker {number + 1} {step}", after
    for token in sorted(now.network):
        yield from _arrivals(now, token, rules)
    if now.lease and not now.lapsed:
        yield "the lease ends", replace(now, lapsed=True)
    if now.state == "sending" and now.lapsed:
        folded = rules.fold(now.attempts, "later")
        yield "a lease that ended is folded", replace(now, state=folded, lease=0, lapsed=False)
    if now.state == "unknown" and not now.risks and not now.lease:
        yield "a person has it sent again", replace(now, state="assigned", risks=1)


def _of_worker(now: State, number: int, worker: Worker, rules: Rules) -> Iterator[tuple[str, State]]:
    if worker.place == "idle":
        if len(now.attempts) < rules.begins and rules.due(now, keyed=rules.keyed):
            yield "commits its intent", _begun(now, number)
        return
    if now.deaths:
        yield "dies", replace(now.with_worker(number, Worker()), deaths=now.deaths - 1)
    if worker.place == "leased":
        if rules.may_call(now, worker):
            after = replace(now, network=now.network | {worker.token})
            yield "calls", after.with_worker(number, replace(worker, place="calling"))
        else:
            yield "is too late to call", now.with_worker(number, replace(worker, place="answered", told="later"))
    elif worker.place == "calling":
        yield "waits no longer", now.with_worker(number, replace(worker, place="answered", told=None))
    else:
        yield "records", _recorded(now, number, worker, rules)


def _begun(now: State, number: int) -> State:
    token = len(now.attempts) + 1
    after = replace(now, state="sending", lease=token, lapsed=False, attempts=(*now.attempts, None))
    return after.with_worker(number, Worker("leased", token))


def _arrivals(now: State, token: int, rules: Rules) -> Iterator[tuple[str, State]]:
    left = replace(now, network=now.network - {token})
    known = rules.keyed and now.copies > 0
    outcomes: list[tuple[Answer, int]] = [("ok", 0)] if known else [("ok", 1), ("refused", 0), ("later", 0)]
    for answer, copies in outcomes:
        after = replace(left, copies=left.copies + copies)
        yield f"call {token} arrives: {answer}; the answer is lost", after
        for number, worker in enumerate(after.workers):
            if worker.place == "calling" and worker.token == token:
                told = replace(worker, place="answered", told=answer)
                yield f"call {token} arrives: {answer}", after.with_worker(number, told)
    yield f"call {token} is lost", left


def _recorded(now: State, number: int, worker: Worker, rules: Rules) -> State:
    attempts = list(now.attempts)
    if attempts[worker.token - 1] is None:
        attempts[worker.token - 1] = worker.told
    after = replace(now.with_worker(number, Worker()), attempts=tuple(attempts))
    folded = rules.fold(attempts, worker.told or "later")
    if not rules.may_fold(now, worker.token, folded):
        return after
    return replace(after, state=folded, lease=0, lapsed=False)


def _path(came: dict[State, tuple[str, State] | None], now: State) -> list[str]:
    path: list[str] = []
    while (before := came[now]) is not None:
        step, now = before
        path.append(step)
    return path[::-1]
