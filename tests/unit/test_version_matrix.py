"""The matrix of versions: which cells there are, and what counts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from version_matrix import (
    FAILED,
    NOT_RUN,
    PASSED,
    Cell,
    find_python,
    of_pyenv,
    packages_of,
    releases,
    summary,
    try_cell,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_final_releases_from_the_first_supported_one_on_are_tried() -> None:
    listing = "apache-airflow (3.3.2)\nAvailable versions: 4.0.0, 3.10.0, 3.4.0rc1, 3.3.2, 3.3.0, 3.2.9, 2.11.0\n"
    assert releases(listing) == ["3.3.0", "3.3.2", "3.10.0"]
    assert releases("ERROR: no network") == []


def test_what_is_not_here_is_named_and_counts_as_not_run() -> None:
    assert find_python("3.99") == ""
    cell = try_cell("3.99", "3.3.2", [])
    assert str(cell) == "Python 3.99  Airflow 3.3.2   not run: there is no Python 3.99 on this machine"


def test_pythons_of_pyenv_are_found_the_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    for version in ("3.12.9", "3.12.10", "3.1.2", "3.13.0"):
        python = tmp_path / "versions" / version / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
    assert [path.split("/")[-3] for path in of_pyenv("3.12")] == ["3.12.10", "3.12.9"]
    assert of_pyenv("3.11") == []


def test_a_cell_installs_the_packages_of_the_groups_that_its_tests_need() -> None:
    assert any(package.startswith("pytest>=") for package in packages_of("dev"))
    assert any(package.startswith("playwright>=") for package in packages_of("e2e"))
    with pytest.raises(ValueError, match="no dependency group pictures"):
        packages_of("pictures")


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [([PASSED, NOT_RUN], 0), ([PASSED, FAILED], 1), ([NOT_RUN, NOT_RUN], 1), ([], 1)],
)
def test_it_fails_if_a_cell_failed_or_none_passed(outcomes: list[str], status: int) -> None:
    line, told = summary([Cell("3.11", "3.3.2", outcome) for outcome in outcomes])
    assert told == status
    assert line.endswith(f"{outcomes.count(NOT_RUN)} not run, of {len(outcomes)} cells")
