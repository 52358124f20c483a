"""A campaign manager's day in the pages, step by step: what make pictures takes pictures of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from e2e.promo_pages import PromoPages

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

RUN_MS = 900_000
"""For what takes as long as Airflow takes for a whole campaign."""
NEW_CODES = 2_000
HEAD = "code,expirationDate,discount,type,inUse\n"


class Day:
    """A campaign manager's day, in one tab.

    :ivar promo: the way through the pages
    """

    def __init__(self, page: Page, folder: Path, live: int) -> None:
        self.page = page
        self.promo = PromoPages(page)
        self.folder = folder
        self.live = live

    def look_at_home(self) -> None:
        """Open Airflow, as every morning."""
        self.page.goto("/")
        expect(self.promo.section("Promo")).to_be_visible()

    def upload(self) -> None:
        """Drop a file that came from the shop, of which some rows are wrong."""
        file = self.folder / "birthday_codes.csv"
        good = (
            f"BDAY-{number * 7919 % 999_983:06}-{number:04},2031-12-31,10,Birthday,false\n"
            for number in range(NEW_CODES)
        )
        bad = ("BDAY-X1,31 February,10,Birthday,false\n", "BDAY-X2,2031-12-31,150,Birthday,false\n")
        file.write_text(HEAD + "".join([*good, *bad]), encoding="utf-8")
        self.promo.press(self.page.get_by_role("link", name="Promo", exact=True).first)
        self.promo.tab("Codes")
        self.promo.drop_file(file)
        self.promo.clicks += 1
        expect(self.promo.upload_of(file.name).get_by_text("loaded", exact=True)).to_be_visible(timeout=RUN_MS)

    def see_stock(self) -> None:
        """Look at the stock, and how long it lasts."""
        self.page.reload()
        expect(self.promo.rows("Stock by type and discount").first).to_be_visible()
        expect(self.promo.section("How fast they go").get_by_role("img").first).to_be_visible()

    def see_message(self) -> None:
        """Look at the message as a customer gets it."""
        self.promo.tab("Workflows")
        card = self.promo.root.get_by_role("listitem").filter(
            has=self.page.get_by_role("link", name="Welcome by push", exact=True)
        )
        self.promo.press(card.get_by_role("link", name="Message", exact=True))
        self.promo.root.get_by_label("See it as").fill("customer-8")
        self.promo.press(self.promo.button("Show"))
        part = self.promo.section("What the contact sees")
        expect(part.get_by_role("link", name="8", exact=True)).to_be_visible()
        expect(part.get_by_role("figure")).to_have_count(2)

    def dry_run(self) -> None:
        """See what the whole campaign would do."""
        self._view("Dry run")
        self.promo.press(self.promo.button("Run a dry run"))
        expect(self.promo.section("In numbers")).to_be_visible(timeout=RUN_MS)
        expect(self.promo.rows("Contacts of the dry run").first).to_be_visible()

    def test_send(self) -> None:
        """Send the message to a colleague."""
        self._view("Test send")
        search = self.promo.root.get_by_role("search").first
        search.get_by_role("textbox").fill("customer-8")
        self.promo.press(search.get_by_role("button"))
        expect(self.promo.root.get_by_role("list", name="Chosen contacts")).to_be_visible()
        self.promo.decide("Send the test")
        expect(self.promo.rows("Outcomes of the test send")).to_have_count(1)

    def read_effect(self) -> None:
        """Read what a run will do before it is started."""
        self._view("Trigger")
        self.promo.root.get_by_label("Edition", exact=True).fill("november")
        expect(self.promo.section("What it will do")).to_contain_text(re.compile(r"\d"))
        self.promo.ask("Trigger")

    def trigger(self) -> None:
        """Start it, and go where it can be watched."""
        dialog = self.page.get_by_role("alertdialog")
        switch = dialog.get_by_text("Switch the DAG on")
        if switch.count():
            self.promo.press(switch)
        self.promo.press(dialog.locator("button[type=submit]"))
        self.promo.press(self.promo.root.get_by_role("link", name="Watch the run"))
        expect(self.promo.root.get_by_text("under way", exact=True).first).to_be_visible()
        recorded = self.promo.section("From the audience to the profile").get_by_role("listitem").last
        expect(recorded).to_contain_text(re.compile("profile[1-9]"), timeout=RUN_MS)

    def see_end(self) -> None:
        """See how it ended."""
        expect(self.promo.root.get_by_text("finished", exact=True).first).to_be_visible(timeout=RUN_MS)

    def export(self) -> None:
        """Take the list of who got which code."""
        dialog = self.promo.ask("Export")
        with self.page.expect_download():
            self.promo.press(dialog.get_by_role("button", name="Export", exact=True))
        expect(dialog).to_be_hidden()
        self.promo.button("Export").click()  # once more, to be pictured
        expect(dialog).to_be_visible()

    def find(self) -> None:
        """Answer a customer who asks for the code."""
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_role("alertdialog")).to_be_hidden()
        self.promo.tab("Who got which")
        self.promo.root.get_by_label("Contact", exact=True).fill("customer-8")
        self.promo.press(self.promo.button("Search"))
        expect(self.promo.rows("Codes of the contact").first).to_be_visible()

    def see_attempts(self) -> None:
        """See when it was sent, and what the receiver said."""
        self.promo.press(self.promo.rows("Codes of the contact").first.get_by_role("button"))
        expect(self.page.get_by_test_id("promo-detail").get_by_role("heading", name="Attempts")).to_be_visible()

    def decide_unknown(self) -> None:
        """Decide about sends of which nobody knows whether they arrived."""
        self.page.keyboard.press("Escape")
        self.promo.tab("Runs")
        self.page.goto(f"/plugin/promo/runs/{self.live}")  # it stands on the list's first page
        self.promo.clicks += 1
        expect(self.promo.section(re.compile("^Unknown sends"))).to_be_visible()
        self.promo.ask("It arrived")

    def _view(self, name: str) -> None:
        self.promo.press(
            self.promo.root.get_by_role("navigation", name="Workflow").get_by_role("link", name=name, exact=True)
        )
