"""What `make bench` makes of figures: it keeps them by benchmark, and compares ratios of one size."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import __main__ as bench
from benchmarks import figures
from benchmarks.figures import (
    MOST_LOST,
    PAGE,
    PAGE_BEGINS,
    PAGE_ENDS,
    RECORDED,
    Figure,
    fallen,
    keep,
    middle,
    not_compared,
    page_with,
    read,
    table,
)

if TYPE_CHECKING:
    from pathlib import Path

OURS = Figure(name="ours", value=900.0, unit="contacts/s", peer="the loop", ratio=3.0, least_ratio=2.0)


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / ".bench" / "results.jsonl"
    monkeypatch.setattr(figures, "RESULTS", path)
    monkeypatch.setattr(bench, "RESULTS", path)
    monkeypatch.setattr(bench, "RECORDED", tmp_path / "recorded.jsonl")
    monkeypatch.setattr(bench, "PAGE", tmp_path / "benchmarks.md")
    (tmp_path / "benchmarks.md").write_text(f"# Figures\n{PAGE_BEGINS}\nold\n{PAGE_ENDS}\nMore.\n")
    return path


def test_every_line_has_the_five_names(results: Path) -> None:
    keep("send", [OURS, Figure(name="bare", value=300.0, unit="contacts/s")], {"contacts": 5})
    for line in results.read_text().splitlines():
        assert {"name", "value", "unit", "peer", "ratio"} <= set(json.loads(line))


def test_a_benchmark_replaces_its_own_figures_and_nobody_else_s(results: Path) -> None:
    keep("send", [OURS, replace(OURS, name="gone")], {"contacts": 5})
    keep("send_peers", [OURS], {})
    keep("send", [replace(OURS, ratio=4.0)], {"contacts": 6})
    kept = {figure.name: (figure.ratio, figure.size) for figure in read(results)}
    assert kept == {"send_peers.ours": (3.0, ""), "send.ours": (4.0, "contacts=6")}


@pytest.mark.parametrize(
    ("figure", "is_met"),
    [
        (OURS, True),
        (replace(OURS, ratio=1.9), False),
        (replace(OURS, ratio=None), False),
        (Figure(name="end", value=0.04, unit="of a run", most=0.05), True),
        (Figure(name="end", value=0.06, unit="of a run", most=0.05), False),
        (Figure(name="preview", value=19_999, unit="contacts/s", least=20_000), False),
        (Figure(name="without an aim", value=1, unit="s"), True),
    ],
)
def test_a_missed_aim_is_the_exit_status_and_stands_in_the_table(
    *,
    figure: Figure,
    is_met: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert keep("any", [figure], {}) == (0 if is_met else 1)
    assert ("MISSED" in capsys.readouterr().out) is not is_met


@given(
    before=st.floats(0.01, 1000),
    after=st.floats(0.01, 1000),
    values=st.tuples(st.floats(0.01, 1e9), st.floats(0.01, 1e9)),
    same_size=st.booleans(),
)
def test_a_ratio_is_named_exactly_when_it_fell_too_far_whatever_the_absolute_values(
    before: float,
    after: float,
    values: tuple[float, float],
    same_size: bool,  # noqa: FBT001  (drawn)
) -> None:
    recorded = replace(OURS, value=values[0], ratio=before, size="contacts=5")
    measured = replace(OURS, value=values[1], ratio=after, size="contacts=5" if same_size else "contacts=6")
    named = fallen([measured], [recorded])
    assert bool(named) is (same_size and after < before * (1 - MOST_LOST))
    assert bool(not_compared([measured], [recorded])) is not same_size


def test_a_ratio_that_was_lost_fell() -> None:
    assert fallen([replace(OURS, ratio=None)], [OURS])


def test_the_table_shows_every_figure_in_one_line() -> None:
    shown = table([OURS, Figure(name="bare", value=1_234_567.0, unit="contacts/s")])
    assert len(shown.splitlines()) == 3
    assert "1,234,567" in shown


def test_a_recorded_ratio_that_fell_is_the_end_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    keep("send", [OURS], {"contacts": 5})
    assert bench.record() == 0
    assert bench.conclude([], small=False) == 0
    keep("send", [replace(OURS, ratio=2.5)], {"contacts": 5})
    assert bench.conclude([], small=False) == 1
    assert "send.ours: 2.5 times the loop, recorded 3" in capsys.readouterr().out


def test_nothing_is_recorded_without_a_figure_that_has_a_peer(capsys: pytest.CaptureFixture[str]) -> None:
    keep("send", [Figure(name="bare", value=300.0, unit="contacts/s")], {})
    assert bench.record() == 1
    assert "Run make bench first" in capsys.readouterr().err


def test_a_benchmark_that_failed_and_a_missed_aim_are_both_named_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    keep("send", [replace(OURS, ratio=1.0)], {})
    assert bench.conclude(["bench_claim"], small=False) == 1
    said = capsys.readouterr().out
    assert "Benchmarks that failed:\n  bench_claim" in said
    assert "Missed aims:\n  send.ours: at least 2 times the loop" in said


def test_a_missed_aim_and_a_failure_stop_nothing_and_former_figures_are_gone(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep("former", [OURS], {})
    told = "from benchmarks.figures import *\n"
    told += "raise SystemExit(keep('{}', [Figure(name='s', value={}, unit='s', most=1)], {{}}))"
    texts = {"breaks": "raise ValueError", "misses": told.format("misses", 2), "meets": told.format("meets", 1)}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "SMALL", dict.fromkeys(texts, ""))
    assert bench.main([]) == 1
    assert [figure.name for figure in read(results)] == ["misses.s", "meets.s"]
    said = capsys.readouterr().out
    assert "Benchmarks that failed:\n  breaks\n" in said
    assert "Missed aims:\n  misses.s: at most 1 s\n" in said
    assert bench.main(["meets"]) == 1  # the missed aim still stands in the results
    assert [figure.name for figure in read(results)] == ["misses.s", "meets.s"]
    assert "failed" not in capsys.readouterr().out


def test_every_benchmark_there_is_runs_in_make_bench() -> None:
    folder = figures.RECORDED.parent
    keeping = {path.stem for path in folder.glob("*.py") if " keep(" in path.read_text(encoding="utf-8")}
    assert keeping - {"figures"} == set(bench.SMALL)


def test_the_page_of_benchmarks_shows_what_is_recorded() -> None:
    """Run `python -m benchmarks --page` when it does not."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with(page, read(RECORDED))


