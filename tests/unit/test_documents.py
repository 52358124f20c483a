"""What the documents of the repository name is there, and each decision says what violates it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from monitoring_page import PAGE as MONITORING
from monitoring_page import with_tables

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plugins" / "promo_campaigns"
DECISIONS = ROOT / "docs" / "decisions"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PAGES = sorted(DECISIONS.glob("[0-9]*.md"))
PARTS = ["**Why.**", "**Decision.**", "**What it costs.**", "**What shows it.**"]
ENDING = r"## A change violates this when\n\n(?:- .+(?:\n  .+)*\n){2,}\Z"
MADE_LATER = {"tests/benchmarks/recorded.jsonl"}
"""Written by ``make bench-record``."""
IN_REPOSITORY = ("bin/", "dags/", "docs/", "include/", "plugins/", "tests/")


def parse_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=parse_name)
def test_the_links_of_a_document_lead_somewhere(document: Path) -> None:
    text = without_code(document.read_text(encoding="utf-8"))
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (document.parent / link).exists()] == []


def place_of(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and the site make it."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def places(document: Path) -> set[str]:
    text = without_code(document.read_text(encoding="utf-8"))
    return {place_of(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_the_headings_that_links_name_are_there() -> None:
    missing = []
    for document in DOCUMENTS:
        text = without_code(document.read_text(encoding="utf-8"))
        for target, place in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", text):
            page = document.parent / target if target else document
            if "://" not in target and place not in places(page):
                missing.append(f"{parse_name(document)}: {target}#{place}")
    assert missing == []


def test_the_examples_in_python_can_be_read() -> None:
    for document in DOCUMENTS:
        for block in re.findall(
            r"^```python[^\n]*\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            ast.parse(block)


@pytest.mark.parametrize("document", DOCUMENTS, ids=parse_name)
def test_the_files_that_a_document_names_exist(document: Path) -> None:
    """A path in backticks begins at the repository, or at a room of the package."""
    text = without_code(document.read_text(encoding="utf-8"))
    named = re.findall(r"`([a-z_.][\w./-]*/[\w./-]*)`", text)
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    ours = [path for path in named if path.startswith(IN_REPOSITORY) or path.partition("/")[0] in rooms]
    there = {path for path in ours if (ROOT / path).exists() or (PACKAGE / path).exists()}
    assert {*ours} - there - MADE_LATER == set()


def test_no_text_points_at_notes_outside_the_repository() -> None:
    """Where a fact comes from stands in docs/vendor.md, or in a link."""
    outside = re.compile(r"\[(?:reteno|reliability|velocity|newcomer|peers|craft)\]")
    texts = [*(ROOT / "plugins").rglob("*.*"), *(ROOT / "tests").rglob("*.py"), *DOCUMENTS]
    ours = [file for file in texts if file.suffix in {".py", ".sql", ".md", ".json"}]
    assert [parse_name(file) for file in ours if outside.search(file.read_text(encoding="utf-8"))] == []


def test_the_statements_that_a_document_names_exist() -> None:
    """A statement in brackets stands behind the file that holds it."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w./]+\.sql)` \(`(\w+)`\)", text)
    assert named
    assert [name for file, name in named if f"-- {name} --" not in (PACKAGE / file).read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("page", PAGES, ids=parse_name)
def test_a_decision_is_one_page_and_ends_in_what_violates_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(rf"# {page.name[:4]} \w", text)
    assert re.findall(r"^\*\*[^*]+\*\*", text, re.MULTILINE) == PARTS
    assert re.search(ENDING, text)
    assert len(text.splitlines()) <= 60


def test_the_list_of_decisions_names_each_once_and_in_order() -> None:
    listed = re.findall(
        r"^\| \[(\d{4})\]\((.+?)\) \|", (DECISIONS / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert listed == [(page.name[:4], page.name) for page in PAGES]


def test_the_page_of_metrics_and_alerts_names_those_that_there_are() -> None:
    page = MONITORING.read_text(encoding="utf-8")
    assert page == with_tables(page), "run python tests/monitoring_page.py"
