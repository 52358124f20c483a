"""The pages' files as they lie there: what holds of them without a browser and without node."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from promo_campaigns.ui.registration import react_apps
from promo_campaigns.ui.static_files import STATIC

MODULES = sorted(path for path in STATIC.rglob("*.js"))
IMPORTED = re.compile(r"(?:\bfrom\s+|\bimport\(\s*|^import\s+)\"([^\"]+)\"", re.MULTILINE)
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(")
HEX_COLOUR = re.compile(r"[\"'`]#(?:[0-9a-fA-F]{3}){1,2}[\"'`]")
SHARED = re.compile(r"globalThis\.(?:React|ReactRouterDOM|ChakraUI)\b")
NAMES = re.compile(r"const NAMES = \[([^\]]*)\]")
MOST_LINES = 350


def module_name(path: Path) -> str:
    return path.relative_to(STATIC).as_posix()


each_module = pytest.mark.parametrize("module", MODULES, ids=module_name)


def text_of(module: Path) -> str:
    """Return a module without the types in its comments, which no browser loads."""
    return re.sub(r"/\*\*.*?\*/", "", module.read_text(encoding="utf-8"), flags=re.DOTALL)


@each_module
def test_what_a_module_imports_lies_beside_it(module: Path) -> None:
    for imported in IMPORTED.findall(text_of(module)):
        assert imported.startswith("."), f"{imported} would be code of somebody else"
        assert (module.parent / imported).is_file(), imported


@each_module
def test_a_module_makes_no_markup_of_text_and_no_colour_of_its_own(module: Path) -> None:
    assert not MARKUP.findall(text_of(module))
    assert not HEX_COLOUR.findall(text_of(module))


@each_module
def test_one_module_alone_reads_what_airflow_shares(module: Path) -> None:
    assert bool(SHARED.search(text_of(module))) == (module_name(module) == "airflow_page.js")


@each_module
def test_a_module_can_be_read_in_one_go(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_every_module_is_reached_from_the_one_that_airflow_loads() -> None:
    reached = {STATIC / "promo.js"}
    ahead = list(reached)
    while ahead:
        module = ahead.pop()
        found = {(module.parent / imported).resolve() for imported in IMPORTED.findall(text_of(module))} - reached
        reached |= found
        ahead += found
    assert set(MODULES) <= reached


def test_the_entry_sets_the_names_that_airflow_looks_up() -> None:
    named = NAMES.search((STATIC / "promo.js").read_text(encoding="utf-8"))
    assert named is not None
    apps = react_apps()
    assert re.findall(r"\"([^\"]+)\"", named.group(1)) == [app["name"] for app in apps]
    assert {Path(app["bundle_url"]).name for app in apps} == {"promo.js"}
