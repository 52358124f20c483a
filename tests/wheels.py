"""The wheel, built from the checkout, and commands in an environment free of the developer's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]


def find_uv() -> str:
    """Return the command of uv."""
    background_executor = Path(sys.executable).with_name("uv")
    for place in (
        str(background_executor) if background_executor.exists() else None,
        shutil.which("uv"),
        Path.home() / ".local/bin/uv",
    ):
        if place and Path(place).exists():
            return str(place)
    pytest.fail("uv is needed to make virtual environments; bin/test installs it")


def run(command: Sequence[str | Path], **environment: str) -> str:
    """Run a command in an environment free of the developer's Python and Airflow; return what it printed."""
    strange = ("AIRFLOW", "PYTHON", "PROMO", "VIRTUAL_ENV", "PG")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    done = subprocess.run(
        [str(word) for word in command],
        env={**clean, "UV_PYTHON_DOWNLOADS": "never", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build_wheel(folder: Path) -> Path:
    """Build the wheel into a folder, as a release would, and return it."""
    run([find_uv(), "build", "--quiet", "--wheel", "--out-dir", folder])
    (built,) = folder.glob("*.whl")
    return built
