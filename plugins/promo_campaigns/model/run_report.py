"""The report of a run: counts only, safe for XCom and logs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timezone
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.assignment_state import DELIVERED, WITH_REASON, AssignmentState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from promo_campaigns.model.oversight.first_share import FirstShare

MOST_REASONS = 20
"""A report names so many reasons of each kind, the commonest, and counts the others together."""
OTHER_REASONS = "other reasons"
EMPTY_AUDIENCE = "the audience is empty: nobody is sent anything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of a run's audience, each contact once; reused and recorded are part of given.

    :ivar given: contacts whose message was accepted
    :ivar reused: of the given, those whose code they held already from another run
    :ivar recorded: of the given, those whose profile holds the code
    :ivar skipped: contacts that were sent nothing, by reason
    :ivar rejected: contacts that the receiver refused, by reason
    :ivar expired: contacts for which it was too late, by reason
    :ivar unknown: contacts whose send has no known outcome; they keep their code
    :ivar waiting: contacts without an outcome yet; 0 in a closed run
    """

    given: int
    reused: int
    recorded: int
    skipped: dict[str, int]
    rejected: dict[str, int]
    expired: dict[str, int]
    unknown: int
    waiting: int

    @property
    def audience(self) -> int:
        """Number of contacts in the audience."""
        reasons = (self.skipped, self.rejected, self.expired)
        return self.given + self.unknown + self.waiting + sum(sum(counts.values()) for counts in reasons)

    @classmethod
    def of_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Tally:
        """Count rows ``{state, reason, contacts, reused}``; a state that is none of the others' counts as waiting."""
        states: dict[str, int] = {}
        reused = 0
        reasons: dict[str, dict[str, int]] = {state.value: {} for state in WITH_REASON}
        for row in rows:
            state, contacts = row["state"], row["contacts"]
            states[state] = states.get(state, 0) + contacts
            reused += row["reused"] if state in DELIVERED else 0
            if state in reasons:
                named = reasons[state]
                named[row["reason"]] = named.get(row["reason"], 0) + contacts
        elsewhere = DELIVERED | {AssignmentState.UNKNOWN, *WITH_REASON}
        return cls(
            given=sum(states.get(state, 0) for state in DELIVERED),
            reused=reused,
            recorded=states.get("recorded", 0),
            skipped=_commonest(reasons["skipped"]),
            rejected=_commonest(reasons["rejected"]),
            expired=_commonest(reasons["expired"]),
            unknown=states.get("unknown", 0),
            waiting=sum(count for state, count in states.items() if state not in elsewhere),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingReceiver:
    """A receiver that an open run calls and that does not take calls just now.

    :ivar name: as errors call it, such as ``connection promo_profile_api``
    :ivar reason: what it answers, and what to look at
    :ivar refuses: it refuses every call, and no waiting helps
    :ivar waits_until: when it is called again; None if it refuses
    """

    name: str
    reason: str
    refuses: bool
    waits_until: datetime | None

    def __str__(self) -> str:
        """Return it as a sentence."""
        if self.refuses or self.waits_until is None:
            return f"{self.name} refuses every call: {self.reason}. Correct it, then clear the tasks that failed."
        at = self.waits_until.astimezone(timezone.utc)
        return f"{self.name} fails: {self.reason}. It is called again at {at:%H:%M:%S} UTC."


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolGiven:
    """How many contacts whose message was accepted hold a code of one pool of the run's chain."""

    type: str
    discount: int
    given: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The report of a run.

    :ivar data_sources: names of the data sources that its message binds
    :ivar pool_left: codes of the run's pool, or of all pools of its chain, that can still be claimed
    :ivar expiring_soon: of these, how many cannot be claimed a week from now
    :ivar seconds: from opening to closing, or until now
    :ivar forecast: codes needed and in stock when the run was opened; None if that was not kept
    :ivar strangers: ids that its audience lists and that were nobody's when it was opened
    :ivar note: what is to be known of its transport; mostly empty
    :ivar receivers: those of an open run that take no calls just now
    :ivar first_share: how far it is with its first share; None for a run without one
    :ivar fallback: contacts that were given the fallback code, since the pool had none for them
    :ivar pools: what each pool of its chain gave, in turn; empty for a run of one pool
    """

    run_key: str
    workflow: str
    data_sources: tuple[str, ...]
    tally: Tally
    pool_left: int
    expiring_soon: int
    seconds: float
    forecast: dict[str, Any] | None = None
    strangers: int = 0
    note: str = ""
    receivers: tuple[FailingReceiver, ...] = ()
    first_share: FirstShare | None = None
    fallback: int = 0
    pools: tuple[PoolGiven, ...] = ()

    @property
    def rate(self) -> float:
        """Contacts that got an outcome a second, 0 if no time passed."""
        done = self.tally.audience - self.tally.waiting
        return round(done / self.seconds, 1) if self.seconds > 0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        tally = {name: getattr(self.tally, name) for name in Tally.__dataclass_fields__}
        return {
            "run_key": self.run_key,
            "workflow": self.workflow,
            "data_sources": list(self.data_sources),
            "audience": self.tally.audience,
            **tally,
            **({"fallback": self.fallback} if self.fallback else {}),
            **({"pools": [asdict(pool) for pool in self.pools]} if self.pools else {}),
            "pool_left": self.pool_left,
            "expiring_soon": self.expiring_soon,
            "seconds": self.seconds,
            "rate": self.rate,
            "forecast": self.forecast,
            "strangers": self.strangers,
            "note": self.note,
            "first_share": self.first_share.as_dict() if self.first_share else None,
            "receivers": [
                {
                    "name": one.name,
                    "reason": one.reason,
                    "refuses": one.refuses,
                    "waits_until": one.waits_until.isoformat() if one.waits_until else None,
                }
                for one in self.receivers
            ],
        }

    def as_markdown(self) -> str:
        """Return the report as a Markdown table."""
        lines = [f"**{plain(self.run_key)}**", "", "| | contacts |", "| --- | ---: |"]
        lines += [f"| {plain(name)} | {contacts:,} |" for name, contacts in self.rows()]
        failing = [f"**{plain(str(one))}**" for one in self.receivers]
        lines += ["", *failing] if failing else []
        return "\n".join([*lines, "", self._rest(), *(f"\n{plain(word)}." for word in self._words())])

    def as_table(self) -> str:
        """Return the report as a table of plain text, for a log."""
        rows = [(name, f"{contacts:,}") for name, contacts in self.rows()]
        first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = [f"{' '.join(name.split()).ljust(first)}  {contacts.rjust(second)}" for name, contacts in rows]
        words = [f"{word}." for word in self._words()]
        return "\n".join([self.run_key, *lines, *map(str, self.receivers), self._rest(), *words])

    def rows(self) -> list[tuple[str, int]]:
        """Return what is counted, in words, and how many contacts that is."""
        tally = self.tally
        rows = [("audience", tally.audience)]
        rows += [("ids that are nobody's", self.strangers)] if self.strangers else []
        rows += [("given a code", tally.given)]
        rows += [("of these, one they held already", tally.reused)] if tally.reused else []
        rows += [(f"of these, from {pool.type}, {pool.discount} %", pool.given) for pool in self.pools]
        rows += [("of these, the fallback code", self.fallback)] if self.fallback else []
        rows += [("of these, on their profile", tally.recorded)]
        for name in (state.value for state in WITH_REASON):
            counts: dict[str, int] = getattr(tally, name)
            rows += [(f"{name}: {reason}", count) for reason, count in counts.items()]
        return [*rows, ("unknown", tally.unknown), ("waiting", tally.waiting)]

    def _words(self) -> list[str]:
        first = str(self.first_share) if self.first_share else ""
        return [word for word in (EMPTY_AUDIENCE if not self.tally.audience else "", first, self.note) if word]

    def _rest(self) -> str:
        left = f"{self.pool_left:,} codes are left, {self.expiring_soon:,} of them for less than a week."
        return f"{left} {self.seconds:,.1f} s, {self.rate:,.1f} contacts/s."


def _commonest(counts: dict[str, int]) -> dict[str, int]:
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    named = dict(ranked[:MOST_REASONS])
    if rest := sum(count for _, count in ranked[MOST_REASONS:]):
        named[OTHER_REASONS] = named.get(OTHER_REASONS, 0) + rest
    return named


def plain(text: str) -> str:
    """Return a text on one line, escaped for Markdown."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in text)
    return " ".join(escaped.split())
