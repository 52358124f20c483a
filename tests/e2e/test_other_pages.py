"""Contacts, the inbox, the checks and the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from e2e.conftest import SIZES
from e2e.promo_pages import PromoPages
from integration.scenario import add_contacts
from promo_campaigns.ledger.invariants import promises
from promo_campaigns.ledger.run_list import read_line
from promo_campaigns.model.run import Purpose
from promo_campaigns.model.run_key import idempotency_key

if TYPE_CHECKING:
    from e2e.conftest import Visit
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
    (who,) = add_contacts(store, 1)  # one of its own: other tests count those of the history
    promo.open(f"contacts/{who}", f"Contact {who}")
    said = promo.decide("Erase", why="asked for it")
    assert any(letter.isdigit() for letter in said)
    expect(promo.root.get_by_text("This contact was erased")).to_be_visible()
    assert store.execute("select from promo.contact_channel where contact_id = %s", [who]).fetchall() == []


def test_the_inbox_shows_what_was_kept_and_masks_codes(promo: PromoPages, store: Connection) -> None:
    keep_message(store, "mobilepush", "A push for you")
    promo.open("inbox")
    first = promo.rows("Messages in the inbox").first
    expect(first).to_be_visible()
    newest = store.execute("select code from promo.promo_code where issued_at is not null").fetchall()
    shown = promo.root.inner_text()
    assert [row["code"] for row in newest if row["code"] in shown] == []
    promo.rows("Messages in the inbox").get_by_role("button").filter(has_text="A push for you").first.click()
    expect(promo.page.get_by_role("dialog").get_by_role("figure").first).to_be_visible()


def test_a_mail_of_the_inbox_is_shown_as_html_in_a_frame_of_its_own(visit: Visit, store: Connection) -> None:
    html = "<h1>In colour</h1><script>document.title = 'taken over'</script>"
    keep_message(store, "email", "A mail for you", html)
    promo = PromoPages(visit(faults="Blocked script execution"))
    promo.open("inbox")
    promo.rows("Messages in the inbox").get_by_role("button").filter(has_text="A mail for you").first.click()
    frame = promo.page.get_by_role("dialog").locator("iframe").first
    expect(frame).to_have_attribute("sandbox", "")
    expect(frame.content_frame.get_by_role("heading")).to_have_text("In colour")
    expect(promo.page).to_have_title("Inbox · Promo")


def keep_message(store: Connection, channel: str, title: str, html: str = "") -> None:
    """Let the inbox keep a message of the newest run of the history, to a contact to which it kept none of it yet."""
    run = read_line(store, SIZES.runs)
    people = store.execute("select contact_id from promo.assignment where run_id = %s", [run.run_id]).fetchall()
    known = {row["key"] for row in store.execute("select idempotency_key::text as key from promo.inbox_message")}
    keys = {row["contact_id"]: idempotency_key(run.run_key, row["contact_id"], Purpose.MESSAGE) for row in people}
    contact_id, key = next((who, key) for who, key in keys.items() if key not in known)
    store.execute(
        "insert into promo.inbox_message (idempotency_key, contact_id, channel, locator, title, body, html)"
        " values (%s, %s, %s, 'nowhere', %s, 'in plain text', %s)",
        [key, contact_id, channel, title, html],
    )


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
