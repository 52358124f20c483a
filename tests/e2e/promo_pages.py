"""The pages in the words of a person who uses them: what is opened, pressed, dropped and read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

PATIENCE_MS = 60_000
ROOT = "/plugin/promo"
PAGES = {
    "runs": "Runs",
    "codes": "Codes",
    "who": "Who got which",
    "workflows": "Workflows",
    "contacts": "Contacts",
    "inbox": "Inbox",
    "receivers": "Receivers",
    "checks": "Checks",
    "audit": "Audit",
}
"""The address of each page below ``/plugin/promo``, and what its tab and heading say."""

expect.set_options(timeout=PATIENCE_MS)


class PromoPages:
    """One person's way through the pages.

    :ivar page: the browser's page
    :ivar clicks: how often the person pressed something, to be counted where a way must be short
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    @property
    def root(self) -> Locator:
        """What is ours of the page."""
        return self.page.get_by_test_id("promo")

    def press(self, what: Locator) -> None:
        """Press something, as one click."""
        what.click()
        self.clicks += 1

    def open(self, path: str, heading: str = "") -> None:
        """Open an address below ``/plugin/promo``."""
        self.page.goto(f"{ROOT}/{path}")
        self.expect_heading(heading or PAGES[path.partition("?")[0]])

    def expect_heading(self, text: str | re.Pattern[str]) -> None:
        """Wait for a page by its heading."""
        expect(self.root.get_by_role("heading", level=1)).to_have_text(text)

    def open_run(self, run_id: int, run_key: str) -> None:
        """Open the page of a run, and wait until it shows numbers."""
        self.open(f"runs/{run_id}", run_key)
        expect(self.section("How far it is")).to_be_visible()

    def tab(self, label: str) -> None:
        """Choose one of the tabs."""
        self.press(self.root.get_by_role("navigation", name="Promo").get_by_role("link", name=label, exact=True))
        self.expect_heading(label)

    def section(self, title: str | re.Pattern[str]) -> Locator:
        """Return a part of the page by its title."""
        return self.root.get_by_role("region", name=title)

    def table(self, label: str) -> Locator:
        """Return a table by its name."""
        return self.root.get_by_role("table", name=label, exact=True)

    def rows(self, label: str) -> Locator:
        """Return the rows of a table, without its head."""
        return self.table(label).locator("tbody tr")

    def button(self, name: str) -> Locator:
        """Return a button of the page."""
        return self.root.get_by_role("button", name=name, exact=True)

    def ask(self, button: str) -> Locator:
        """Press a button that asks before it acts, and return the dialog once it says what it will do."""
        self.press(self.button(button).first)
        dialog = self.page.get_by_role("alertdialog")
        expect(dialog.locator("button[type=submit]")).to_be_visible()
        return dialog

    def decide(self, button: str, *, why: str = "") -> str:
        """Press a button that asks before it acts, say why, do it, and return what it had said it would do."""
        dialog = self.ask(button)
        if why:
            dialog.get_by_label(re.compile("^Why")).fill(why)
        act = dialog.locator("button[type=submit]")
        expect(act).to_be_enabled()
        said: str = dialog.inner_text()
        self.press(act)
        expect(dialog).to_be_hidden()
        return said

    def expect_told(self, text: str) -> None:
        """Wait for a short note at the bottom of the page."""
        expect(self.page.locator("[data-scope=toast][data-part=root]").filter(has_text=text).first).to_be_visible()

    def choose_files(self, *files: Path) -> None:
        """Choose files to upload in the browser's own dialog."""
        with self.page.expect_file_chooser() as asked:
            self.press(self.root.get_by_text("press to choose"))
        asked.value.set_files(list(files))

    def drop_file(self, file: Path) -> None:
        """Drag a file from outside the browser, and drop it where files are dropped.

        Through the debugging protocol: a made-up event would not have the browser's trust.
        """
        zone = self.root.locator("[data-scope=file-upload][data-part=dropzone]")
        zone.scroll_into_view_if_needed()
        box = zone.bounding_box()
        assert box is not None
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        protocol = self.page.context.new_cdp_session(self.page)
        held = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            protocol.send("Input.dispatchDragEvent", {"type": kind, **place, "data": held})

    def upload_of(self, name: str) -> Locator:
        """Return the line that says how an upload goes."""
        return self.root.get_by_role("list", name="Uploads").get_by_role("listitem").filter(has_text=name)
