"""Which files of named SQL the package has."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "plugins" / "promo_campaigns"
OTHER = {"ledger.invariants", "postgres.schema"}
"""What is asked in another way, and what holds no queries."""


def sql_files() -> list[str]:
    """Return the files of named queries as ``ledger.runs``, without the invariants."""
    found = (file.relative_to(PACKAGE).with_suffix("") for file in PACKAGE.rglob("*.sql"))
    names = {".".join(path.parts) for path in found if "migrations" not in path.parts}
    return sorted(name for name in names - OTHER if not name.endswith(".fragments"))
