"""When the circuit to a receiver opens, so that an outage does not leave ten thousand sends with an unknown outcome."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether a worker may call.

    :ivar limit: how many contacts it may call for at once; 0 for none, None for as many as it likes
    :ivar wait_s: seconds until asking again makes sense
    :ivar probe_until: until when it is this worker that probes, or None
    """

    limit: int | None
    wait_s: float = 0.0
    probe_until: datetime | None = None


FREE = Admission(limit=None)
"""The circuit is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCounts:
    """What a number of calls says about their receiver. Refusals of a contact say nothing bad about it.

    :ivar succeeded: answers that show it at work
    :ivar opens: reason enough by themselves to open the circuit
    """

    succeeded: int
    failed: int
    opens: bool
    reason: str


def count_calls(results: Sequence[DeliveryResult]) -> CallCounts:
    """Rate a receiver by the calls of one chunk.

    401 and 403 open the circuit at once. So do five calls of unknown outcome in a row, and more than a fifth of a chunk
    if these are at least five.
    """
    failed = [result for result in results if result.outcome is Outcome.UNKNOWN or result.locked_out]
    answered = [result for result in results if result.called and result.outcome in {Outcome.OK, Outcome.REFUSED}]
    locked_out = any(result.locked_out for result in results)
    many = len(failed) >= FAILURES_IN_A_ROW and len(failed) > FAILING_SHARE * len(results)
    return CallCounts(
        succeeded=len(answered),
        failed=len(failed),
        opens=locked_out or many,
        reason=failed[0].detail if failed else "",
    )
