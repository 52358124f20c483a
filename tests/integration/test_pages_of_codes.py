"""The examples of the pages about codes that are made, and codes that come back."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from promo_campaigns.cli import main
from promo_campaigns.code_files.code_pattern import ALPHABET, CodePattern

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("generated-codes.md", "redemptions.md", "codes-from-a-warehouse.md")


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(
    page: str, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    for name, text in zip(blocks(page, "csv names"), blocks(page, "csv"), strict=True):
        (tmp_path / name.strip()).write_text(text, encoding="utf-8")
    for line in "".join(blocks(page, "sh")).splitlines():
        assert main(shlex.split(line, comments=True)[1:]) == 0, (line, capsys.readouterr())


@pytest.mark.parametrize("page", PAGES)
def test_the_dags_of_a_page_are_dags(page: str) -> None:
    from airflow.sdk import DAG

    for text in blocks(page, "python"):
        names: dict[str, object] = {}
        exec(compile(text, page, "exec"), names)  # noqa: S102  (the page's own example)
        assert any(isinstance(value, DAG) for value in names.values()) or "with DAG(" in text


def test_the_page_says_how_many_codes_a_pattern_is_for() -> None:
    text = (DOCS / "generated-codes.md").read_text(encoding="utf-8")
    assert f"`{ALPHABET}`" in text
    rows = re.findall(r"^\| (\d+) \| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)
    assert rows
    for places, space, most in rows:
        pattern = CodePattern("?" * int(places))
        assert f"{pattern.space:,}" == space
        pattern.require_room(int(most.replace(",", "")))
        assert pattern.guesses_per_hit(int(most.replace(",", "")) + 1) < 100_000
