"""Puts figures into ``docs/understand/attacked.md``: ``python tests/attacked_page.py``.

``python tests/attacked_page.py .faults/results.json .faults/kills.json`` first takes up what searches came to.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import planted_bugs
from faults.planted_bugs import BUGS, PlantedBug

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "understand" / "attacked.md"
RESULTS = PAGE.with_name("search-results.json")
_ATTACKS = ROOT / "tests" / "integration" / "data" / "attacks.sql"
_TABLE = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)", re.DOTALL)
_HEAD = """| attack | how much | promises broken | seeds | took | commit |
| --- | ---: | ---: | --- | ---: | --- |
"""


def table() -> str:
    """Return the table of figures."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    rows = [row for one in results for row in _rows(one)]
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in [*rows, *_counted()])


def page() -> str:
    """Return the page with the figures as they are."""
    return _TABLE.sub(lambda _: table(), PAGE.read_text(encoding="utf-8"))


def take_up(file: Path) -> None:
    """Add the figures of a search; those of the same commit and seeds are replaced."""
    new = json.loads(file.read_text(encoding="utf-8"))
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    kept = [one for one in results if _search(one) != _search(new)]
    RESULTS.write_text(json.dumps([*kept, new], indent=2) + "\n", encoding="utf-8")


def _search(one: dict[str, Any]) -> tuple[object, ...]:
    return one["commit"], one.get("seeds"), one.get("contacts"), one.get("real_kills", {}).get("seed")


def _rows(one: dict[str, Any]) -> list[Sequence[str]]:
    commit = f"{one['commit'][:7]}, {one['date']}"
    rows: list[Sequence[str]] = []
    if "schedules" in one:
        more = f", {one['steps']:,} steps, {one['injected']:,} faults" if "steps" in one else ""
        much = f"{one['schedules']:,} schedules{more}"
        seeds = f"{one['seeds'][0]} to {one['seeds'][1]}"
        what = f"drawn schedules of {one['contacts']:,} contacts" if "contacts" in one else "drawn schedules"
        rows.append((what, much, f"{one['violations']:,}", seeds, _time(one["seconds"]), commit))
    if kills := one.get("real_kills"):
        seed = str(kills.get("seed", ""))
        rows.append(("real kills", _struck(kills), f"{kills['violations']:,}", seed, _time(kills["seconds"]), commit))
    return rows


def _struck(kills: dict[str, Any]) -> str:
    if "kills" not in kills:
        return f"{kills['faults']:,} kills, stops and pauses"
    points = f"{kills['points_struck']:,} of {kills['points']:,} points"
    struck = f"{kills['kills']:,} SIGKILL, {kills['postgres_stops']:,} stops of Postgres, {kills['pauses']:,} pauses"
    return f"{struck}; {points}"


def _counted() -> list[Sequence[str]]:
    own = sum(isinstance(one, PlantedBug) for one in vars(planted_bugs).values())
    attacks = len(re.findall("^-- attack: ", _ATTACKS.read_text(encoding="utf-8"), re.MULTILINE))
    return [
        (
            "planted mistakes",
            f"{len(BUGS)} for the search, {own} with a scenario of their own",
            "all found",
            "",
            "",
            "",
        ),
        ("statements of an account", f"{attacks} attacks on the schema", "stopped or seen", "", "", ""),
    ]


def _time(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        take_up(Path(name))
    PAGE.write_text(page(), encoding="utf-8")
