"""docs/troubleshooting.md: each mistake is made, and the page quotes what is really shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integration.mistakes import MISTAKES, Scenario
from promo_campaigns.cli.exit_status import ExitStatus

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
SECRETS = ("reader@", "promo:", "me:key", "Authorization: Basic")


def quoted(section: str) -> list[str]:
    """Return the lines that a section quotes."""
    block = re.search(r"^```text\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return block[1].splitlines() if block else []


def is_shown(line: str, shown: str) -> bool:
    """Tell whether a line is shown; ``…`` in it stands for whatever differs each time."""
    pattern = ".*".join(map(re.escape, line.strip().split("…")))
    return any(re.fullmatch(f".*{pattern}.*", one) for one in shown.splitlines())


def test_the_page_lists_the_mistakes_by_symptom() -> None:
    assert list(SECTIONS) == list(MISTAKES)
    assert len(SECTIONS) >= 20
    assert [name for name, text in SECTIONS.items() if "**Why.**" not in text or "**Do.**" not in text] == []


@pytest.fixture
def scenario(dsn: str, empty_database: str, store: Connection, tmp_path: Path, receiver: Receiver) -> Scenario:
    """Return a store of its own, an empty folder and a receiver."""
    return Scenario(dsn=dsn, empty_dsn=empty_database, store=store, folder=tmp_path, receiver=receiver)


@pytest.mark.parametrize("heading", MISTAKES)
def test_a_mistake_is_told_as_the_page_says_without_a_traceback(
    heading: str, scenario: Scenario, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.capsys, scenario.monkeypatch = capsys, monkeypatch
    capsys.readouterr()
    shown = MISTAKES[heading](scenario)
    assert shown.strip(), "nothing was said"
    assert "Traceback" not in shown
    assert ExitStatus.FAULT not in scenario.statuses
    assert not [secret for secret in SECRETS if secret in shown.replace("promo: ", "")]
    lines = quoted(SECTIONS[heading])
    assert lines
    assert [line for line in lines if not is_shown(line, shown)] == [], shown
