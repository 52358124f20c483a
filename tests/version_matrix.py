"""Tries the provider with every Python it supports and every Airflow release from 3.3 on: ``make matrix``.

Each cell is an environment of its own, in a temporary folder, in which the provider is installed as a user installs it,
without our pins, and a part of the tests runs; what they print is kept in ``.matrix/``. A Python that is not on this
machine, or a release that cannot be installed, is told by name and counts as not run, never as passed. The exit status
is 1 if a cell failed or none passed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
FIRST = (3, 3)
"""The first release of Airflow that is supported."""
TESTS = ("tests/unit/test_provider.py", "tests/unit/test_operator_standards.py", "tests/unit/test_workflow_dags.py")
"""What every cell runs unless told otherwise: the parts of Airflow that are used, without a server."""
GROUPS = ("dev",)
OUTPUT = ROOT / ".matrix"
PASSED, FAILED, NOT_RUN = "passed", "FAILED", "not run"
_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_VERSIONS = re.compile(r"Available versions: (.*)")
_MOST_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Cell:
    """One Python with one Airflow, and what became of it."""

    python: str
    airflow: str
    outcome: str = NOT_RUN
    why: str = ""

    def __str__(self) -> str:
        """Return its line in the table."""
        return f"Python {self.python:<5} Airflow {self.airflow:<7} {self.outcome}{f': {self.why}' if self.why else ''}"


def releases(listing: str) -> list[str]:
    """Return the supported final releases in what ``pip index versions`` prints, oldest first."""
    found = _VERSIONS.search(listing)
    words = [word.strip() for word in found[1].split(",")] if found else []
    finals = [tuple(map(int, match.groups())) for word in words if (match := _RELEASE.fullmatch(word))]
    wanted = sorted(version for version in finals if version[:2] >= FIRST and version[0] == FIRST[0])
    return [".".join(map(str, version)) for version in wanted]


def find_python(version: str) -> str:
    """Return the command of a Python of this version on this machine; empty if there is none."""
    told = "import sys; print('%d.%d' % sys.version_info[:2])"
    for name in (f"python{version}", "python3", sys.executable, *of_pyenv(version)):
        command = shutil.which(name)
        if command and _run([command, "-c", told]).stdout.strip() == version:
            return command
    uv = _uv()
    found = _run([uv, "python", "find", "--no-python-downloads", version]) if uv else None
    return found.stdout.strip() if found and not found.returncode else ""


def of_pyenv(version: str) -> list[str]:
    """Return the Pythons of a version that pyenv has, the newest first; its shims know only those that were chosen."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = (root / "versions").glob(f"{version}.*/bin/python")
    return sorted(map(str, found), key=lambda path: [int(part) for part in re.findall(r"\d+", path)], reverse=True)


def try_cell(python: str, airflow: str, tests: Sequence[str], groups: Sequence[str] = GROUPS) -> Cell:
    """Install the provider with a release into a new environment, and run tests there.

    :param groups: the dependency groups of ``pyproject.toml`` that these tests need
    """
    command = find_python(python)
    if not command:
        return Cell(python, airflow, NOT_RUN, f"there is no Python {python} on this machine")
    with tempfile.TemporaryDirectory(prefix="promo-matrix-") as folder:
        made = _run([command, "-m", "venv", folder])
        if made.returncode:
            return Cell(python, airflow, NOT_RUN, f"no environment: {_why(made)}")
        inside = f"{folder}/bin/python"
        installed = _install(inside, airflow, groups)
        if installed.returncode:
            return Cell(python, airflow, NOT_RUN, f"cannot be installed: {_why(installed)}")
        home = {"AIRFLOW_HOME": f"{folder}/airflow", "PYTHONPATH": f"{ROOT}/tests"}
        OUTPUT.mkdir(exist_ok=True)
        output = OUTPUT / f"{python}-{airflow}.log"
        print(f"Python {python} Airflow {airflow}: the tests print into {output.relative_to(ROOT)}", flush=True)
        with output.open("w", encoding="utf-8") as printed:
            status = subprocess.run(
                [inside, "-m", "pytest", "-n", "0", "-v", *tests],
                env=_environment(**home),
                stdout=printed,
                stderr=subprocess.STDOUT,
                check=False,
                cwd=ROOT,
            ).returncode
        told = _last_line(output.read_text(encoding="utf-8"), status)
        return Cell(python, airflow, FAILED if status else PASSED, told)


