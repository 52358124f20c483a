"""A real Airflow with the product's DAGs, a store with a long history, and pages of a real browser for four persons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.large_store import Sizes, fill
from e2e.browser import running_browser, sign_in
from e2e.console import Console
from e2e.promo_pages import PATIENCE_MS, PromoPages
from integration.scenario import add_codes
from promo_campaigns.local_airflow.credentials import USER
from promo_campaigns.postgres.connection import connect
from receiver import running_receiver
from system.airflow_cluster import airflow_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, StorageState

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver
    from system.airflow_cluster import AirflowCluster

    Screens = Callable[..., Page]
    Visit = Callable[..., Page]

ROOT = Path(__file__).parents[2]
SIZES = Sizes(codes=4_000, rows=2_000, runs=1_000)
CONTACTS = SIZES.contacts
"""Everybody is in the audience of the workflows that run here."""
SCREEN = {"viewport": {"width": 1400, "height": 1100}, "locale": "en-GB"}
PERSONS = {USER: "admin", "vera": "viewer", "uma": "user", "otto": "op"}
"""Who signs in, and with which role of Airflow's."""
DAGS = ("promo_code_to_profile.py", "workflows.py", "load_promo_codes.py")
ASKING = """\
audience: all_contacts
promo_code: {type: Welcome, discount: 10, days: 7}
message: promo_push
approval: true
"""
TEXTING = """\
name: Welcome by text message
audience: all_contacts
promo_code: {type: Welcome, discount: 10, days: 7}
message: promo_text
"""
TEXT = """\
channel: sms
body: "Hello $!first_name, here is your code: $!data.get('promocode')"
"""
HISTORY = ("welcome_push", "welcome_mail")
"""Whose runs the long history is of."""


@pytest.fixture(scope="session")
def receiver_of_profiles() -> Iterator[Receiver]:
    """Return what the profiles are written to."""
    with running_receiver() as running:
        yield running


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, receiver_of_profiles: Receiver) -> Iterator[AirflowCluster]:
    """Return a real Airflow with the ready workflows and one that asks, a thousand former runs and codes for more."""
    dags = {name: (ROOT / "dags" / name).read_text(encoding="utf-8") for name in DAGS}
    users = ",".join(f"{name}:{role}" for name, role in PERSONS.items())
    variables = {
        "AIRFLOW_CONN_PROMO_PROFILE_API": receiver_of_profiles.connection,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": users,
    }
    include = {
        "workflows/asking.yaml": ASKING,
        "workflows/texting.yaml": TEXTING,
        "messages/promo_text.yaml": TEXT,
    }
    with airflow_cluster(tmp_path_factory.mktemp("browser"), dags, variables, include) as running:
        with connect(running.promo_dsn) as connection:
            fill(connection, SIZES, HISTORY)
            add_codes(connection, 20 * CONTACTS, days=365)
        for dag_id in ("promo_code_to_profile", "asking", "load_promo_codes"):
            running.unpause(dag_id)
        yield running


@pytest.fixture
def store(cluster: AirflowCluster) -> Iterator[Connection]:
    """Return the store of the Airflow under test."""
    with connect(cluster.promo_dsn) as connection:
        yield connection


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return a browser, which all tests share."""
    with running_browser() as running:
        yield running


@pytest.fixture(scope="session")
def screens(cluster: AirflowCluster, chromium: Browser) -> Iterator[Screens]:
    """Return a function that opens a page on a person's screen.

    A person signs in once, and a screen is kept for the session: its browser has Airflow's files at hand then.
    """
    kept: dict[str, BrowserContext] = {}
    signed: dict[str, StorageState] = {}

    def open_page(person: str, *, alone: bool, **options: Any) -> Page:  # noqa: ANN401  (Playwright's options)
        if person not in signed:
            signed[person] = sign_in(chromium, cluster, person)
        name = f"{person} {options}" if not alone else f"alone {len(kept)}"
        if name not in kept:
            kept[name] = chromium.new_context(storage_state=signed[person], base_url=cluster.url, **options)
            kept[name].set_default_timeout(PATIENCE_MS)
        return kept[name].new_page()

    yield open_page
    for context in kept.values():
        context.close()


@pytest.fixture
def visit(screens: Screens) -> Iterator[Visit]:
    """Return a function that opens a page for a person who is signed in.

    When the test is over, nothing may have been wrong on the console of any page, but for what its test expected.
    """
    opened: list[tuple[Page, Console]] = []

    def open_page(person: str = USER, *, faults: str = "", alone: bool = False, **options: Any) -> Page:  # noqa: ANN401  (the same)
        """Open a page.

        :param faults: a regular expression of the errors that the test provokes
        :param alone: with cookies of its own, which the test may take away
        :param options: of the screen, such as ``color_scheme``
        """
        page = screens(person, alone=alone, **SCREEN | options)
        opened.append((page, Console(page, faults)))
        return page

    yield open_page
    for page, _ in opened:
        page.close()
    assert [fault for _, console in opened for fault in console.faults] == []


@pytest.fixture
def page(visit: Visit) -> Page:
    """Return a page of the administrator's."""
    return visit()


@pytest.fixture
def promo(page: Page) -> PromoPages:
    """Return the administrator's way through the pages."""
    return PromoPages(page)
