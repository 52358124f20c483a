"""Figures of the benchmarks: what one is, where they are kept, and how they are shown and compared.

A figure is one line of ``.bench/results.jsonl``. Where it has a peer, its ratio says how many times as good as the peer
it is, of the same run: more is always better, for rates and for seconds alike.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Sequence

RESULTS = Path(os.environ.get("BENCH_RESULTS", Path(__file__).parents[2] / ".bench" / "results.jsonl"))
RECORDED = Path(__file__).with_name("recorded.jsonl")
MOST_LOST = 0.15
"""By how much a ratio may fall below the recorded one."""
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
PAGE_BEGINS = "<!-- recorded figures: python -m benchmarks --page -->"
PAGE_ENDS = "<!-- end of the recorded figures -->"
_HEADS = ("figure", "value", "unit", "times", "of", "aim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure.

    :ivar name: the benchmark's name, a dot, and its own
    :ivar peer: what was measured beside it in the same run
    :ivar ratio: how many times as good as the peer, > 0
    :ivar least_ratio: the aim for the ratio
    :ivar least: the aim for the value, where more is better
    :ivar most: the aim for the value, where less is better
    :ivar size: the options of the measurement: figures of other sizes are not compared
    """

    name: str
    value: float
    unit: str
    peer: str | None = None
    ratio: float | None = None
    least_ratio: float | None = None
    least: float | None = None
    most: float | None = None
    size: str = ""

    @property
    def is_met(self) -> bool:
        """Whether it reaches its aim; True when it has none."""
        if self.least_ratio is not None and (self.ratio is None or self.ratio < self.least_ratio):
            return False
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def aim(self) -> str:
        """The aim in words; empty when it has none."""
        aims = []
        if self.least_ratio is not None:
            aims.append(f"at least {shown(self.least_ratio)} times {self.peer}")
        if self.least is not None:
            aims.append(f"at least {shown(self.least)} {self.unit}")
        if self.most is not None:
            aims.append(f"at most {shown(self.most)} {self.unit}")
        return ", ".join(aims)


def keep(benchmark: str, figures: Sequence[Figure], options: Namespace | dict[str, Any]) -> int:
    """Print a benchmark's figures, put them into the results in place of its former ones, and return its exit status.

    :param benchmark: its name, which is put before that of each figure
    :param options: how it was called
    :returns: 1 when an aim is missed
    """
    given = options if isinstance(options, dict) else vars(options)
    size = " ".join(f"{name}={value}" for name, value in sorted(given.items()) if value is not None)
    named = [replace(figure, name=f"{benchmark}.{figure.name}", size=size) for figure in figures]
    put(RESULTS, named)
    sys.stdout.write(table(named))
    sys.stdout.flush()
    return 0 if all(figure.is_met for figure in named) else 1


def middle(rounds: Sequence[Sequence[Figure]]) -> list[Figure]:
    """Return each figure from the round in which its ratio, or its value if it has none, was the median of all.

    Of an even number of rounds the lower of the two in the middle counts.
    """
    found = []
    for name in dict.fromkeys(figure.name for one in rounds for figure in one):
        each = [figure for one in rounds for figure in one if figure.name == name]
        each.sort(key=lambda figure: figure.value if figure.ratio is None else figure.ratio)
        found.append(each[(len(each) - 1) // 2])
    return found


def read(path: Path) -> list[Figure]:
    """Return the figures of a file; none when there is no such file."""
    if not path.exists():
        return []
    return [Figure(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def put(path: Path, figures: Sequence[Figure]) -> None:
    """Put the figures of a benchmark into a file, in place of its former ones."""
    benchmarks = {figure.name.partition(".")[0] for figure in figures}
    write(path, [*(each for each in read(path) if each.name.partition(".")[0] not in benchmarks), *figures])


def write(path: Path, figures: Iterable[Figure]) -> None:
    """Write a file of figures, one a line: name, value, unit, peer and ratio, and what else it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(_line(figure) for figure in figures), encoding="utf-8")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table, each missed aim marked."""
    rows = [_HEADS, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS))]
    return "".join(_row(row, widths) for row in rows)


def page_with(page: str, recorded: Sequence[Figure]) -> str:
    """Return the text of the page of benchmarks with the recorded figures as its table, between the two marks.

    :raises ValueError: a mark is missing
    """
    before, begin, rest = page.partition(PAGE_BEGINS)
    _, end, after = rest.partition(PAGE_ENDS)
    if not end:
        msg = f"the page has no table to fill: it must hold the lines {PAGE_BEGINS!r} and {PAGE_ENDS!r}, in this order"
        raise ValueError(msg)
    rows = [_HEADS, ("---", "---:", "---", "---:", "---", "---"), *(_page_cells(each) for each in recorded)]
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows) if recorded else "No figure is recorded yet.\n"
    return f"{before}{begin}\n\n{lines}\n{end}{after}"


def fallen(figures: Iterable[Figure], recorded: Iterable[Figure]) -> list[str]:
    """Name each ratio that fell too far below the recorded one of the same size. Absolute values are never compared."""
    now = {figure.name: figure for figure in figures}
    found = []
    for before in recorded:
        after = now.get(before.name)
        if after is None or before.ratio is None or after.size != before.size:
            continue
        if after.ratio is None or after.ratio < before.ratio * (1 - MOST_LOST):
            became = "no ratio" if after.ratio is None else shown(after.ratio)
            found.append(f"{before.name}: {became} times {before.peer}, recorded {shown(before.ratio)}")
    return found


def not_compared(figures: Iterable[Figure], recorded: Iterable[Figure]) -> list[str]:
    """Name each ratio of which none is recorded in this size, and each recorded one that was not measured."""
    ours, theirs = (
        {(figure.name, figure.size) for figure in each if figure.ratio is not None} for each in (figures, recorded)
    )
    return sorted(f"{name} ({size})" for name, size in ours ^ theirs)


def shown(number: float) -> str:
    """Return a number as a person reads it: whole with its thousands apart, or with three digits that tell."""
    return f"{number:,.0f}" if abs(number) >= 1000 or number == int(number) else f"{number:.3g}"


def _line(figure: Figure) -> str:
    kept = ("name", "value", "unit", "peer", "ratio")
    line = {name: value for name, value in asdict(figure).items() if name in kept or value not in (None, "")}
    return json.dumps(line) + "\n"


def _cells(figure: Figure) -> tuple[str, ...]:
    ratio = "" if figure.ratio is None else shown(figure.ratio)
    aim = figure.aim and f"{figure.aim}{'' if figure.is_met else ': MISSED'}"
    return (figure.name, shown(figure.value), figure.unit, ratio, figure.peer or "", aim)


def _page_cells(figure: Figure) -> tuple[str, ...]:
    name, *others = _cells(figure)
    return (f"`{name}`", *(cell.replace("|", "\\|") for cell in others))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    placed = (
        cell.rjust(width) if place in {1, 3} else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(placed).rstrip() + "\n"
