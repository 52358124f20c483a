"""Many schedules, and what they came to."""

from __future__ import annotations

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

from cores import core, stay_on
from databases import in_memory
from faults.long_runs import cut
from faults.schedule import Schedule
from faults.stage import stage
from promo_campaigns.postgres.embedded.server import throwaway_postgres
from promo_campaigns.postgres.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from multiprocessing.sharedctypes import Synchronized

    from faults.schedule import Report
    from faults.stage import Stage

PROCESSES = 2
_PART = 250
"""Schedules for which a server is made: twice as many are lost at most where a search is broken off."""


@dataclass(slots=True)
class Search:
    """Figures over many schedules.

    :ivar traits: how many schedules had a scenario of which kind
    :ivar failed: the schedules in which a promise was broken
    """

    schedules: int = 0
    steps: int = 0
    seconds: float = 0.0
    strategies: Counter[str] = field(default_factory=Counter)
    traits: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    failed: list[Report] = field(default_factory=list)

    def add(self, other: Search) -> None:
        """Add what another search, beside this one, came to."""
        self.schedules += other.schedules
        self.steps += other.steps
        self.strategies.update(other.strategies)
        self.traits.update(other.traits)
        self.faults.update(other.faults)
        self.failed += other.failed

    def explain(self) -> str:
        """Say which schedules failed, and how to play one again."""
        return "".join(map(explained, self.failed[:10]))


def explained(report: Report) -> str:
    """Say what a schedule broke, and how to play it again."""
    return (
        f"seed {report.seed} ({report.strategy}, {report.steps} steps): {'; '.join(report.violations[:4])}\n"
        f"  play it again: SEED={report.seed} make faults\n"
    )


def search(on: Stage, seeds: Iterable[int], *, stop_at_first: bool = False, contacts: int = 0) -> Search:
    """Play the schedule of each seed.

    :param contacts: see ``Schedule``
    """
    found = Search()
    began = time.monotonic()
    for seed in seeds:
        report = Schedule(on, seed, contacts=contacts).play()
        found.schedules += 1
        found.steps += report.steps
        found.strategies[report.strategy] += 1
        found.traits.update(report.traits)
        found.faults.update(report.faults)
        if report.violations:
            found.failed.append(report)
            sys.stderr.write(explained(report))
            if stop_at_first:
                break
    found.seconds = time.monotonic() - began
    return found


def search_beside(seeds: Sequence[int], *, contacts: int = 0) -> Iterator[Search]:
    """Play the schedules of the seeds in processes beside each other, each with a core of its own.

    :return: what came of all seeds so far, each time some more of them were played, in their order
    """
    found = Search()
    began = time.monotonic()
    parts = cut(seeds, most=1 if contacts else _PART, beside=PROCESSES)
    context = get_context("spawn")
    with ProcessPoolExecutor(
        PROCESSES, mp_context=context, initializer=_settle, initargs=(context.Value("i", 0),)
    ) as processes:
        for part in processes.map(partial(_search_alone, contacts=contacts), parts):
            found.add(part)
            found.seconds = time.monotonic() - began
            sys.stderr.write(
                f"{found.schedules:,} of {len(seeds):,} schedules, {len(found.failed)} violations, "
                f"{found.schedules / found.seconds:.1f} schedules a second\n"
            )
            yield found


def _settle(settled: Synchronized[int]) -> None:
    """Take the core that no other process has taken."""
    with settled.get_lock():
        stay_on(core(settled.value))
        settled.value += 1


def _search_alone(seeds: Sequence[int], *, contacts: int = 0) -> Search:
    """Play them on a server that is there for nothing else."""
    with throwaway_postgres(in_memory()) as server:
        dsn = server.dsn("postgres")
        migrate(dsn)
        with stage(dsn) as opened:
            return search(opened, seeds, contacts=contacts)