def test_what_is_recorded_is_shown_on_the_page(tmp_path: Path) -> None:
    keep("send", [OURS], {"contacts": 5})
    assert bench.record() == 0
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| `send.ours` | 900 | contacts/s | 3 | the loop | at least 2 times the loop |" in page
    assert "old" not in page
    assert page.endswith("More.\n")
    assert bench.main(["--page"]) == 0
    assert (tmp_path / "benchmarks.md").read_text() == page


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no table to fill"):
        page_with(f"{PAGE_ENDS} {PAGE_BEGINS}", [])


def test_of_five_rounds_each_figure_is_the_median_of_its_own() -> None:
    slow = Figure(name="bare", value=300.0, unit="contacts/s")
    ratios, values = (5.0, 1.0, 3.0, 2.0, 4.0), (10.0, 50.0, 20.0, 40.0, 30.0)
    rounds = [
        [replace(OURS, ratio=ratio), replace(slow, value=value)] for ratio, value in zip(ratios, values, strict=True)
    ]
    assert [(each.name, each.ratio, each.value) for each in middle(rounds)] == [
        ("ours", 3.0, 900.0),
        ("bare", None, 30.0),
    ]


def test_what_measures_once_is_run_five_times_and_its_medians_are_kept(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = f"from pathlib import Path\nseen = Path({str(tmp_path / 'seen')!r})\n"
    counting += "done = len(seen.read_text()) if seen.exists() else 0\nseen.write_text('x' * (done + 1))\n"
    counting += "from benchmarks.figures import *\n"
    counting += "raise SystemExit(keep('once', [Figure(name='s', value=[9, 7, 5, 8, 6][done], unit='s')], {}))"
    (tmp_path / "once.py").write_text(counting)
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "SMALL", {"once": ""})
    monkeypatch.setattr(bench, "AGAIN", {"once": 5})
    assert bench.main([]) == 0
    assert [(figure.name, figure.value) for figure in read(results)] == [("once.s", 7)]
    assert len((tmp_path / "seen").read_text()) == 5
