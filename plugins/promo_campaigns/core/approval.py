"""What a person is asked before a run goes out, and what was said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from promo_campaigns.core.run_report import plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from promo_campaigns.core.models import RunSpec
    from promo_campaigns.core.preview import PreviewReport


class Otherwise(str, Enum):
    """What it means that nobody answers in time."""

    REJECT = "reject"
    APPROVE = "approve"


class Said(str, Enum):
    """What was said of a run."""

    AWAITED = "awaited"
    GIVEN = "given"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What the ledger holds of it.

    :ivar said: None for a run that nobody is asked about
    :ivar by: who said it, empty where nobody answered in time
    :ivar closed: the run is closed, so there is nothing to be asked about
    :ivar left_s: seconds until its send-by, None without one
    """

    run_id: int
    run_key: str
    said: Said | None
    by: str = ""
    at: datetime | None = None
    closed: bool = False
    left_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what was said as plain JSON values."""
        return {
            "run_id": self.run_id,
            "run_key": self.run_key,
            "approval": self.said.value if self.said else None,
            "by": self.by,
            "at": self.at.isoformat() if self.at else None,
        }


def approval_form(spec: RunSpec, run_key: str, report: PreviewReport, left_out: Mapping[str, int]) -> tuple[str, str]:
    """Return headline and Markdown of the form in which a person is asked: counts, and no contact and no code.

    The headline is plain text, which Airflow shows as it is.

    :param report: of those who wait in the run
    :param left_out: whom the run is not going to reach already, by reason
    """
    sent = report.states.get("send", 0)
    codes, message = spec.codes, spec.message
    lines = [
        f"**{plain(run_key)}**",
        "",
        f"- message: {plain(message.name)}, channel {plain(message.channel)}, by {plain(spec.transport)}",
        f"- audience: {plain(spec.audience.name)}",
        f"- codes: {plain(codes.type)}, {codes.discount} %, valid for {codes.days} days",
        f"- definition: `{report.sha256[:12]}`, frozen: this is what is sent",
        "",
        *_table("contacts", {"to be sent": sent, **_reasons(report, left_out)}),
        "",
        *(_table("codes", report.forecast.as_dict()) if report.forecast else ()),
    ]
    if report.warnings:
        lines += ["", *_table("warnings", report.warnings)]
    lines += ["", *(f"- {plain(note)}" for note in report.notes)]
    if report.files:
        lines += ["", "Contact by contact: " + ", ".join(f"`{file}`" for file in report.files)]
    return f"Send {message.name} to {sent:,} contacts?", "\n".join(lines)


def _reasons(report: PreviewReport, left_out: Mapping[str, int]) -> dict[str, int]:
    found = dict(report.reasons)
    for reason, contacts in left_out.items():
        found[reason] = found.get(reason, 0) + contacts
    return {f"not sent: {reason}": contacts for reason, contacts in found.items()}


def _table(title: str, counts: Mapping[str, int]) -> list[str]:
    rows = [f"| {plain(name)} | {count:,} |" for name, count in counts.items()]
    return [f"| | {title} |", "| --- | ---: |", *rows]
