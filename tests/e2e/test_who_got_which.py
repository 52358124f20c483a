"""Who got which: a code and its contact found in three clicks, shown in full by who may, and taken out as a file."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from e2e.conftest import SIZES
from promo_campaigns.model.masking import mask

if TYPE_CHECKING:
    from e2e.promo_pages import PromoPages
    from promo_campaigns.postgres.connection import Connection

MOST_CLICKS = 3


def given(store: Connection) -> tuple[int, str]:
    """Return a contact of the live run, and the code it holds."""
    row = store.execute(
        "select contact_id, code from promo.assignment join promo.promo_code using (promo_code_id)"
        " where run_id = %s and state = 'recorded' order by contact_id limit 1",
        [SIZES.runs],
    ).fetchone()
    assert row is not None
    return row["contact_id"], row["code"]


@pytest.mark.short
def test_a_contacts_code_is_found_in_three_clicks_from_airflows_home(promo: PromoPages, store: Connection) -> None:
    contact, code = given(store)
    page = promo.page
    page.goto("/")
    promo.press(page.get_by_role("link", name="Promo", exact=True).first)
    promo.tab("Who got which")
    promo.root.get_by_label("Contact", exact=True).fill(f"customer-{contact}")
    promo.press(promo.button("Search"))
    row = promo.rows("Codes of the contact").filter(has_text=mask(code))
    expect(row.first).to_be_visible()
    assert promo.clicks <= MOST_CLICKS


def test_a_contact_is_found_by_each_of_its_names(promo: PromoPages, store: Connection) -> None:
    contact, code = given(store)
    promo.open("who")
    for name in (str(contact), f"customer-{contact}", f"token-{contact}"):
        promo.root.get_by_label("Contact", exact=True).fill(name)
        promo.button("Search").click()
        expect(promo.rows("Codes of the contact").filter(has_text=mask(code)).first).to_be_visible()


@pytest.mark.short
def test_whose_a_code_is_is_told_to_who_may_see_codes_and_audited(promo: PromoPages, store: Connection) -> None:
    contact, code = given(store)
    promo.open("who")
    promo.root.get_by_text("A code", exact=True).click()
    promo.root.get_by_label("Code", exact=True).fill(code.lower())
    promo.button("Search").click()
    row = promo.rows("Who got this code").first
    expect(row).to_contain_text(str(contact))
    expect(row).to_contain_text(mask(code))
    assert code not in promo.root.inner_text()
    kept = store.execute("select actor, subject, revealed from promo.audit order by audit_id desc limit 1").fetchone()
    assert kept is not None
    assert kept["actor"].startswith("admin")
    assert code not in kept["subject"]


def test_each_attempt_is_shown_and_the_code_in_full_once_it_is_asked_for(promo: PromoPages, store: Connection) -> None:
    contact, code = given(store)
    promo.open(f"who/{contact}", f"Contact {contact}")
    promo.rows("Codes of the contact").filter(has_text=mask(code)).get_by_role("button").click()
    detail = promo.page.get_by_test_id("promo-detail")
    expect(detail.get_by_role("table", name="Attempts").locator("tbody tr")).to_have_count(2)
    assert code not in detail.inner_text()
    detail.get_by_role("button", name="Show in full").click()
    expect(detail.get_by_text(code, exact=True)).to_be_visible()
    kept = store.execute("select revealed from promo.audit order by audit_id desc limit 1").fetchone()
    assert kept == {"revealed": True}


@pytest.mark.short
def test_a_run_is_exported_masked_unless_somebody_asks_for_codes(promo: PromoPages, store: Connection) -> None:
    _, code = given(store)
    row = store.execute("select run_key from promo.run where run_id = %s", [SIZES.runs]).fetchone()
    assert row is not None
    promo.open_run(SIZES.runs, row["run_key"])
    texts = []
    for reveal in (False, True):
        dialog = promo.ask("Export")
        if reveal:
            dialog.get_by_text("With the codes in full").click()
        with promo.page.expect_download() as download:
            dialog.get_by_role("button", name="Export", exact=True).click()
        texts.append(download.value.path().read_text(encoding="utf-8"))
        expect(dialog).to_be_hidden()
    assert code not in texts[0]
    assert code in texts[1]
    assert len(list(csv.reader(io.StringIO(texts[0])))) == len(list(csv.reader(io.StringIO(texts[1]))))
