"""A store that is away or slow, an answer that is wrong, a session that is over: the pages say so and go on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from playwright.sync_api import expect

from e2e.promo_pages import PromoPages
from promo_campaigns.local_airflow.credentials import USER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.conftest import Visit
    from system.airflow_cluster import AirflowCluster

AWAY = "503"


@contextmanager
def store_away(cluster: AirflowCluster) -> Iterator[None]:
    """Let nobody connect to the store, and end the connections there are."""
    parts = urlsplit(cluster.promo_dsn)
    with psycopg.connect(urlunsplit(parts._replace(path="/airflow")), autocommit=True) as server:
        server.execute("alter database promo with allow_connections false")
        try:
            server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'promo'")
            yield
        finally:
            server.execute("alter database promo with allow_connections true")


@contextmanager
def store_slow(cluster: AirflowCluster) -> Iterator[None]:
    """Let every statement about runs wait."""
    with psycopg.connect(cluster.promo_dsn) as holding:
        holding.execute("lock table promo.run in access exclusive mode")
        yield
        holding.rollback()


@pytest.mark.short
def test_what_was_shown_stays_while_the_store_is_away_and_is_renewed_by_itself(
    visit: Visit, cluster: AirflowCluster
) -> None:
    promo = PromoPages(visit(faults=AWAY))
    promo.open("runs")
    expect(promo.rows("Runs").first).to_be_visible()
    with store_away(cluster):
        expect(promo.root.get_by_text("the newest could not be loaded")).to_be_visible()
        expect(promo.rows("Runs").first).to_be_visible()
    expect(promo.root.get_by_text("the newest could not be loaded")).to_have_count(0)


def test_a_page_that_is_opened_while_the_store_is_away_says_so_and_tries_again(
    visit: Visit, cluster: AirflowCluster
) -> None:
    promo = PromoPages(visit(faults=AWAY))
    with store_away(cluster):
        promo.open("codes")
        expect(promo.root.get_by_role("alert").first).to_contain_text("could not be loaded")
        promo.page.goto("/dags")
        expect(promo.page.get_by_text("Welcome by push").first).to_be_visible()
        promo.open("codes")
        expect(promo.root.get_by_role("alert").first).to_be_visible()
    promo.button("Try again").first.click()
    expect(promo.rows("Stock by type and discount").first).to_be_visible()


@pytest.mark.short
def test_a_slow_store_is_waited_for_and_airflows_own_pages_are_not_held_up(
    visit: Visit, cluster: AirflowCluster
) -> None:
    promo = PromoPages(visit(faults=AWAY))
    other = visit()
    with store_slow(cluster):
        promo.page.goto("/plugin/promo/runs/1")
        expect(promo.root.get_by_role("status").first).to_be_visible()
        other.goto("/dags")
        expect(other.get_by_text("Welcome by push").first).to_be_visible()
    expect(promo.root.get_by_role("region", name="How far it is")).to_be_visible()


def test_an_answer_that_cannot_be_shown_breaks_its_part_alone(visit: Visit) -> None:
    promo = PromoPages(visit(faults="."))
    promo.page.route("**/promo/api/runs?*", lambda route: route.fulfill(json={"items": [None], "next": None}))
    promo.page.goto("/plugin/promo/runs")
    expect(promo.root.get_by_text("This part of the page broke")).to_be_visible()
    promo.tab("Codes")
    expect(promo.rows("Stock by type and discount").first).to_be_visible()


def test_a_session_that_is_over_leads_to_the_sign_in_and_back(visit: Visit, cluster: AirflowCluster) -> None:
    page = visit(faults="401|403", alone=True)
    promo = PromoPages(page)
    promo.open("runs")
    page.context.clear_cookies()
    promo.root.get_by_role("navigation", name="Promo").get_by_role("link", name="Codes", exact=True).click()
    page.wait_for_url("**/auth/login**")
    page.locator("input[name=username]").fill(USER)
    page.locator("input[name=password]").fill(cluster.password)
    page.get_by_role("button", name="Sign in").click()
    promo.expect_heading("Codes")


def test_an_airflow_that_shares_less_is_told_of_in_plain_words(visit: Visit) -> None:
    page = visit(faults=".")
    page.add_init_script("Object.defineProperty(globalThis, 'ChakraUI', {get: () => undefined, set: () => undefined})")
    page.goto("/plugin/promo/runs")
    expect(page.get_by_text("The Promo pages cannot be shown")).to_be_visible()
    expect(page.get_by_text("ChakraUI")).to_be_visible()
