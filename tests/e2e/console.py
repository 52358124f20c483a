"""What goes wrong on a page without anybody seeing it: errors on its console, and exceptions that nobody caught."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

AIRFLOWS_OWN = "/ui/config"
"""Airflow asks for it before anybody is signed in, and is refused."""


class Console:
    """Watches a page from its first address on.

    :ivar faults: what was wrong
    """

    def __init__(self, page: Page, expected: str) -> None:
        self.faults: list[str] = []
        self._expected = re.compile(expected) if expected else None
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._note(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        address = message.location["url"]
        if message.type == "error" and AIRFLOWS_OWN not in address:
            self._note(f"{message.text} ({address})")

    def _note(self, fault: str) -> None:
        if self._expected is None or not self._expected.search(fault):
            self.faults.append(fault)
