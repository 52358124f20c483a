"""Runs: found among a thousand, watched to their end, paused, cancelled, and unknown sends decided about."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from e2e.conftest import CONTACTS, SIZES
from integration.scenario import CODES, SPEC
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.run_list import list_runs, read_line
from promo_campaigns.ledger.runs import close_run, open_run
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.oversight.run_line import RunState

if TYPE_CHECKING:
    from e2e.conftest import Visit
    from e2e.promo_pages import PromoPages
    from promo_campaigns.model.oversight.run_line import RunLine
    from promo_campaigns.postgres.connection import Connection
    from system.airflow_cluster import AirflowCluster

A_PAGE = 50
DAG = "promo_code_to_profile"


def one_run(store: Connection, **asked: object) -> RunLine:
    return list_runs(store, limit=1, **asked)[0]  # type: ignore[arg-type]


def one_contact(store: Connection) -> int:
    (found,) = store.execute("select min(contact_id) as contact_id from promo.contact").fetchall()
    return int(found["contact_id"])


def test_a_thousand_runs_are_turned_page_by_page(promo: PromoPages) -> None:
    promo.open("runs")
    expect(promo.rows("Runs")).to_have_count(A_PAGE)
    first = promo.rows("Runs").first.inner_text()
    pages = promo.root.get_by_role("navigation", name="Pages of Runs")
    for number in range(2, SIZES.runs // A_PAGE + 1):
        pages.get_by_role("button", name="Next").click()
        expect(pages.get_by_text(f"Page {number}", exact=True)).to_be_visible()
        expect(promo.rows("Runs").first).not_to_have_text(first)
    pages.get_by_role("button", name="Previous").click()
    expect(pages.get_by_text(f"Page {SIZES.runs // A_PAGE - 1}", exact=True)).to_be_visible()


def test_runs_are_filtered_by_workflow_and_state_and_the_filter_stands_in_the_address(promo: PromoPages) -> None:
    promo.open("runs")
    promo.root.get_by_label("State", exact=True).select_option(label="cancelled")
    promo.page.wait_for_url(re.compile("state=cancelled"))
    expect(promo.rows("Runs").first).to_contain_text("cancelled")
    promo.root.get_by_label("Workflow", exact=True).select_option("welcome_mail")
    promo.page.wait_for_url(re.compile("workflow=welcome_mail"))
    promo.page.reload()
    expect(promo.root.get_by_label("State", exact=True)).to_have_value("cancelled")


@pytest.mark.short
def test_a_run_is_watched_to_its_end_without_a_reload(
    promo: PromoPages, cluster: AirflowCluster, store: Connection
) -> None:
    cluster.api.trigger(DAG, "watched", {"edition": "watched"})
    promo.open("runs")
    line = promo.rows("Runs").filter(has=promo.page.get_by_role("link", name=f"{DAG}/edition/watched"))
    line.get_by_role("link").first.click()
    promo.expect_heading(f"{DAG}/edition/watched")
    expect(promo.root.get_by_text("finished", exact=True).first).to_be_visible(timeout=180_000)
    expect(promo.section("From the audience to the profile").get_by_role("listitem").last).to_contain_text(
        str(CONTACTS)
    )
    expect(promo.rows("People of the run").first).to_contain_text("recorded")
    promo.section("How far it is").get_by_role("link", name="DAG run", exact=True).click()
    promo.page.wait_for_url(re.compile(rf"/dags/{DAG}/runs/watched"))
    assert check_invariants(store) == []


@pytest.mark.short
def test_people_are_watched_until_the_run_has_ended(promo: PromoPages, store: Connection) -> None:
    person = one_contact(store)
    audience = replace(SPEC.audience, sql=f"select {person} as contact_id")
    run = open_run(store, replace(SPEC, audience=audience), run_key="welcome/edition/late")
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, [person], CODES)
    lease = ledger.begin_messages(run.run_id, [person], lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=person, outcome=Outcome.OK)])
    promo.open_run(run.run_id, run.run_key)
    expect(promo.rows("People of the run").first).to_contain_text("sent")
    lease = ledger.begin_profiles(run.run_id, [person], lease_s=60)
    ledger.record_profile_outcomes(lease, [DeliveryResult(contact_id=person, outcome=Outcome.OK)])
    close_run(store, run.run_id)
    expect(promo.rows("People of the run").first).to_contain_text("recorded")


def test_the_tab_of_a_dag_run_shows_its_run_and_leads_to_it(promo: PromoPages, cluster: AirflowCluster) -> None:
    cluster.api.trigger(DAG, "tabbed", {"edition": "tabbed"})
    assert cluster.run_to_end(DAG, "tabbed") == "success"
    promo.page.goto(f"/dags/{DAG}/runs/tabbed")
    promo.page.get_by_role("link", name="Promo run", exact=True).click()
    expect(promo.section("How far it is")).to_be_visible()
    promo.root.get_by_role("link", name=f"{DAG}/edition/tabbed", exact=True).click()
    promo.expect_heading(f"{DAG}/edition/tabbed")


def test_the_tab_of_a_dag_lists_its_runs_alone(promo: PromoPages) -> None:
    promo.page.goto("/dags/welcome_mail")
    promo.page.get_by_role("link", name="Promo runs", exact=True).click()
    expect(promo.rows("Runs").first).to_contain_text("welcome_mail")
    expect(promo.root.get_by_text("welcome_push")).to_have_count(0)


def test_the_dashboard_shows_what_is_under_way_and_leads_there(promo: PromoPages, store: Connection) -> None:
    live = read_line(store, SIZES.runs).run_key
    promo.page.goto("/")
    promo.section("Promo").get_by_role("link", name=live, exact=True).click()
    promo.expect_heading(live)


def test_a_run_is_paused_with_a_reason_and_let_go_on(promo: PromoPages, store: Connection) -> None:
    line = read_line(store, SIZES.runs)
    promo.open_run(line.run_id, line.run_key)
    said = promo.decide("Pause", why="the picture is wrong")
    assert f"{line.waiting:,}" in said
    expect(promo.root.get_by_text("the picture is wrong")).to_be_visible()
    promo.decide("Let it go on")
    expect(promo.root.get_by_text("under way", exact=True).first).to_be_visible()
    halts = store.execute("select action, actor, reason from promo.audit order by audit_id desc limit 2").fetchall()
    assert [(each["action"], each["actor"].split()[0], each["reason"]) for each in halts] == [
        ("resume", "admin", None),
        ("pause", "admin", "the picture is wrong"),
    ]


@pytest.mark.short
def test_a_run_is_cancelled_once_its_effect_was_read(promo: PromoPages, store: Connection) -> None:
    line = one_run(store, state=RunState.PAUSED)
    promo.open_run(line.run_id, line.run_key)
    dialog = promo.ask("Cancel")
    act = dialog.get_by_role("button", name="Cancel the run")
    expect(act).to_be_disabled()  # until a reason is given
    promo.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    said = promo.decide("Cancel", why="sent to the wrong segment")
    assert re.search(r"\d", said)
    expect(promo.root.get_by_text("cancelled", exact=True).first).to_be_visible()
    assert one_run(store, state=RunState.CANCELLED).run_id == line.run_id
    assert check_invariants(store) == []


@pytest.mark.short
def test_unknown_sends_are_decided_about_one_by_one_and_together(promo: PromoPages, store: Connection) -> None:
    unknown = "select contact_id from promo.unknown_send where run_id = %s order by contact_id"
    before = [row["contact_id"] for row in store.execute(unknown, [SIZES.runs])]
    assert before
    promo.open_run(SIZES.runs, read_line(store, SIZES.runs).run_key)
    promo.root.get_by_label(f"Choose contact {before[0]}", exact=True).check(force=True)
    promo.decide("It arrived")
    expect(promo.root.get_by_label(f"Choose contact {before[0]}", exact=True)).to_have_count(0)
    assert [row["contact_id"] for row in store.execute(unknown, [SIZES.runs])] == before[1:]
    if before[1:]:
        assert f"{len(before) - 1}" in promo.decide("It did not arrive")
        expect(promo.section(re.compile("^Unknown sends"))).to_have_count(0)
    assert store.execute(unknown, [SIZES.runs]).fetchall() == []
    assert check_invariants(store) == []


def test_all_sending_is_stopped_and_every_page_says_so_until_it_goes_on(promo: PromoPages, store: Connection) -> None:
    promo.open("runs")
    promo.decide("Stop all sending", why="the shop is down")
    for tab in ("Codes", "Who got which"):
        promo.tab(tab)
        expect(promo.root.get_by_text("All sending is stopped")).to_be_visible()
    assert store.execute("select stopped_by from promo.sending_stop").fetchall() == [{"stopped_by": "admin"}]
    promo.decide("Let sending go on")
    expect(promo.root.get_by_text("All sending is stopped")).to_have_count(0)
    assert store.execute("select from promo.sending_stop").fetchall() == []


def test_a_receiver_that_refuses_is_named_with_its_status_and_what_to_do(promo: PromoPages, store: Connection) -> None:
    store.execute(
        "update promo.receiver set failures = 3, open_until = 'infinity', reason = '401 the key is not known'"
        " where name = 'loyalty_points'"
    )
    promo.open("receivers")
    part = promo.section("loyalty_points")
    expect(part).to_contain_text("refuses")
    expect(part).to_contain_text("401")


def test_an_address_of_no_run_says_that_there_is_none(visit: Visit) -> None:
    page = visit(faults="404")
    page.goto("/plugin/promo/runs/999999999")
    expect(page.get_by_role("alert")).to_contain_text("there is no run 999999999")


def test_a_link_with_strange_letters_leads_to_the_run_that_it_names(promo: PromoPages, cluster: AirflowCluster) -> None:
    run_id = "manual__2026-11-29T09:00:00+00:00~a.b"  # all the letters that Airflow takes
    cluster.api.trigger(DAG, run_id, {"edition": "strange"})
    promo.open("runs")
    promo.root.get_by_role("link", name=f"{DAG}/edition/strange").click()
    promo.section("How far it is").get_by_role("link", name="DAG run", exact=True).click()
    promo.page.wait_for_url(re.compile(r"/runs/"))
    assert unquote(promo.page.url.rpartition("/runs/")[2]).startswith(run_id)
