"""Counts redemptions by run, pool and arm, and lists what is odd about them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from promo_campaigns.ledger.lookups.chosen_runs import ChosenRuns
from promo_campaigns.model.errors import LedgerError
from promo_campaigns.model.masking import mask
from promo_campaigns.model.run_report import plain
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """How many of some codes were redeemed.

    :ivar name: of the run, the pool (``Spring 15``), the chain of pools (``Spring 15, Summer 10``) or the arm
    :ivar sent: contacts that were sent a code; of the arm ``held out``, all of it
    :ivar redeemed: how many codes of these were redeemed; of an arm, how many of its contacts redeemed any code
    :ivar revenue: what was paid, by currency
    :ivar odd: redemptions that are odd
    """

    name: str
    sent: int
    redeemed: int
    revenue: Mapping[str, Decimal]
    odd: int = 0

    @property
    def share(self) -> float | None:
        """The redeemed share, of one; None if nobody was sent a code."""
        return self.redeemed / self.sent if self.sent else None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values; amounts are texts, so that no cent is lost."""
        share = None if self.share is None else round(self.share, 6)
        return {**asdict(self), "share": share, "revenue": {name: str(paid) for name, paid in self.revenue.items()}}

    def cells(self) -> list[str]:
        """Return the cells of its row in a table."""
        share = "" if self.share is None else f"{self.share:.2%}"
        paid = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in self.revenue.items())
        return [self.name, f"{self.sent:,}", f"{self.redeemed:,}", share, paid, f"{self.odd:,}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionReport:
    """The redemptions of one run, or of the runs of a workflow.

    :ivar runs: newest first
    :ivar pools: the same by type and discount
    :ivar arms: of one run: contacts that were sent a code, and those held out; empty for several runs
    :ivar findings: how many redemptions are odd, by what is odd about them
    """

    subject: str
    runs: tuple[Redeemed, ...]
    pools: tuple[Redeemed, ...]
    arms: tuple[Redeemed, ...]
    findings: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        parts = {name: [one.as_dict() for one in getattr(self, name)] for name in ("runs", "pools", "arms")}
        return {"subject": self.subject, **parts, "findings": dict(self.findings)}

    def as_markdown(self) -> str:
        """Return the report as Markdown tables."""
        lines = [f"**{plain(self.subject)}**"]
        for title, rows in (("run", self.runs), ("pool", self.pools), ("arm", self.arms)):
            if rows:
                lines += [
                    "",
                    f"| {title} | sent | redeemed | share | paid | odd |",
                    "| --- | ---: | ---: | ---: | ---: | ---: |",
                ]
                lines += [f"| {' | '.join(map(plain, one.cells()))} |" for one in rows]
        lines += ["", *(f"{count:,} redemptions: {finding}." for finding, count in self.findings.items())]
        return "\n".join(lines).rstrip()


def report_redemptions(
    connection: Connection, *, run_key: str = "", workflow: str = "", since: datetime | None = None
) -> RedemptionReport:
    """Count the redemptions of a run, or of the runs of a workflow, as of one moment.

    :param run_key: one run, by its key or the beginning of it; the newest one if no workflow is named either
    :param workflow: all its runs, which ``since`` may narrow to those opened since then
    :raises LedgerError: there is no such run
    """
    runs = ChosenRuns.of_workflow(connection, workflow, since) if workflow else ChosenRuns.one(connection, run_key)
    if not runs.run_ids:
        msg = f"{runs.subject} has no run to report"
        raise LedgerError(msg)
    with reading(connection):
        return _report(connection, runs.run_ids, runs.subject)


def count_redeemed(connection: Connection, run_id: int) -> int:
    """Return how many codes of a run were redeemed."""
    row = connection.execute(_SQL["count_runs"], {"run_ids": [run_id]}).fetchone()
    return int(row["redeemed"]) if row else 0


def list_findings(connection: Connection, *, limit: int = 50, before: int = _NEWEST) -> list[dict[str, Any]]:
    """Return redemptions that are odd, newest first, codes masked.

    Keys: redemption_id, redeemed_at, order_id, code, finding, owner_id, contact_id, run_key, source.
    """
    rows = connection.execute(_SQL["list_findings"], {"limit": limit, "before": before}).fetchall()
    return [row | {"code": mask(row["code"])} for row in rows]


def _report(connection: Connection, run_ids: Sequence[int], subject: str) -> RedemptionReport:
    which = {"run_ids": list(run_ids)}
    runs = connection.execute(_SQL["count_runs"], which).fetchall()
    revenue: dict[int, dict[str, Decimal]] = {}
    for row in connection.execute(_SQL["sum_revenue"], which).fetchall():
        revenue.setdefault(row["run_id"], {})[row["currency"]] = row["amount"]
    findings = connection.execute(_SQL["count_findings"], which).fetchall()
    counted = [(row, _of_run(row, revenue.get(row["run_id"], {}))) for row in runs]
    pools: dict[str, list[Redeemed]] = {}
    for row, one in counted:
        chain = zip(row["types"], row["discounts"], strict=True)
        pools.setdefault(", ".join(f"{name} {discount}" for name, discount in chain), []).append(one)
    return RedemptionReport(
        subject=subject,
        runs=tuple(one for _, one in counted),
        pools=tuple(_sum(name, ones) for name, ones in sorted(pools.items())),
        arms=_arms(connection, run_ids[0]) if len(run_ids) == 1 else (),
        findings={row["finding"]: row["redemptions"] for row in findings},
    )


def _of_run(row: Mapping[str, Any], revenue: Mapping[str, Decimal]) -> Redeemed:
    return Redeemed(name=row["run_key"], sent=row["sent"], redeemed=row["redeemed"], revenue=revenue, odd=row["odd"])


def _sum(name: str, ones: Iterable[Redeemed]) -> Redeemed:
    sent = redeemed = odd = 0
    revenue: dict[str, Decimal] = {}
    for one in ones:
        sent, redeemed, odd = sent + one.sent, redeemed + one.redeemed, odd + one.odd
        for currency, amount in one.revenue.items():
            revenue[currency] = revenue.get(currency, Decimal(0)) + amount
    return Redeemed(name=name, sent=sent, redeemed=redeemed, revenue=dict(sorted(revenue.items())), odd=odd)


def _arms(connection: Connection, run_id: int) -> tuple[Redeemed, ...]:
    rows = connection.execute(_SQL["count_arms"], {"run_id": run_id}).fetchall()
    return tuple(
        Redeemed(
            name=arm["arm"],
            sent=arm["contacts"],
            redeemed=arm["redeemed"],
            revenue={row["currency"]: row["amount"] for row in rows if row["arm"] == arm["arm"] and row["currency"]},
        )
        for arm in rows
        if arm["in_all"]
    )
