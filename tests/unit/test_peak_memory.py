"""The benchmarks' sampler of memory sees tasks and backends by their titles, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from benchmarks.peak_memory import BACKEND, PROC, TASK, Peaks

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not PROC.joinpath("self").exists(), reason="the sampler reads /proc")
MEGABYTES = 60
HOLD = f"held = bytearray(b'x' * ({MEGABYTES} << 20)); print('up', flush=True); input()"


@contextmanager
def process_called(title: str) -> Iterator[None]:
    """Run a process that holds memory under a title."""
    command = [title, "-S", "-c", HOLD]
    with subprocess.Popen(
        command, executable=sys.executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield
        process.communicate("\n")


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("airflow worker -- 01a221e3", TASK),
        ("postgres: promo promo 127.0.0.1(5000) idle", BACKEND),
        ("airflow worker -- LocalExecutor: 01a221e3", None),
        ("postgres: promo airflow 127.0.0.1(5000) idle", None),
        ("postgres: checkpointer", None),
        ("python", None),
    ],
)
def test_the_memory_of_a_process_counts_by_its_title(title: str, kind: str | None) -> None:
    peaks = Peaks()
    with process_called(title):
        peaks.sample(os.getpid())
    counted = {each for each, megabytes in peaks.megabytes.items() if megabytes >= MEGABYTES}
    assert counted == ({kind} if kind else set())
    assert sum(len(pids) for pids in peaks.seen.values()) == len(counted)
