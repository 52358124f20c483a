"""Who may ask which route: generated from one matrix, against Airflow's own auth manager."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute

from pages.campaign import half_sent
from pages.matrix import HOLDERS, OPEN, ROUTES, ask
from pages.pages_site import running_site
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pages.pages_site import Site

WRITES = [route for route in ROUTES if not route.startswith("GET ")]
FOREIGN = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another port of this host": {"Sec-Fetch-Site": "same-site"},
    "an old browser elsewhere": {"Sec-Fetch-Site": "", "Origin": "http://evil.test"},
    "a file on a disk": {"Sec-Fetch-Site": "", "Origin": "null"},
    "nobody says": {"Sec-Fetch-Site": ""},
}


@pytest.fixture(scope="module")
def site(
    airflow_database: None,  # noqa: ARG001  (the auth manager reads it)
    module_dsn: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    os.environ["AIRFLOW_VAR_PROMO_CODE_INBOX"] = str(tmp_path_factory.mktemp("inbox"))
    with connect(module_dsn) as store:
        half_sent(store)
    with running_site(module_dsn) as running:
        yield running
    del os.environ["AIRFLOW_VAR_PROMO_CODE_INBOX"]


def test_the_matrix_names_every_route_and_no_other(site: Site) -> None:
    found, others = set(), set()
    for route in site.pages.routes:
        if isinstance(route, APIRoute):
            assert route.path.startswith("/api/"), route.path
            found |= {f"{method} {route.path.removeprefix('/api')}" for method in route.methods}
        else:
            others.add(route.path)  # type: ignore[attr-defined]  # every other kind of route has one
    assert found == set(ROUTES)
    assert others == OPEN


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_is_answered_to_whom_its_right_is_given_and_to_nobody_else(site: Site, route: str) -> None:
    assert ask(site.nobody, route).status_code == 401
    for role, browser in site.roles.items():
        answer = ask(browser, route)
        if role in HOLDERS[ROUTES[route]]:
            assert answer.status_code not in {401, 403}, f"{role}: {answer.text}"
            assert answer.status_code < 500, f"{role}: {answer.text}"
        else:
            assert answer.status_code == 403, f"{role}: {answer.status_code} {answer.text}"
            assert list(answer.json()) == ["detail"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("route", WRITES)
def test_a_write_from_another_site_is_refused_for_every_user(site: Site, route: str) -> None:
    for name, headers in FOREIGN.items():
        assert ask(site.admin, route, headers=headers).status_code == 403, name
    own = {"Sec-Fetch-Site": "", "Origin": "http://airflow.test"}
    assert ask(site.admin, route, headers=own).status_code not in {401, 403, 415}


@pytest.mark.parametrize("route", WRITES)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_a_write_of_a_kind_that_any_page_can_send_is_refused(site: Site, route: str, kind: str) -> None:
    answer = ask(site.admin, route, json=None, content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 415


def test_a_worn_out_token_is_refused(site: Site) -> None:
    answer = site.nobody.ask("GET", "me", headers={"Authorization": "Bearer none"})
    assert answer.status_code == 403


def test_the_routes_are_described_for_who_writes_a_script(site: Site) -> None:
    described = site.client.get("/promo/openapi.json").json()
    assert set(described["paths"]) == {f"/api{route.partition(' ')[2]}" for route in ROUTES}
