"""The peak memory of processes, sampled from /proc while a block runs (Linux only)."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
EVERY_S = 0.2
TASK, BACKEND = "task", "backend"
STORE = "promo"
"""The database whose backends count: Airflow's own are no matter."""
_FIELDS = {TASK: "VmHWM", BACKEND: "RssAnon"}
"""A task's own highest mark; and what a backend has for itself, as the buffers it shares count for each of them."""


@dataclass
class Peaks:
    """The most that one process of a kind had, in MB, and how many of the kind were seen."""

    megabytes: dict[str, float] = field(default_factory=lambda: {TASK: 0.0, BACKEND: 0.0})
    seen: dict[str, set[int]] = field(default_factory=lambda: {TASK: set(), BACKEND: set()})

    def sample(self, ancestor: int) -> None:
        """Look at all descendants of a process once."""
        for pid in descendants(ancestor):
            kind = kind_of(pid)
            if kind is None:
                continue
            self.seen[kind].add(pid)
            self.megabytes[kind] = max(self.megabytes[kind], _status(pid, _FIELDS[kind]) / 1024)


@contextmanager
def sampled_peaks() -> Iterator[Peaks]:
    """Sample the descendants of this process until the block ends."""
    peaks, over = Peaks(), threading.Event()

    def watch() -> None:
        while not over.wait(EVERY_S):
            peaks.sample(os.getpid())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()


def descendants(ancestor: int) -> list[int]:
    """Return the processes that a process started, and theirs."""
    parents = {int(entry.name): _status(int(entry.name), "PPid") for entry in PROC.iterdir() if entry.name.isdigit()}
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found, waiting = [], [ancestor]
    while waiting:
        born = children.get(waiting.pop(), [])
        found += born
        waiting += born
    return found


def kind_of(pid: int) -> str | None:
    """Tell a task's process, or a backend of the store, by its title; None for any other."""
    try:
        title = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    if title.startswith("airflow worker -- "):
        return None if "LocalExecutor" in title else TASK  # the executor's worker starts tasks and is none itself
    words = title.split()  # postgres: account database address statement
    return BACKEND if words[:1] == ["postgres:"] and words[2:3] == [STORE] else None


def _status(pid: int, name: str) -> int:
    """Return a number of a process's status, in kB where it is a size; 0 when the process is gone."""
    try:
        text = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name}:")), 0)
