"""`python -m faults.record_seeds`: plays each planted bug's recorded seed, and searches afresh where it finds nothing.

Run it when the product or the harness draws schedules otherwise than before; the file of seeds is written anew.
"""

from __future__ import annotations

import re
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

from databases import in_memory
from faults.planted_bugs import BUGS, planted
from faults.planted_seeds import SEEDS
from faults.search import PROCESSES, search
from faults.stage import stage
from promo_campaigns.postgres.embedded.server import throwaway_postgres
from promo_campaigns.postgres.migrations import migrate

FIRST_SEED, TIMES_THE_BUDGET = 2_000_000, 5
FILE = Path(__file__).with_name("planted_seeds.py")


def main() -> int:
    """Find a seed for each planted bug and write them down; return how many bugs none was found for."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        found = dict(processes.map(_find, range(len(BUGS))))
    _write({bug.name: found[bug.name] or SEEDS.get(bug.name, ()) for bug in BUGS})
    return sum(not seeds for seeds in found.values())


def _find(number: int) -> tuple[str, tuple[int, ...]]:
    """Return the name of a bug and the seed that finds it, none where there was none."""
    bug = BUGS[number]
    fresh = range(FIRST_SEED, FIRST_SEED + TIMES_THE_BUDGET * bug.budget)
    with throwaway_postgres(in_memory()) as server:  # of its own: a bug may be planted in the store
        migrate(server.dsn("postgres"))
        with stage(server.dsn("postgres")) as opened, planted(bug, opened):
            found = search(opened, chain(SEEDS.get(bug.name, ()), fresh), stop_at_first=True)
    seeds = tuple(report.seed for report in found.failed)
    sys.stderr.write(f"{bug.name}: {seeds} after {found.schedules} schedules\n")
    return bug.name, seeds


def _write(seeds: dict[str, tuple[int, ...]]) -> None:
    lines = "".join(
        f'    "{name}": ({", ".join(f"{seed:_}" for seed in each)},),\n' for name, each in seeds.items() if each
    )
    text = FILE.read_text(encoding="utf-8")
    FILE.write_text(re.sub(r"= \{\n.*\}\n", lambda _: f"= {{\n{lines}}}\n", text, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
