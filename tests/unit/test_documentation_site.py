"""The site holds every page, and its start page leads to the answers of the first questions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

import promo_campaigns
from attacked_page import page as attacked_page
from doc_pages import DOCS, ROOT, page_text, table
from promo_campaigns.model.errors import __all__ as errors
from reference_pages import configuration_page, errors_page

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
FROM_TOP_LEVEL = {"develop/contributing.md", "develop/changelog.md"}
"""Pages that docs/.site/hooks.py makes of files of the top level."""
ANSWERS = {
    "by e-mail": ("how-to/email.md", "transport: smtp"),
    "Snowflake": ("warehouse.md", "## Snowflake and BigQuery"),
    "Who got which": ("how-to/who-got-which.md", "promo runs export"),
    "on Celery": ("operate/celery-and-kubernetes.md", "CeleryExecutor"),
    "on Kubernetes": ("operate/celery-and-kubernetes.md", "KubernetesExecutor"),
    "upgraded": ("operate/upgrade.md", "promo db migrate"),
    "backed up": ("operate/backup.md", "pg_dump"),
    "notebook": ("dataframes.md", "PromoStore"),
    "receiver times out": ("operate/unknown-sends.md", "promo unknown refuse"),
}
"""What a stranger asks: the page that answers it, and what must stand there."""


def pages_of(nav: Any) -> Iterator[str]:  # noqa: ANN401  (lists and mappings of YAML)
    """Return the pages of a navigation, in its order."""
    if isinstance(nav, str):
        yield nav
    for inside in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from pages_of(inside)


def test_the_navigation_holds_each_page_once() -> None:
    listed = [*pages_of(SITE["nav"])]
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert sorted(listed) == sorted(there | FROM_TOP_LEVEL)
    assert len(listed) >= 30


def test_the_start_page_leads_to_each_page() -> None:
    linked = {link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", page_text("index.md"))}
    own = {page for page in pages_of(SITE["nav"]) if not page.startswith("decisions/0")} - FROM_TOP_LEVEL - {"index.md"}
    assert own - linked == set()


def test_the_first_questions_are_answered_two_clicks_from_the_readme() -> None:
    assert "](docs/index.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    rows = table("index.md", "question")
    for word, (page, shown) in ANSWERS.items():
        (links,) = [set(re.findall(r"\]\(([^)#]+)", row[1])) for row in rows if word in row[0]]
        assert page in links
        assert shown in page_text(page)


def test_the_page_of_python_names_what_the_package_offers() -> None:
    named = re.findall(r"^::: promo_campaigns\.([\w.]+)\.(\w+)$", page_text("reference/python.md"), re.MULTILINE)
    homes = {name: home for name, home in promo_campaigns._HOMES.items() if name not in errors}  # noqa: SLF001  (where each public name lives)
    assert homes.items() <= {name: home for home, name in named}.items()


def test_the_pages_that_are_made_of_the_code_agree_with_it() -> None:
    """The page of tables is compared with a store, in tests/integration/test_how_to.py."""
    for name, made in (("errors", errors_page()), ("configuration", configuration_page())):
        assert page_text(f"reference/{name}.md") == made, "run: python tests/reference_pages.py"


def test_the_figures_of_the_attacks_are_those_that_were_kept() -> None:
    assert page_text("understand/attacked.md") == attacked_page(), "run: python tests/attacked_page.py"
