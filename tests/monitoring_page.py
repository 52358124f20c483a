"""The tables of docs/monitoring.md, made of the metrics and alerts that there are; run as a program it writes them."""

from __future__ import annotations

import re
from pathlib import Path

from promo_campaigns.monitoring.alerts import KINDS
from promo_campaigns.monitoring.metrics import METRICS

PAGE = Path(__file__).parents[1] / "docs" / "monitoring.md"


def tables() -> dict[str, str]:
    """Return the tables by the name of their place in the page."""
    metrics = ["| metric | kind | what it says | told by |", "| --- | --- | --- | --- |"]
    for one in METRICS:
        name = f"{one.name}.<{one.each}>" if one.each else one.name
        metrics.append(f"| `{name}` | {one.kind} | {one.meaning} | `{one.told_by}` |")
    alerts = ["| `alert.kind` | when |", "| --- | --- |", *(f"| `{kind}` | {when} |" for kind, when in KINDS.items())]
    return {"metrics": "\n".join(metrics), "alerts": "\n".join(alerts)}


def with_tables(page: str) -> str:
    """Return the page with its tables as they should be."""
    for name, table in tables().items():
        page = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", rf"\1\n{table}\n\n\2", page, flags=re.DOTALL)
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
