"""Who got which code: searched by contact and by code, shown in full to whom may see codes, exported."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pages.campaign import KEY, half_sent
from promo_campaigns.ledger.lookups.export import COLUMNS
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.audit import list_audit

if TYPE_CHECKING:
    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection


def test_a_contact_is_found_by_id_external_id_and_address(site: Site, store: Connection) -> None:
    contact = half_sent(store).accepted
    store.execute("update promo.contact set external_id = 'crm-17' where contact_id = %s", [contact])
    store.execute(
        "insert into promo.contact_channel (contact_id, type, value) values (%s, 'email', 'Ann@example.org')", [contact]
    )
    for text in (str(contact), " crm-17 ", "ann@EXAMPLE.org", f"token-{contact}"):
        [found] = site.viewer.post("people/search", text=text)["contacts"]
        assert found["contact_id"] == contact
    assert site.viewer.post("people/search", text="ann@example.org")["contacts"][0]["shown"] == "An…rg"
    assert site.op.post("people/search", text="ann@example.org")["contacts"][0]["shown"] == "Ann@example.org"
    assert site.viewer.post("people/search", text="nobody")["contacts"] == []


def test_a_contact_s_codes_are_paged_newest_first(site: Site, store: Connection) -> None:
    campaign = half_sent(store)
    half_sent(store, "welcome/edition/two")
    contact = campaign.accepted
    first = site.viewer.get(f"people/{contact}/codes", limit=1)
    rest = site.viewer.get(f"people/{contact}/codes", limit=1, after=first["next"])
    assert [row["run_key"] for row in first["items"] + rest["items"]] == ["welcome/edition/two", KEY]
    assert rest["next"] is None
    assert rest["items"][0]["code_masked"] == mask(campaign.codes[contact])
    assert rest["items"][0]["sent_at"] is not None


def test_a_contact_of_a_run_is_shown_with_why_and_every_attempt(site: Site, store: Connection) -> None:
    campaign = half_sent(store)
    told = site.viewer.get(f"runs/1/people/{campaign.rejected}")
    assert (told["state"], told["why"]) == ("rejected", "HTTP 500")
    assert [(one["purpose"], one["outcome"]) for one in told["attempts"]] == [("message", "refused")]
    waiting = site.viewer.get(f"runs/1/people/{campaign.assigned}")
    assert waiting["why"] == "Has a code, and is due a message."
    assert site.viewer.ask("GET", "runs/1/people/999").status_code == 404


def test_a_code_is_found_in_any_case_and_the_look_is_audited(site: Site, store: Connection) -> None:
    campaign = half_sent(store)
    code = campaign.codes[campaign.accepted]
    told = site.op.post("codes/find", code=f" {code.lower()} ")
    assert told["code"]["state"] == "given"
    assert [row["contact_id"] for row in told["items"]] == [campaign.accepted]
    assert site.op.post("codes/find", code="ONE-000020")["code"]["state"] == "free"
    assert site.op.post("codes/find", code="NONE")["code"] is None
    entries = list_audit(store)
    assert [entry["action"] for entry in entries] == ["find code"] * 3
    assert not any(code.lower() in entry["subject"].lower() for entry in entries)


def test_a_code_is_revealed_once_the_audit_knows(site: Site, store: Connection) -> None:
    campaign = half_sent(store)
    told = site.op.post(f"runs/1/people/{campaign.accepted}/reveal")
    assert told == {"code": campaign.codes[campaign.accepted]}
    [entry] = list_audit(store)
    assert (entry["action"], entry["revealed"], entry["rows"]) == ("reveal", True, 1)
    assert site.op.ask("POST", f"runs/1/people/{campaign.rejected}/reveal").status_code == 404


def test_an_export_is_masked_unless_it_is_to_be_revealed_and_audited(site: Site, store: Connection) -> None:
    campaign = half_sent(store)
    held = {contact: code for contact, code in campaign.codes.items() if contact != campaign.rejected}
    for reveal in (False, True):
        answer = site.op.ask("POST", "runs/1/export", json={"reveal": reveal, "reason": "for the shop"})
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert list(rows[0]) == [column.name for column in COLUMNS]
        shown = {int(row["contact_id"]): row["code"] for row in rows}
        assert shown == {contact: code if reveal else mask(code) for contact, code in held.items()}
    entries = list_audit(store)
    assert [(entry["revealed"], entry["rows"], entry["finished"]) for entry in entries] == [
        (True, len(held), True),
        (False, len(held), True),
    ]
    assert {entry["reason"] for entry in entries} == {"for the shop"}
