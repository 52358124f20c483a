"""The states of an assignment, their legal changes, and the statement that makes each change.

``docs/states.md`` is made of it by ``tests/states_page.py``; a test holds both against the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class AssignmentState(str, Enum):
    """Where the assignment of a contact in a run stands, in the order of the store's type."""

    PENDING = "pending"
    SKIPPED = "skipped"
    ASSIGNED = "assigned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    RECORDED = "recorded"
    EXPIRED = "expired"

    @property
    def meaning(self) -> str:
        """What it says of the contact."""
        return _MEANING[self]


_S = AssignmentState
_MEANING = {
    _S.PENDING: "In the audience; no code was given yet.",
    _S.SKIPPED: "Left out, with the reason; no code was given.",
    _S.ASSIGNED: "Has a code, and is due a message.",
    _S.SENDING: "A call may be under way: the intent is committed before a byte is sent, and leased to one worker.",
    _S.ACCEPTED: "The receiver took the message.",
    _S.REJECTED: "The receiver refused every attempt, with the reason; the code went back.",
    _S.UNKNOWN: "Nobody knows whether an attempt arrived; the code stays the contact's.",
    _S.RECORDED: "Every data source confirmed that the code is on the profile.",
    _S.EXPIRED: "Too late, with the reason: the send-by passed, or the code ran out.",
}

IN_FLIGHT = (_S.PENDING, _S.ASSIGNED, _S.SENDING)
"""Without an outcome: a run with any of them is not closed."""
DELIVERED = frozenset({_S.ACCEPTED, _S.RECORDED})
"""The message was accepted, so the contact has the code."""
MAYBE_DELIVERED = DELIVERED | {_S.UNKNOWN, _S.SENDING}
"""A message may have arrived: the code can never be given to anybody else from here."""
WITH_REASON = (_S.SKIPPED, _S.REJECTED, _S.EXPIRED)
"""Not reached, and the assignment says why: what a closed run that is run again takes up."""
WITH_CODE = MAYBE_DELIVERED | {_S.ASSIGNED}
"""The assignment holds a code."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A legal change of state.

    :ivar made_by: the named statements of ``ledger/`` that make it
    :ivar when: what has happened
    :ivar on_evidence: only allowed if an attempt of the message was answered ok
    :ivar on_refusals: only allowed if every attempt of the message was refused
    """

    source: AssignmentState
    target: AssignmentState
    made_by: tuple[str, ...]
    when: str
    on_evidence: bool = False
    on_refusals: bool = False


_SKIPS = (
    *("skip_unreachable", "skip_capped", "skip_without_code", "skip_refused", "give_up_quiet", "skip_cancelled"),
    *("skip_short", "skip_restored", "skip_told"),
)
_FOLDS = ("fold_assignments", "fold_lapsed")
_AGAIN = ("reopen_missing", "reopen_told")
_RESTORED = ("freeze_sends", "intend_told")

EDGES = (
    Edge(
        _S.PENDING,
        _S.SKIPPED,
        _SKIPS,
        "no channel, channel closed, held out, capped, no code, not approved, quiet, cancelled or sent before",
    ),
    Edge(
        _S.PENDING,
        _S.ASSIGNED,
        ("claim_codes", "claim_matching", "reuse_codes", "reuse_matching", "give_fallback", "give_told"),
        "a code was claimed, given again, or shared; or a restored store was told of it",
    ),
    Edge(_S.PENDING, _S.EXPIRED, ("expire_overdue",), "the send-by passed"),
    Edge(_S.ASSIGNED, _S.SENDING, ("begin_messages", "begin_answers"), "the intent to call was committed"),
    Edge(_S.ASSIGNED, _S.EXPIRED, ("expire_overdue", "give_up_quiet"), "the send-by passed, or the code ran out"),
    Edge(_S.ASSIGNED, _S.SKIPPED, ("skip_cancelled",), "the run was cancelled, and no message can have arrived"),
    Edge(
        _S.ASSIGNED,
        _S.PENDING,
        ("return_short", "return_told"),
        "the code fell short before anybody saw it, or went back before a restore",
    ),
    Edge(
        _S.ASSIGNED,
        _S.UNKNOWN,
        ("expire_overdue", "give_up_quiet", "skip_cancelled", *_RESTORED),
        "an unknown send was to be repeated, too late or in a run that was cancelled; or a restored store forgot it",
    ),
    Edge(_S.ASSIGNED, _S.ACCEPTED, ("fold_assignments",), "a late ok came before the repetition", on_evidence=True),
    Edge(_S.SENDING, _S.ACCEPTED, _FOLDS, "an attempt was answered ok"),
    Edge(_S.SENDING, _S.REJECTED, ("fold_assignments", "fold_answers"), "every attempt was refused"),
    Edge(_S.SENDING, _S.UNKNOWN, (*_FOLDS, "freeze_sends"), "an attempt has no known outcome"),
    Edge(
        _S.SENDING,
        _S.ASSIGNED,
        (*_FOLDS, "fold_answers"),
        "refused for now, or a data source has answered",
        on_refusals=True,
    ),
    Edge(_S.UNKNOWN, _S.SENDING, ("begin_messages",), "sent again under the same key, which the receiver knows"),
    Edge(_S.UNKNOWN, _S.ACCEPTED, ("fold_assignments",), "a late ok, or a person or the receiver says so"),
    Edge(_S.UNKNOWN, _S.REJECTED, ("fold_assignments",), "refused late, or a person says so"),
    Edge(_S.UNKNOWN, _S.ASSIGNED, ("resend_unknown", "fold_assignments"), "a person took the risk, or refused for now"),
    Edge(_S.ACCEPTED, _S.RECORDED, ("fold_profiles",), "every data source confirmed"),
    Edge(_S.SKIPPED, _S.PENDING, _AGAIN, "the closed run is run again, or a restored store was told of a send"),
    Edge(_S.REJECTED, _S.PENDING, _AGAIN, "likewise, under new keys if it is run again"),
    Edge(_S.EXPIRED, _S.PENDING, _AGAIN, "likewise"),
)
"""Every change that the trigger ``assignment_transition`` allows, and no other."""
