"""What a person sees and does on Airflow's pages, in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from playwright.sync_api import expect

from e2e.conftest import CONTACTS
from e2e.promo_pages import PATIENCE_MS
from integration.scenario import free_codes
from promo_campaigns.ledger.invariants import check_invariants

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver
    from system.airflow_cluster import AirflowCluster

BLOCKS = ["Start", "Get contact", "Get promo code", "Message", "HTTP request data source", "End"]

expect.set_options(timeout=PATIENCE_MS)


def trigger_form(page: Page, cluster: AirflowCluster, dag_id: str) -> Locator:
    """Open the form of a DAG."""
    page.goto(f"{cluster.url}/dags/{dag_id}")
    page.get_by_role("button", name=re.compile("Trigger")).first.click()
    form = page.get_by_role("dialog")
    expect(form.locator("#element_type")).to_be_visible()
    return form


def states(store: Connection, run_key: str) -> dict[str, int]:
    rows = store.execute(
        "select a.state::text as state, count(*) as n from promo.assignment a join promo.run r using (run_id)"
        " where r.run_key like %s group by 1",
        [run_key],
    ).fetchall()
    return {row["state"]: row["n"] for row in rows}


def test_the_blocks_stand_in_the_order_of_the_workflow(page: Page, cluster: AirflowCluster) -> None:
    page.goto(f"{cluster.url}/dags/promo_code_to_profile")
    page.get_by_role("button", name="Expand all task groups").click()
    links = page.locator("a[href*='/dags/promo_code_to_profile/tasks/']:not([href*='/group/'])")
    expect(links).to_have_text([re.compile(rf"^{block}( \[ \])?$") for block in BLOCKS])


def test_a_run_that_is_filled_in_and_triggered_reaches_everybody_and_shows_its_report(
    page: Page, cluster: AirflowCluster, store: Connection, receiver_of_profiles: Receiver
) -> None:
    before = len(receiver_of_profiles.received)
    form = trigger_form(page, cluster, "promo_code_to_profile")
    expect(form.locator("#element_type")).to_have_value("Welcome")
    form.locator("#element_mode").click()
    expect(page.get_by_role("option")).to_have_text(
        [
            "send only to contacts that were not reached, unless the run was set otherwise",
            "send only to contacts that were not reached",
            "only write the profiles again",
            "refuse",
        ]
    )
    page.get_by_role("option").first.click()
    form.locator("#element_edition").fill("browser")
    form.get_by_role("button", name="Trigger").click()
    page.wait_for_url(re.compile(r"/dags/promo_code_to_profile/runs/"))
    run_id = unquote(page.url.rpartition("/runs/")[2])
    assert cluster.run_to_end("promo_code_to_profile", run_id) == "success"
    assert states(store, "promo_code_to_profile/edition/browser") == {"recorded": CONTACTS}
    assert len(receiver_of_profiles.received) - before == CONTACTS
    assert check_invariants(store) == []
    links = cluster.call("GET", f"/api/v2/dags/promo_code_to_profile/dagRuns/{quote(run_id)}/taskInstances/end/links")
    page.goto(f"{page.url}/tasks/end/xcom")
    expect(page.get_by_role("cell", name=f"of these, on their profile | {CONTACTS}")).to_be_visible()
    page.goto(links["extra_links"]["Promo run"])
    expect(page.get_by_text("promo_code_to_profile/edition/browser")).to_be_visible()


def test_a_connection_has_a_field_for_each_extra(page: Page, cluster: AirflowCluster) -> None:
    page.goto(f"{cluster.url}/connections")
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.locator("input[name=connection_id]").fill("loyalty")
    form.get_by_role("combobox").click()
    page.keyboard.type("Promo HTTP")
    page.get_by_role("option", name="Promo HTTP receiver").click()
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    form.locator("#element_auth").click()
    page.get_by_role("option", name="header").click()
    form.locator("#element_key_name").fill("X-Key")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("loyalty", exact=True)).to_be_visible()
    kept = cluster.call("GET", "/api/v2/connections/loyalty")
    assert kept["conn_type"] == "promo_http"
    assert '"auth": "header"' in kept["extra"]
    assert '"key_name": ' in kept["extra"]


def test_a_person_sees_what_is_to_be_sent_and_approves_it(
    page: Page, cluster: AirflowCluster, store: Connection
) -> None:
    codes = free_codes(store)
    cluster.api.trigger("asking", "asked", {})
    cluster.wait("somebody is asked", lambda: cluster.waits_for_answer("asking", "asked", "approve"))
    page.goto(f"{cluster.url}/required_actions")
    asked = f"Send promo_push to {CONTACTS} contacts?"
    page.get_by_text(asked).click()
    expect(page.get_by_text(asked)).to_be_visible()
    expect(page.get_by_role("row", name=f"to be sent {CONTACTS}")).to_be_visible()
    expect(page.get_by_text("codes: Welcome, 10 %, valid for 7 days")).to_be_visible()
    assert "token-" not in page.locator("body").inner_text()
    assert free_codes(store) == codes
    page.get_by_role("button", name="Approve").click()
    assert cluster.run_to_end("asking", "asked") == "success"
    assert states(store, "asking/run/asked") == {"recorded": CONTACTS}
