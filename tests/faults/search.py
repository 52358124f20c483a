"""Many schedules, and what they came to."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faults.schedule import Report
    from faults.stage import Stage


@dataclass(slots=True)
class Search:
    """Figures over many schedules.

    :ivar failed: the schedules in which a promise was broken
    """

    schedules: int = 0
    steps: int = 0
    seconds: float = 0.0
    strategies: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    failed: list[Report] = field(default_factory=list)

    def explain(self) -> str:
        """Say which schedules failed, and how to play one again."""
        return "\n".join(
            f"seed {report.seed} ({report.strategy}, {report.steps} steps): {'; '.join(report.violations[:4])}\n"
            f"  play it again: SEED={report.seed} make faults"
            for report in self.failed[:10]
        )


def search(stage: Stage, seeds: Iterable[int], *, stop_at_first: bool = False) -> Search:
    """Play the schedule of each seed."""
    found = Search()
    began = time.monotonic()
    for seed in seeds:
        report = Schedule(stage, seed).play()
        found.schedules += 1
        found.steps += report.steps
        found.strategies[report.strategy] += 1
        found.faults.update(report.faults)
        if report.violations:
            found.failed.append(report)
            if stop_at_first:
                break
    found.seconds = time.monotonic() - began
    return found
