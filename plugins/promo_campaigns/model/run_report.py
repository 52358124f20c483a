"""The report of a run: counts only, safe for XCom and logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.assignment_state import DELIVERED, WITH_REASON, AssignmentState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
class RunReport:
    """The report of a run.

    :ivar data_sources: names of the data sources that its message binds
    :ivar pool_left: codes of the run's type and discount that can still be claimed
    :ivar expiring_soon: of these, how many cannot be claimed a week from now
    :ivar seconds: from opening to closing, or until now
    :ivar forecast: codes needed and in stock when the run was opened; None if that was not kept
    :ivar strangers: ids that its audience lists and that were nobody's when it was opened
    :ivar note: what is to be known of its transport; mostly empty
    """

    run_key: str
    workflow: str
    data_sources: tuple[str, ...]
    tally: Tally
    pool_left: int
    expiring_soon: int
    seconds: float
    forecast: dict[str, int] | None = None
    strangers: int = 0
    note: str = ""

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
            "pool_left": self.pool_left,
            "expiring_soon": self.expiring_soon,
            "seconds": self.seconds,
            "rate": self.rate,
            "forecast": self.forecast,
            "strangers": self.strangers,
            "note": self.note,
        }

    def as_markdown(self) -> str:
        """Return the report as a Markdown table."""
        tally = self.tally
        lines = [f"**{plain(self.run_key)}**", "", "| | contacts |", "| --- | ---: |"]
        lines += [_line("audience", tally.audience)]
        lines += [_line("beside it, ids that are nobody's", self.strangers)] if self.strangers else []
        lines += [_line("given a code", tally.given)]
        lines += [_line("of these, one they held already", tally.reused)] if tally.reused else []
        lines += [_line("of these, on their profile", tally.recorded)]
        for name in (state.value for state in WITH_REASON):
            counts: dict[str, int] = getattr(tally, name)
            lines += [_line(f"{name}: {reason}", count) for reason, count in counts.items()]
        lines += [_line("unknown", tally.unknown), _line("waiting", tally.waiting)]
        left = f"{self.pool_left:,} codes are left, {self.expiring_soon:,} of them for less than a week."
        lines += ["", f"{left} {self.seconds:,.1f} s, {self.rate:,.1f} contacts/s."]
        words = [EMPTY_AUDIENCE] if not tally.audience else []
        return "\n".join([*lines, *(f"\n{plain(word)}." for word in (*words, self.note) if word)])


def _commonest(counts: dict[str, int]) -> dict[str, int]:
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    named = dict(ranked[:MOST_REASONS])
    if rest := sum(count for _, count in ranked[MOST_REASONS:]):
        named[OTHER_REASONS] = named.get(OTHER_REASONS, 0) + rest
    return named


def _line(name: str, contacts: int) -> str:
    return f"| {plain(name)} | {contacts:,} |"


def plain(text: str) -> str:
    """Return a text on one line, escaped for Markdown."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in text)
    return " ".join(escaped.split())
