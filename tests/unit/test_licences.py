"""The page of licences names every package that the product requires, under the licence that it declares."""

from __future__ import annotations

from licences_page import PAGE, dependencies, rows


def test_every_dependency_stands_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in dependencies() if f"| `{name}` |" not in page] == []


def test_the_page_says_what_the_installed_packages_declare() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [row for row in rows().values() if row not in page] == [], "run python tests/licences_page.py"
