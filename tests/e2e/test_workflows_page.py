"""Workflows: each as its blocks, its message on both phones, a dry run, a test send and a trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from e2e.conftest import CONTACTS
from integration.scenario import free_codes

if TYPE_CHECKING:
    from e2e.promo_pages import PromoPages
    from promo_campaigns.postgres.connection import Connection
    from system.airflow_cluster import AirflowCluster

BLOCKS = ["Start", "Get contact", "Get promo code", "Message", "HTTP request data source", "End"]
PLACEHOLDER = "TEST-NO-CODE"
START_MS = 180_000
"""Airflow takes its time until the block Start runs."""


def test_a_workflow_is_shown_as_the_blocks_it_is(promo: PromoPages) -> None:
    promo.open("workflows/welcome_push", "Welcome by push")
    blocks = promo.root.get_by_role("list", name="Blocks").get_by_role("listitem")
    expect(blocks).to_have_count(len(BLOCKS))
    for place, name in enumerate(BLOCKS):
        expect(blocks.nth(place)).to_contain_text(name)
    expect(promo.root.get_by_text("inbox: nobody is really sent anything").first).to_be_visible()


def test_a_workflow_in_python_says_what_needs_a_file(promo: PromoPages) -> None:
    promo.open("workflows")
    promo.root.get_by_role("link", name="promo_code_to_profile", exact=True).first.click()
    promo.expect_heading("promo_code_to_profile")
    expect(promo.root.get_by_role("list", name="Blocks").get_by_role("listitem")).to_have_count(len(BLOCKS))
    expect(promo.root.get_by_text("this workflow is written in Python")).to_be_visible()
    expect(promo.root.get_by_role("navigation", name="Workflow", exact=True)).to_have_count(0)


@pytest.mark.short
def test_a_push_is_drawn_on_both_phones_for_the_contact_that_is_chosen(promo: PromoPages, store: Connection) -> None:
    free = free_codes(store)
    promo.open("workflows/welcome_push/message", "Welcome by push")
    promo.root.get_by_label("See it as").fill("customer-7")
    promo.button("Show").click()
    phones = promo.section("What the contact sees").get_by_role("figure")
    promo.page.wait_for_url(lambda url: "contact=7" in url)
    expect(phones).to_have_count(2)
    for number, name in enumerate(("iPhone", "Android")):
        expect(phones.nth(number)).to_contain_text(name)
        expect(phones.nth(number)).to_contain_text(PLACEHOLDER)
    assert free_codes(store) == free


def test_a_mail_stands_in_a_frame_without_scripts_and_without_an_origin(promo: PromoPages) -> None:
    promo.open("workflows/welcome_mail/message", "Welcome by e-mail")
    frames = promo.root.locator("iframe")
    expect(frames.first).to_be_visible()
    for frame in frames.all():
        assert frame.get_attribute("sandbox") == ""
    expect(promo.root.frame_locator("iframe").first.locator("body")).to_contain_text(PLACEHOLDER)


def test_a_text_message_is_shown_with_its_segments_counted(promo: PromoPages) -> None:
    promo.open("workflows/texting/message", "Welcome by text message")
    part = promo.section("What the contact sees")
    expect(part).to_contain_text(PLACEHOLDER)
    expect(part.get_by_text("GSM-7", exact=True)).to_be_visible()


def test_a_dry_run_shows_the_whole_campaign_and_gives_nothing_out(promo: PromoPages, store: Connection) -> None:
    free = free_codes(store)
    promo.open("workflows/welcome_push/dry-run", "Welcome by push")
    promo.button("Run a dry run").click()
    expect(promo.section("In numbers")).to_contain_text(str(CONTACTS))
    expect(promo.rows("Contacts of the dry run").first).to_contain_text("would be sent")
    assert PLACEHOLDER in promo.table("Contacts of the dry run").inner_text()
    assert free_codes(store) == free


def test_a_test_send_goes_to_the_chosen_contact_and_takes_no_code(promo: PromoPages, store: Connection) -> None:
    free = free_codes(store)
    promo.open("workflows/welcome_push/test", "Welcome by push")
    search = promo.root.get_by_role("search").first
    search.get_by_role("textbox").fill("customer-9")
    search.get_by_role("button").click()
    expect(promo.root.get_by_role("list", name="Chosen contacts")).to_contain_text("contact 9")
    promo.decide("Send the test")
    expect(promo.rows("Outcomes of the test send")).to_have_count(1)
    assert free_codes(store) == free
    kept = store.execute("select body from promo.inbox_message where contact_id = 9 order by received_at desc limit 1")
    message = kept.fetchone()
    assert message is not None
    assert PLACEHOLDER in message["body"]


@pytest.mark.short
def test_a_run_is_triggered_once_its_effect_was_read_and_then_watched(
    promo: PromoPages, cluster: AirflowCluster, store: Connection
) -> None:
    promo.open("workflows/asking/trigger", "asking")
    expect(promo.section("What it will do")).to_contain_text(str(CONTACTS))
    promo.root.get_by_label("Edition").fill("from the page")
    said = promo.decide("Trigger")
    assert str(CONTACTS) in said
    watch = promo.root.get_by_role("link", name="Watch the run")
    expect(watch).to_be_visible(timeout=START_MS)
    watch.click()
    promo.expect_heading("asking/edition/from the page")
    expect(promo.root.get_by_text("to be approved", exact=True).first).to_be_visible()
    assert cluster.call("GET", "/api/v2/dags/asking/dagRuns?limit=1")["total_entries"] >= 1
    kept = store.execute("select actor from promo.audit where action = 'trigger'").fetchall()
    assert {row["actor"].split()[0] for row in kept} == {"admin"}
