"""Runs all benchmarks, one after the other, and says what was found: `make bench`.

    PYTHONPATH=plugins:tests python -m benchmarks [NAMES] [--small]
    PYTHONPATH=plugins:tests python -m benchmarks --record | --page

Each figure is the median of five: most benchmarks measure in rounds, and those that do not are run five times.

A run of all begins a new `.bench/results.jsonl`; a run of some replaces their figures. A missed aim stops nothing: at
the end each is named, and so is each ratio that fell by more than 15 % below `tests/benchmarks/recorded.jsonl`, which
``--record`` makes of the last results. ``--small`` takes a few minutes and tells only whether everything still runs:
its figures are kept in a file of their own, and not compared.

Exit status 1 when a benchmark failed, an aim was missed or a ratio fell.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import (
    PAGE,
    RECORDED,
    RESULTS,
    fallen,
    middle,
    not_compared,
    page_with,
    put,
    read,
    table,
    write,
)

if TYPE_CHECKING:
    from benchmarks.figures import Figure

FOLDER = Path(__file__).parent
SMALL = {
    "velocity_speed": "--contexts 2000",
    "bench_load_codes": "--rows 20000 --rounds 1",
    "bench_audience_columns": "--contacts 20000 --rounds 1",
    "bench_limits": "--contacts 2000 --codes 2400",
    "bench_claim": "--codes 20000 --than 2000 --contacts 500 --rounds 3",
    "bench_counts": "--codes 20000 --pending 500 --runs 200",
    "bench_pages": "--codes 40000 --rows 20000 --runs 100 --calls 5",
    "bench_partitions": "--shortest 2000 --longest 8000 --past 1000 --contacts 500 --rounds 2",
    "bench_years": "--runs 3 --contacts 2000 --new 1000 --rounds 2",
    "bench_send_path": "--contacts 500 --rounds 3",
    "bench_send_peers": "--contacts 200 --rounds 2 --mapped 5",
    "bench_bulk_profiles": "--contacts 3000",
    "bench_preview": "--contacts 2000 --rounds 1",
    "bench_rate_limit": "--seconds 5",
    "profile_api_speed": "--requests 200",
    "bench_profile_api_load": "--rows 20000",
    "bench_parse_workflows": "--files 20",
    "bench_events": "--rate 5 --seconds 5 --backlog 50",
    "bench_campaign": "--contacts 1000 --runs 2 --larger 2000",
    "bench_celery": "--contacts 2000 --runs 1",
}
"""The benchmarks in the order in which they run, and what makes each of them short."""


AGAIN = dict.fromkeys(
    ("bench_bulk_profiles", "profile_api_speed", "bench_profile_api_load", "bench_parse_workflows"), 5
)
"""How often those are run that measure once. Two more do: bench_rate_limit checks a bound over a minute, and the
percentiles of bench_events come from thousands of messages."""


def run(name: str, *, small: bool) -> bool:
    """Run a benchmark, in a process of its own each time; return whether it came to its end with figures."""
    rounds = []
    for number in range(1 if small else AGAIN.get(name, 1)):
        sys.stdout.write(f"\n== {name}{f', again ({number + 1})' if number else ''}\n")
        sys.stdout.flush()
        rounds.append(_run_once(name, small=small))
        if not rounds[-1]:
            return False
    put(results_of(small=small), middle(rounds))
    return True


def _run_once(name: str, *, small: bool) -> list[Figure]:
    """Return its figures, none when it failed."""
    command = [sys.executable, str(FOLDER / f"{name}.py"), *(SMALL[name].split() if small else [])]
    tests = Path(__file__).parents[1]
    path = os.pathsep.join((str(tests.parent / "plugins"), str(tests)))
    with tempfile.TemporaryDirectory(prefix="promo-bench-") as folder:
        results = Path(folder) / "results.jsonl"
        environment = {**os.environ, "PYTHONPATH": path, "BENCH_RESULTS": str(results)}
        done = subprocess.run(command, env=environment, check=False)
        return read(results) if done.returncode in {0, 1} else []


def results_of(*, small: bool) -> Path:
    """Return where the figures are kept."""
    return RESULTS.with_name("small.jsonl") if small else RESULTS


def conclude(failed: list[str], *, small: bool) -> int:
    """Print the table and what is wrong, and return the exit status."""
    figures, recorded = read(results_of(small=small)), read(RECORDED)
    lost = [] if small else fallen(figures, recorded)
    parts = {
        "Benchmarks that failed": failed,
        "Missed aims": [f"{each.name}: {each.aim}" for each in figures if not each.is_met],
        "Ratios that fell by more than 15 % (recorded figures: tests/benchmarks/recorded.jsonl)": lost,
        "Not compared, as not measured or not recorded in this size": [] if small else not_compared(figures, recorded),
    }
    sys.stdout.write(f"\n{table(figures)}")
    for title, lines in parts.items():
        if lines:
            sys.stdout.write("\n".join([f"\n{title}:", *(f"  {line}" for line in lines)]) + "\n")
    sys.stdout.write(f"\nThe figures are in {os.path.relpath(results_of(small=small))}.\n")
    return 1 if failed or lost or parts["Missed aims"] else 0


def record() -> int:
    """Make the last results the ones to compare with."""
    ratios = [figure for figure in read(RESULTS) if figure.ratio is not None]
    if not ratios:
        sys.stderr.write(f"{RESULTS} holds no figure with a peer. Run make bench first.\n")
        return 1
    write(RECORDED, ratios)
    sys.stdout.write(f"{len(ratios)} figures recorded.\n")
    return fill_page()


def fill_page() -> int:
    """Show the recorded figures on the page of benchmarks."""
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), read(RECORDED)), encoding="utf-8")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAMES", help=f"some of: {' '.join(SMALL)}")
    parser.add_argument("--small", action="store_true", help="few contacts: only see whether everything runs")
    parser.add_argument("--page", action="store_true", help="run nothing; show the recorded figures in docs/")
    parser.add_argument("--record", action="store_true", help="run nothing; record the last results")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(SMALL):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {' '.join(SMALL)}")
    if options.record:
        return record()
    if options.page:
        return fill_page()
    if not options.names:
        write(results_of(small=options.small), [])
    began = time.monotonic()
    failed = [name for name in options.names or SMALL if not run(name, small=options.small)]
    sys.stdout.write(f"\nThis took {(time.monotonic() - began) / 60:.0f} minutes.\n")
    return conclude(failed, small=options.small)


if __name__ == "__main__":
    sys.exit(main())