def _listed(python: str, airflow: str) -> Cell:
    return Cell(python, airflow, NOT_RUN, "only listed" if find_python(python) else f"there is no Python {python} here")


def summary(cells: Iterable[Cell]) -> tuple[str, int]:
    """Return the last line, and the exit status."""
    outcomes = [cell.outcome for cell in cells]
    counts = {outcome: outcomes.count(outcome) for outcome in (PASSED, FAILED, NOT_RUN)}
    line = f"{counts[PASSED]} passed, {counts[FAILED]} failed, {counts[NOT_RUN]} not run, of {len(outcomes)} cells"
    return line, int(counts[FAILED] > 0 or counts[PASSED] == 0)


def _install(inside: str, airflow: str, groups: Sequence[str]) -> subprocess.CompletedProcess[str]:
    packages = [package for group in groups for package in packages_of(group)]
    wanted = [f"apache-airflow=={airflow}", f"{ROOT}[embedded,fcm]", *packages]
    if uv := _uv():
        return _run([uv, "pip", "install", "--quiet", "--python", inside, *wanted])
    return _run([inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])


def packages_of(group: str) -> list[str]:
    """Return the packages of a group: pip knows groups from 25.1 on, and Python reads TOML from 3.11 on.

    :raises ValueError: there is no such group
    """
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines = re.search(rf"^{re.escape(group)} = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    if lines is None:
        msg = f"pyproject.toml has no dependency group {group}"
        raise ValueError(msg)
    return re.findall(r'"([^"]+)"', lines[1])


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    return shutil.which("uv") or (str(beside) if beside.is_file() else "")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False, cwd=ROOT)


def _environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return {**kept, **variables}


def _last_line(printed: str, status: int) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return lines[-1][:_MOST_SHOWN] if lines else f"exit status {status}"


def _why(ran: subprocess.CompletedProcess[str]) -> str:
    return _last_line(ran.stdout + ran.stderr, ran.returncode)


def _known() -> tuple[list[str], str]:
    """Return the releases that the package index has, or why nobody knows; an environment of uv's has no pip."""
    listing = None
    for command in (sys.executable, "python3"):
        listing = _run([command, "-m", "pip", "index", "versions", "apache-airflow"])
        if known := releases(listing.stdout):
            return known, ""
    return [], _why(listing) if listing else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the cells that are asked for, and print what became of each."""
    parser = argparse.ArgumentParser(prog="make matrix", description=__doc__)
    parser.add_argument(
        "cells", nargs="*", metavar="PYTHON/AIRFLOW", help="such as 3.12/3.3.2; all of them unless given"
    )
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH", help="what each cell runs")
    parser.add_argument(
        "--groups", nargs="+", default=GROUPS, metavar="NAME", help="dependency groups that these tests need"
    )
    parser.add_argument("--list", action="store_true", help="only say which cells there are, and which Pythons")
    given = parser.parse_args(arguments)
    known, listing = _known()
    if not known:
        print(f"which releases of Airflow there are cannot be asked: {listing}")
        return 1
    cells = []
    for python in PYTHONS:
        for airflow in known:
            if given.cells and f"{python}/{airflow}" not in given.cells:
                continue
            cells.append(
                _listed(python, airflow) if given.list else try_cell(python, airflow, given.tests, given.groups)
            )
            print(cells[-1], flush=True)
    line, status = summary(cells)
    print(line)
    return 0 if given.list else status


if __name__ == "__main__":
    sys.exit(main())
