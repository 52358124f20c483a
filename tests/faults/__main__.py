"""`make faults`: a long search, or one schedule again, step by step, with SEED set. CONTACTS=n makes them large."""

from __future__ import annotations

import os
import sys

from databases import in_memory
from faults.long_runs import current_commit, keep_figures
from faults.schedule import Schedule
from faults.search import Search, search_beside
from faults.stage import stage
from promo_campaigns.postgres.embedded.server import throwaway_postgres
from promo_campaigns.postgres.migrations import migrate


def main() -> int:
    """Search, write the figures down, and return the exit status."""
    contacts = int(os.environ.get("CONTACTS", "0"))
    if "SEED" in os.environ:
        return _replay(int(os.environ["SEED"]), contacts)
    commit = current_commit()
    first, count = int(commit[:8], 16), int(os.environ.get("SCHEDULES", "20000"))
    found, kept = Search(), None
    for found in search_beside(range(first, first + count), contacts=contacts):
        kept = keep_figures("results.json", commit, _figures(found, first, contacts))
    sys.stdout.write(f"{found.schedules} schedules, {len(found.failed)} violations, see {kept}\n")
    sys.stdout.write(found.explain())
    return 1 if found.failed else 0


def _replay(seed: int, contacts: int) -> int:
    with throwaway_postgres(in_memory()) as server:
        migrate(server.dsn("postgres"))
        with stage(server.dsn("postgres")) as opened:
            schedule = Schedule(opened, seed, contacts=contacts)
            schedule.trace = []
            report = schedule.play()
    sys.stdout.write(
        "\n".join([repr(schedule.scenario), *schedule.trace, *(report.violations or ["no violation"]), ""])
    )
    return 1 if report.violations else 0


def _figures(found: Search, first: int, contacts: int) -> dict[str, object]:
    return {
        **({"contacts": contacts} if contacts else {}),
        "schedules": found.schedules,
        "violations": len(found.failed),
        "steps": found.steps,
        "injected": sum(found.faults.values()),
        "faults": dict(sorted(found.faults.items())),
        "strategies": dict(sorted(found.strategies.items())),
        "scenarios": dict(sorted(found.traits.items())),
        "seeds": [first, first + found.schedules - 1],
        "seconds": round(found.seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
