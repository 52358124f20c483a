"""A real Airflow with the product's DAGs, and a signed-in page of a real browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from integration.scenario import add_codes, add_contacts
from promo_campaigns.local_airflow.credentials import USER
from promo_campaigns.postgres.connection import connect
from receiver import running_receiver
from system.airflow_cluster import airflow_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver
    from system.airflow_cluster import AirflowCluster

ROOT = Path(__file__).parents[2]
CONTACTS = 5
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
PATIENCE_MS = 60_000
ASKING = """\
audience: all_contacts
promo_code: {type: Welcome, discount: 10, days: 7}
message: promo_push
approval: true
"""


@pytest.fixture(scope="session")
def receiver_of_profiles() -> Iterator[Receiver]:
    """Return what the profiles are written to."""
    with running_receiver() as running:
        yield running


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, receiver_of_profiles: Receiver) -> Iterator[AirflowCluster]:
    """Return a real Airflow with the workflow by hand and one that asks, five contacts and codes for all of them."""
    names = ("promo_code_to_profile.py", "workflows.py")
    dags = {name: (ROOT / "dags" / name).read_text(encoding="utf-8") for name in names}
    with airflow_cluster(
        tmp_path_factory.mktemp("browser"),
        dags,
        {"AIRFLOW_CONN_PROMO_PROFILE_API": receiver_of_profiles.connection},
        {"workflows/asking.yaml": ASKING},
    ) as running:
        with connect(running.promo_dsn) as connection:
            add_contacts(connection, CONTACTS)
            add_codes(connection, 20 * CONTACTS, days=365)
        for dag_id in ("promo_code_to_profile", "asking"):
            running.unpause(dag_id)
        yield running


@pytest.fixture
def store(cluster: AirflowCluster) -> Iterator[Connection]:
    """Return the store of the Airflow under test."""
    with connect(cluster.promo_dsn) as connection:
        yield connection


@pytest.fixture
def page(cluster: AirflowCluster) -> Iterator[Page]:
    """Return a page of a browser that is signed in; PROMO_BROWSER names the browser's program."""
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=browser(), args=QUIET) as chromium:
        opened = chromium.new_page(viewport={"width": 1400, "height": 1100})
        opened.set_default_timeout(PATIENCE_MS)
        opened.goto(cluster.url)
        opened.locator("input[name=username]").fill(USER)
        opened.locator("input[name=password]").fill(cluster.password)
        opened.get_by_role("button", name="Sign in").click()
        opened.wait_for_url(lambda url: "/auth/login" not in url)
        yield opened


def browser() -> str:
    """Return the program of a Chromium that is on this machine."""
    named = os.environ.get("PROMO_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    assert named, "no Chromium is found: install Debian's package chromium, or name its program in PROMO_BROWSER"
    return named
