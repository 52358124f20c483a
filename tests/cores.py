"""Which cores the tests run on.

A test and its Postgres take turns, a statement at a time, so neither gains by a core of its own; but left to the system
they sit on two, and waking the other core for each statement costs as much as the statement does.
"""

from __future__ import annotations

import os

ALL = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
"""The cores of this process when it began; empty where the system does not say (macOS, Windows)."""


def core(number: int) -> int | None:
    """Return the core of the process with this number; None where the system decides."""
    return ALL[number % len(ALL)] if ALL else None


def stay_on(one: int | None) -> None:
    """Keep this process, and what it starts from now on, on one core."""
    if one is not None:
        os.sched_setaffinity(0, {one})


def use_all() -> None:
    """Let this process, and what it starts from now on, run on every core again."""
    if ALL:
        os.sched_setaffinity(0, ALL)
