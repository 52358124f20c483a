"""The pages without a mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from e2e.conftest import SIZES
from promo_campaigns.ledger.run_list import read_line

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from e2e.promo_pages import PromoPages
    from promo_campaigns.postgres.connection import Connection

MOST_STEPS = 150


def tab_to(page: Page, what: Locator) -> None:
    """Press Tab until something has the focus."""
    expect(what).to_be_visible()
    for _ in range(MOST_STEPS):
        if what.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    msg = f"{MOST_STEPS} times Tab did not lead to {what}"
    raise AssertionError(msg)


@pytest.mark.short
def test_a_code_is_found_and_its_attempts_are_read_with_keys_alone(promo: PromoPages) -> None:
    page = promo.page
    promo.open("runs")
    tab_to(page, promo.root.get_by_role("link", name="Who got which", exact=True))
    page.keyboard.press("Enter")
    promo.expect_heading("Who got which")
    tab_to(page, promo.root.get_by_label("Contact", exact=True))
    page.keyboard.type("customer-5")
    page.keyboard.press("Enter")
    details = promo.rows("Codes of the contact").first.get_by_role("button")
    tab_to(page, details)
    page.keyboard.press("Enter")
    detail = page.get_by_test_id("promo-detail")
    expect(detail.get_by_role("heading", name="Attempts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    expect(details).to_be_focused()


def test_a_dialog_keeps_the_focus_inside_and_gives_it_back(promo: PromoPages, store: Connection) -> None:
    page = promo.page
    promo.open_run(SIZES.runs, read_line(store, SIZES.runs).run_key)
    export = promo.button("Export")
    tab_to(page, export)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_be_visible()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert dialog.evaluate("(element) => element.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(export).to_be_focused()


def test_files_are_chosen_with_keys(promo: PromoPages) -> None:
    promo.open("codes")
    zone = promo.root.locator("[data-scope=file-upload][data-part=dropzone]")
    tab_to(promo.page, zone)
    with promo.page.expect_file_chooser():
        promo.page.keyboard.press("Enter")
