"""What holds on every page: both themes, narrow and enlarged screens, accessibility, a clean console."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from e2e.conftest import SIZES
from e2e.promo_pages import PAGES, PromoPages

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from e2e.conftest import Visit

PLACES = (
    *PAGES,
    f"runs/{SIZES.runs}",
    "codes/files/1",
    "who/1",
    "contacts/1",
    "workflows/welcome_push",
    "workflows/welcome_push/message",
    "workflows/welcome_mail/message",
    "workflows/welcome_push/dry-run",
    "workflows/welcome_push/test",
    "workflows/welcome_push/trigger",
)
"""Every page, and the pages below it."""
SERIOUS = ("serious", "critical")
PHONE = {"width": 390, "height": 844}
ENLARGED = {"width": 640, "height": 512}
"""What a window of 1280 by 1024 pixels has room for when everything is twice as large."""


STILL = """() => Promise.allSettled(document.getAnimations()
    .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished))"""
"""A button that has just become one to press is on its way from one colour to the other."""


def open_place(page: Page, place: str) -> PromoPages:
    """Open a place and wait until everything on it is there."""
    promo = PromoPages(page)
    page.goto(f"/plugin/promo/{place}")
    expect(promo.root.get_by_role("heading", level=1)).to_be_visible()
    expect(promo.root.locator("main [role=status][aria-label*=oading]")).to_have_count(0)
    return promo


def findings(page: Page) -> list[str]:
    """Return what axe finds serious or worse in what is ours, once no colour changes any more."""
    page.evaluate(STILL)
    found = Axe().run(page, context={"include": [["[data-testid=promo]"]]}).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:200]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def sideways(page: Page) -> list[str]:
    """Return what makes the page, or what is ours of it, scroll sideways."""
    found: list[str] = page.evaluate(
        """() => [document.documentElement, document.querySelector('[data-testid=promo]')]
            .filter((part) => part.scrollWidth > part.clientWidth)
            .map((part) => `${part.tagName}: ${part.scrollWidth} > ${part.clientWidth}`)"""
    )
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing_serious(visit: Visit, place: str, theme: str) -> None:
    page = visit(color_scheme=theme)
    open_place(page, place)
    expect(page.locator("html")).to_have_class(theme)
    assert findings(page) == []


@pytest.mark.short
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_pages_of_every_day(visit: Visit, theme: str) -> None:
    page = visit(color_scheme=theme)
    found = {}
    for place in ("runs", f"runs/{SIZES.runs}", "codes", "who/1", "workflows"):
        open_place(page, place)
        expect(page.locator("html")).to_have_class(theme)
        found[place] = findings(page)
    assert {place: each for place, each in found.items() if each} == {}


@pytest.mark.short
@pytest.mark.parametrize("screen", [PHONE, ENLARGED], ids=["390 px", "200 %"])
def test_no_page_scrolls_sideways(visit: Visit, screen: dict[str, int]) -> None:
    page = visit(viewport=screen)
    found = {}
    for place in PLACES:
        open_place(page, place)
        found[place] = sideways(page)
    assert {place: each for place, each in found.items() if each} == {}


def test_the_pages_are_used_with_a_finger_on_a_phone(visit: Visit) -> None:
    promo = open_place(visit(viewport=PHONE, has_touch=True), "runs")
    promo.root.get_by_role("navigation", name="Promo").get_by_role("link", name="Codes", exact=True).tap()
    promo.expect_heading("Codes")
    expect(promo.rows("Stock by type and discount").first).to_be_visible()


def test_the_theme_that_is_chosen_in_airflow_is_followed_at_once(visit: Visit) -> None:
    page = visit()
    open_place(page, "runs")
    body = "getComputedStyle(document.querySelector('[data-testid=promo] table')).color"
    light = page.evaluate(body)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_class("dark")
    assert page.evaluate(body) != light


def test_every_tab_is_reached_and_each_names_itself_in_the_title(visit: Visit) -> None:
    promo = open_place(visit(), "runs")
    for label in PAGES.values():
        promo.tab(label)
        expect(promo.page).to_have_title(f"{label} · Promo")
    promo.page.go_back()
    promo.expect_heading("Checks")
    promo.page.reload()
    promo.expect_heading("Checks")
