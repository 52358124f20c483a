"""A Chromium of this machine, and a person who signs in to Airflow with it."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from e2e.promo_pages import PATIENCE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, StorageState

    from system.airflow_cluster import AirflowCluster

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""It runs as the user who runs the tests, and talks to this machine alone."""


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run a browser; PROMO_BROWSER names its program."""
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=_program(), args=QUIET) as running:
        yield running


def sign_in(browser: Browser, cluster: AirflowCluster, name: str) -> StorageState:
    """Sign a person in, and return what the browser keeps of it."""
    passwords = json.loads(Path(cluster.environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]).read_text())
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(cluster.url)
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(passwords[name])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/auth/login" not in url)
    kept = context.storage_state()
    context.close()
    return kept


def _program() -> str:
    """Return the program of a Chromium that is on this machine."""
    named = os.environ.get("PROMO_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    assert named, "no Chromium is found: install Debian's package chromium, or name its program in PROMO_BROWSER"
    return named
