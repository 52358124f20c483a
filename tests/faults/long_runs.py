"""Attacks that go on for an hour: cut into parts, with figures kept after each, so that they may be broken off."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timezone
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Attack = TypeVar("Attack")

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".faults"


def cut(attacks: Sequence[Attack], *, most: int, beside: int) -> list[Sequence[Attack]]:
    """Return them in parts of at most so many, and at least one for each process beside the others."""
    size = max(1, min(most, ceil(len(attacks) / beside)))
    return [attacks[first : first + size] for first in range(0, len(attacks), size)]


def current_commit() -> str:
    """Return the commit that is attacked."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607  (the developer's own)
    return done.stdout.strip()


def keep_figures(name: str, commit: str, figures: Mapping[str, object]) -> Path:
    """Write down what a run came to so far; return the file, seen from the checkout."""
    FOLDER.mkdir(exist_ok=True)
    kept = {**figures, "commit": commit, "date": f"{datetime.now(timezone.utc):%Y-%m-%d}"}
    file = FOLDER / name
    file.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return file.relative_to(ROOT)
