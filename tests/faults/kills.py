"""Many real kills, in lanes beside each other: ``make kills``, or ``python -m faults.kills`` in ``tests/``.

KILLS=1200     so many
KILL_SEED=7    other places, in another order; the commit decides unless it is given
KILL='keyed ledger.attempts.begin_messages:sent:1 sigkill retry 7'    one kill again
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from faults.kill_scenario import WAYS
from faults.kill_site import Plan, open_site
from faults.long_runs import current_commit, cut, keep_figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faults.kill_points import Point
    from faults.kill_site import Site

LANES = 1 + (os.cpu_count() or 1)
"""A kill waits for disks and for pauses a good part of its time."""
FAULTS = ("sigkill", "sigkill", "sigkill", "sigkill", "postgres", "pause")
"""Four of six are SIGKILL; a pause outlasts the lease, and then the worker goes on as if nothing had happened."""
FOLLOW_UPS = ("retry", "retry later", "clear", "second run")
_PART = 150
"""Kills for which a server is made; as many as there are lanes are lost at most where it is broken off."""


@dataclass(slots=True)
class Kills:
    """Figures over many kills.

    :ivar plans: what was done
    :ivar done: how many there were of each fault
    :ivar wrong: what did not hold, by the plan that broke it
    """

    plans: list[Plan] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0


def points_of(site: Site) -> dict[str, list[Point]]:
    """Return every sync point of each way to send."""
    return {way: site.points(way) for way in WAYS}


def plans(points: dict[str, list[Point]], count: int, seed: int) -> list[Plan]:
    """Choose kills: every call once, in one of its phases, then points that were not chosen yet, by the seed."""
    chance = random.Random(seed)  # noqa: S311  (a choice that can be made again)
    every = [(way, point) for way, listed in points.items() for point in listed]
    chance.shuffle(every)
    first: dict[str, tuple[str, Point]] = {}
    for way, point in every:
        first.setdefault(point.call, (way, point))
    chosen = list(first.values())
    rest = [place for place in every if place not in set(chosen)]
    places = [*chosen, *rest]
    while len(places) < count:
        places += every
    pairs = list(product(FAULTS, FOLLOW_UPS))
    chance.shuffle(pairs)
    return [
        Plan(way=way, point=point, fault=fault, follow_up=follow_up, seed=number)
        for number, ((way, point), (fault, follow_up)) in enumerate(zip(places[:count], pairs * count, strict=False))
    ]


def strike(site: Site, chosen: Sequence[Plan]) -> Kills:
    """Do what the plans say, one after the other, and say what does not hold."""
    kills = Kills(list(chosen))
    began = time.monotonic()
    for plan in chosen:
        if found := site.suffer(plan):
            kills.wrong[str(plan)] = found
            sys.stderr.write(f"{plan}: {'; '.join(found)}\n  play it again: KILL='{plan}' make kills\n")
    kills.done, kills.seconds = site.done, time.monotonic() - began
    return kills


def strike_beside(chosen: Sequence[Plan]) -> Iterator[Kills]:
    """Do what the plans say in processes beside each other.

    :return: what came of all plans so far, each time some more of them were done, in their order
    """
    kills = Kills()
    began = time.monotonic()
    parts = cut(chosen, most=_PART, beside=LANES)
    with ProcessPoolExecutor(LANES, mp_context=get_context("spawn")) as lanes:
        for part in lanes.map(_strike_alone, parts):
            kills.plans += part.plans
            kills.done.update(part.done)
            kills.wrong |= part.wrong
            kills.seconds = time.monotonic() - began
            sys.stderr.write(
                f"{len(kills.plans):,} of {len(chosen):,} kills, {len(kills.wrong)} violations, "
                f"{kills.seconds / len(kills.plans):.2f} s each\n"
            )
            yield kills


def _strike_alone(chosen: Sequence[Plan]) -> Kills:
    with _own_site() as site:
        return strike(site, chosen)


@contextmanager
def _own_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="promo-kills-") as folder:
        Path(folder).chmod(0o755)  # the server runs as another account where it is started by root
        with open_site(Path(folder) / "site") as site:
            yield site


def main() -> int:
    """Kill, write the figures down, and return the exit status."""
    if "KILL" in os.environ:
        return _replay(Plan.parse(os.environ["KILL"]))
    commit = current_commit()
    seed = int(os.environ.get("KILL_SEED", str(int(commit[:8], 16))))
    with _own_site() as site:
        points = points_of(site)
    chosen = plans(points, int(os.environ.get("KILLS", "1200")), seed)
    found, kept = Kills(), None
    for found in strike_beside(chosen):
        kept = keep_figures("kills.json", commit, {"real_kills": _figures(points, found, seed)})
    sys.stdout.write(f"{len(found.plans)} kills, {len(found.wrong)} violations, see {kept}\n")
    return 1 if found.wrong else 0


def _replay(plan: Plan) -> int:
    with _own_site() as site:
        wrong = site.suffer(plan)
    sys.stdout.write("\n".join(wrong or ["no violation"]) + "\n")
    return 1 if wrong else 0


def _figures(points: dict[str, list[Point]], found: Kills, seed: int) -> dict[str, object]:
    every = {f"{way} {point}" for way, listed in points.items() for point in listed}
    struck = {f"{plan.way} {plan.point}" for plan in found.plans}
    return {
        "kills": found.done["sigkill"],
        "postgres_stops": found.done["postgres"],
        "pauses": found.done["pause"],
        "points": len(every),
        "points_struck": len(every & struck),
        "calls": len({point.call for listed in points.values() for point in listed}),
        "calls_struck": len({plan.point.call for plan in found.plans}),
        "seed": seed,
        "seconds": round(found.seconds, 1),
        "violations": len(found.wrong),
    }


if __name__ == "__main__":
    sys.exit(main())
