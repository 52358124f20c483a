"""What each of Airflow's roles sees on the pages, and what the server refuses them whatever the page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from e2e.conftest import PERSONS, SIZES
from e2e.promo_pages import PromoPages
from promo_campaigns.ledger.run_list import read_line

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from e2e.conftest import Visit
    from promo_campaigns.postgres.connection import Connection

NOBODY, ACTING, ALL = frozenset[str](), frozenset({"act"}), frozenset({"act", "reveal", "export"})
RIGHTS = {"viewer": NOBODY, "user": ACTING, "op": ALL, "admin": ALL}
REFUSED = "403"


def post(page: Page, route: str, body: dict[str, Any]) -> int:
    """Post as the page itself would, and return the status."""
    status: int = page.evaluate(
        """([route, body]) => fetch(`/promo/api/${route}`, {method: 'POST', body: JSON.stringify(body),
            headers: {'Content-Type': 'application/json'}}).then((answer) => answer.status)""",
        [route, body],
    )
    return status


@pytest.mark.short
@pytest.mark.parametrize("person", PERSONS)
def test_a_person_is_shown_what_they_may_do_and_nothing_else(visit: Visit, store: Connection, person: str) -> None:
    may = RIGHTS[PERSONS[person]]
    promo = PromoPages(visit(person))
    promo.open("runs")
    expect(promo.rows("Runs").first).to_be_visible()
    expect(promo.button("Stop all sending")).to_have_count(int("act" in may))
    promo.open_run(SIZES.runs, read_line(store, SIZES.runs).run_key)
    for button, right in (("Cancel", "act"), ("Export", "export")):
        expect(promo.button(button)).to_have_count(int(right in may))
    promo.open("codes")
    expect(promo.rows("Stock by type and discount").first).to_be_visible()
    expect(promo.section("Add codes")).to_have_count(int("export" in may))
    promo.open("who")
    expect(promo.root.get_by_text("A code", exact=True)).to_have_count(int("reveal" in may))


@pytest.mark.parametrize("person", PERSONS)
def test_the_server_refuses_what_the_page_does_not_show(visit: Visit, store: Connection, person: str) -> None:
    may = RIGHTS[PERSONS[person]]
    page = visit(person, faults=REFUSED)
    PromoPages(page).open("runs")
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "codes/find": ("reveal", {"code": "NO-SUCH-CODE"}),
        f"runs/{SIZES.runs}/pause": ("act", {"reason": "tried"}),
        f"runs/{SIZES.runs}/export": ("export", {"reveal": True}),
    }
    statuses = {route: post(page, route, body) for route, (_, body) in asked.items()}
    assert {route: status == 403 for route, status in statuses.items()} == {
        route: right not in may for route, (right, _) in asked.items()
    }
    store.execute(
        "update promo.run set halt = null, halted_at = null, halted_by = null, halt_reason = null where run_id = %s",
        [SIZES.runs],
    )


def test_a_page_of_another_site_cannot_act_for_who_is_signed_in(visit: Visit, store: Connection) -> None:
    page = visit(faults=".", alone=True)
    foreign = page.context.new_page()
    foreign.route("http://localhost:9/", lambda route: route.fulfill(body="<p>elsewhere</p>", content_type="text/html"))
    foreign.goto("http://localhost:9/")
    page.goto("/plugin/promo/runs")
    address = page.evaluate("location.origin")
    foreign.evaluate(
        """(address) => fetch(`${address}/promo/api/sending/stop`, {method: 'POST', mode: 'no-cors',
            credentials: 'include', body: '{"reason": "taken"}'}).catch(() => undefined)""",
        address,
    )
    assert store.execute("select from promo.sending_stop").fetchall() == []


def test_nobody_who_is_not_signed_in_is_told_anything(visit: Visit) -> None:
    page = visit(alone=True)
    page.context.clear_cookies()
    answer = page.request.get("/promo/api/runs")
    assert answer.status == 401
