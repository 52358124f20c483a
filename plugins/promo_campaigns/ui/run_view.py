"""A run as its page shows it, from what the ledger keeps of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.model.contacts import ClosedFor
from promo_campaigns.model.oversight.halt import BY_ITSELF
from promo_campaigns.model.oversight.run_line import RunState

if TYPE_CHECKING:
    from datetime import datetime

    from promo_campaigns.ledger.lookups.progress import Progress
    from promo_campaigns.model.run_report import FailingReceiver, RunReport

_UNREACHABLE = ("no channel", *(reason.value for reason in ClosedFor))


def detail(progress: Progress, report: RunReport, redeemed: int = 0) -> dict[str, Any]:
    """Return what the page of a run shows.

    :param report: may be some seconds older, since it counts every contact
    :param redeemed: codes of the run that were redeemed, as far as a shop has said so
    """
    return {
        "line": progress.line.as_dict(),
        "states": progress.states,
        "reasons": _reasons(report),
        "funnel": _funnel(progress, report, redeemed),
        "rate_per_s": progress.rate_per_s,
        "seconds_left": progress.seconds_left,
        "waits": _waits(progress),
        "receivers": [_receiver(one) for one in progress.receivers],
        "is_inbox": progress.facts["definition"].get("transport", "inbox") == "inbox",
        "mode": progress.facts["mode"],
        "send_by": progress.facts["send_by"],
        "report": [[name, contacts] for name, contacts in report.rows()],
        "pool_left": report.pool_left,
    }


def _reasons(report: RunReport) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for counts in (report.tally.skipped, report.tally.rejected, report.tally.expired):
        for reason, count in counts.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return dict(sorted(reasons.items(), key=lambda one: (-one[1], one[0])))


def _funnel(progress: Progress, report: RunReport, redeemed: int) -> list[dict[str, Any]]:
    line = progress.line
    reachable = line.audience - sum(report.tally.skipped.get(reason, 0) for reason in _UNREACHABLE)
    counts = {
        "audience": line.audience,
        "reachable": max(reachable, line.given),
        "given": line.given,
        "accepted": line.sent,
        **{f"From {pool.type}, {pool.discount} %": pool.given for pool in report.pools},
        **({"fallback": report.fallback} if report.fallback else {}),
        **({"recorded": line.recorded} if progress.facts["records"] else {}),
        **({"redeemed": redeemed} if redeemed else {}),
    }
    return [{"name": name, "count": count} for name, count in counts.items()]


def _waits(progress: Progress) -> list[dict[str, Any]]:
    """Return what keeps a run from going on, and until when; None where a person must do something."""
    facts, line = progress.facts, progress.line
    if line.state in {RunState.CLOSED, RunState.CANCELLED}:
        return []
    waits: list[tuple[str, datetime | None]] = []
    if progress.stop:
        waits.append((f"all sending was stopped by {progress.stop.by}{_why(progress.stop.reason)}", None))
    if line.state is RunState.PAUSED:
        who = "itself" if line.halted_by in BY_ITSELF else line.halted_by
        waits.append((f"paused by {who}{_why(line.halt_reason)}", None))
    if line.state is RunState.RESTORED:
        waits.append(("the store was restored; promo db restored tells what is left to decide", None))
    if line.state is RunState.AWAITING:
        waits.append(("a person must approve it", None))
    first = progress.first_share
    if first and first.let_go_at is None:
        waits.append((str(first), first.goes_on_at))
    if facts["quiet_until"]:
        waits.append((f"quiet hours in {facts['time_zone']}", facts["quiet_until"]))
    waits += [(f"{one.name}: {one.reason}", one.waits_until) for one in progress.receivers]
    return [{"what": what, "until": until} for what, until in waits]


def _receiver(failing: FailingReceiver) -> dict[str, Any]:
    remedy = "Correct it, then clear the tasks that failed." if failing.refuses else "It is called again by itself."
    return {
        "name": failing.name,
        "status": failing.reason,
        "remedy": remedy,
        "refuses": failing.refuses,
        "open_until": failing.waits_until,
        "text": str(failing),
    }


def _why(reason: str) -> str:
    return f" ({reason})" if reason else ""
