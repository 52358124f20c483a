"""Contacts, the inbox, the checks and the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from promo_campaigns.ledger.invariants import promises

if TYPE_CHECKING:
    from e2e.promo_pages import PromoPages
    from promo_campaigns.postgres.connection import Connection


def test_a_contact_is_masked_until_somebody_asks_to_see_it(promo: PromoPages, store: Connection) -> None:
    promo.open("contacts")
    promo.root.get_by_label("Contact", exact=True).fill("customer-11")
    promo.button("Show").click()
    promo.expect_heading("Contact 11")
    expect(promo.rows("Channels").first).to_be_visible()
    assert "customer11@example.com" not in promo.root.inner_text()
    promo.decide("Show in full")
    expect(promo.table("Channels").get_by_text("customer11@example.com")).to_be_visible()
    kept = store.execute("select revealed, subject from promo.audit order by audit_id desc limit 1").fetchone()
    assert kept is not None
    assert kept["revealed"]
    assert "@" not in kept["subject"]


def test_a_contact_is_erased_once_it_was_said_what_goes(promo: PromoPages, store: Connection) -> None:
    promo.open("contacts/13", "Contact 13")
    said = promo.decide("Erase", why="asked for it")
    assert any(letter.isdigit() for letter in said)
    expect(promo.root.get_by_text("This contact was erased")).to_be_visible()
    assert store.execute("select from promo.contact_channel where contact_id = 13").fetchall() == []


def test_the_inbox_shows_what_was_kept_and_masks_codes(promo: PromoPages, store: Connection) -> None:
    promo.open("inbox")
    first = promo.rows("Messages in the inbox").first
    expect(first).to_be_visible()
    newest = store.execute("select code from promo.promo_code where issued_at is not null").fetchall()
    shown = promo.root.inner_text()
    assert [row["code"] for row in newest if row["code"] in shown] == []
    promo.rows("Messages in the inbox").filter(has=promo.page.get_by_role("button")).first.get_by_role("button").click()
    expect(promo.page.get_by_role("dialog").get_by_role("figure").first).to_be_visible()


def test_a_check_is_run_and_shows_every_promise(promo: PromoPages) -> None:
    promo.open("checks")
    promo.decide("Check now")
    expect(promo.root.get_by_text("Every promise holds")).to_be_visible()
    expect(promo.rows("Promises of the ledger")).to_have_count(len(promises()))


def test_the_audit_is_turned_page_by_page(promo: PromoPages) -> None:
    promo.open("audit")
    first = promo.rows("Audit").first.inner_text()
    promo.root.get_by_role("navigation", name="Pages of Audit").get_by_role("button", name="Next").click()
    expect(promo.rows("Audit").first).not_to_have_text(first)
