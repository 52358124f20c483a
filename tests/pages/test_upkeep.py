"""Contacts, the inbox, receivers, checks and the audit, as the pages show them."""

from __future__ import annotations

import asyncio
import math
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from integration.scenario import CODES, add_codes, add_contacts, open_welcome, tamper
from promo_campaigns.contacts.closing import close_channels
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.transports.inbox import InboxTransport
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.model.contacts import ClosedFor, Closing
from promo_campaigns.model.masking import mask
from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingMessage
from promo_campaigns.model.run import Purpose
from promo_campaigns.model.run_key import idempotency_key
from promo_campaigns.postgres.audit import audited, list_audit

if TYPE_CHECKING:
    from pages.pages_site import Site
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection


def opened_and_claimed(store: Connection, people: int) -> tuple[Run, list[int], list[str]]:
    """Open a run for so many contacts, and give them their codes."""
    contacts, codes = add_contacts(store, people), add_codes(store, people)
    run = open_welcome(store)
    PostgresLedger(store).assign_codes(run.run_id, contacts, CODES)
    return run, contacts, codes


def keep_message(store: Connection, key: str, contact_id: int, body: str, html: str = "") -> None:
    """Let the inbox's transport keep a message."""
    message = OutgoingMessage(
        contact_id=contact_id,
        channel="mobilepush",
        locator=f"token-{contact_id}",
        title="Hi",
        body=body,
        idempotency_key=key,
        html=html,
    )
    asyncio.run(InboxTransport.over(store).send([message], deadline=math.inf))


def test_a_profile_is_masked_unless_it_is_revealed(site: Site, store: Connection) -> None:
    (who,) = add_contacts(store, 1)
    token = f"token-{who}"
    told = site.viewer.get(f"contacts/{who}")
    assert told["first_name"] == mask_value("Name 1")
    assert told["channels"] == [{"type": "mobilepush", "value": mask_value(token)}]
    assert list_audit(store) == []
    assert site.user.ask("GET", f"contacts/{who}?reveal=true").status_code == 403
    assert site.op.get(f"contacts/{who}", reveal=True)["channels"] == [{"type": "mobilepush", "value": token}]
    [entry] = list_audit(store)
    assert (entry["action"], entry["subject"], entry["revealed"]) == ("reveal", f"contact {who}", True)
    close_channels(store, [Closing(contact_id=who, type="mobilepush", reason=ClosedFor.UNREGISTERED, by="fcm")])
    [channel] = site.viewer.get(f"contacts/{who}")["channels"]
    assert (channel["closed_for"], channel["closed_by"], channel["closed_at"][:2]) == ("unregistered", "fcm", "20")
    assert site.viewer.ask("GET", "contacts/99").status_code == 404


def test_a_profile_has_the_runs_it_was_in(site: Site, store: Connection) -> None:
    run, (who, *_), codes = opened_and_claimed(store, 2)
    history = site.viewer.get(f"contacts/{who}")["history"]
    assert history["next"] is None
    [row] = history["items"]
    assert (row["run_id"], row["run_key"], row["workflow"]) == (run.run_id, run.run_key, "welcome")
    assert (row["state"], row["code_masked"]) == ("assigned", mask(codes[0]))


def test_erasing_says_before_what_it_takes(site: Site, store: Connection) -> None:
    _, (who, *_), _ = opened_and_claimed(store, 1)
    effect = site.op.get(f"contacts/{who}/erase/effect")
    assert effect["numbers"]["channels"] == 1
    assert "1 code that it holds" in effect["sentence"]
    assert site.user.ask("GET", f"contacts/{who}/erase/effect").status_code == 403
    assert site.user.ask("POST", f"contacts/{who}/erase").status_code == 403
    told = site.op.post(f"contacts/{who}/erase", reason="she asked for it")
    assert (told["already"], told["channels"]) == (False, 1)
    assert site.viewer.ask("GET", f"contacts/{who}").status_code == 404
    [entry] = list_audit(store)
    assert (entry["action"], entry["reason"]) == ("erase", "she asked for it")
    assert entry["actor"].startswith("op@example as ")


def test_the_inbox_shows_no_code_in_full(site: Site, store: Connection) -> None:
    run, people, codes = opened_and_claimed(store, 3)
    for who, code in zip(people, codes, strict=True):
        keep_message(store, idempotency_key(run.run_key, who, Purpose.MESSAGE), who, f"Code: {code}")
    keep_message(store, "00000000-0000-0000-0000-000000000001", people[0], "Code: WHO-KNOWS-WHAT")
    first = site.viewer.get("inbox", limit=3)
    rest = site.viewer.get("inbox", limit=3, after=first["next"])
    items = [*first["items"], *rest["items"]]
    known = {one["contact_id"]: one for one in items if one["workflow"]}
    assert {who: one["body"] for who, one in known.items()} == {
        who: f"Code: {mask(code)}" for who, code in zip(people, codes, strict=True)
    }
    assert {one["run_key"] for one in known.values()} == {run.run_key}
    [strange] = [one for one in items if not one["workflow"]]
    assert (strange["title"], strange["body"]) == (None, None)
    assert not [code for code in (*codes, "WHO-KNOWS-WHAT", f"token-{people[0]}") if code in str(items)]
    for nowhere in ("yesterday", "2026-11-29T09:00:00_1"):
        assert site.viewer.ask("GET", f"inbox?after={nowhere}").status_code == 400


def test_a_message_is_shown_with_its_html_and_no_code_in_full(site: Site, store: Connection) -> None:
    run, (who, *_), _ = opened_and_claimed(store, 1)
    code = "R&D-'2030'-WELCOME"
    tamper(store, "update promo.promo_code set code = %s where held_by = %s", [code, who])
    html = f'<p title="{escape(code)}">{escape(code, quote=False)}</p><a href="/?c={quote(code)}">for token-{who}</a>'
    keep_message(store, idempotency_key(run.run_key, who, Purpose.MESSAGE), who, f"Code: {code}", html)
    keep_message(store, "00000000-0000-0000-0000-000000000001", who, "of no run", "<p>WHO-KNOWS-WHAT</p>")
    listed = {one["workflow"]: one for one in site.viewer.get("inbox")["items"]}
    assert "html" not in listed["welcome"]
    shown = site.viewer.get(f"inbox/{listed['welcome']['message_id']}")
    hidden = mask(code)
    masked = f'<p title="{hidden}">{hidden}</p><a href="/?c={hidden}">for {mask_value(f"token-{who}")}</a>'
    assert (shown["body"], shown["html"]) == (f"Code: {hidden}", masked)
    assert site.viewer.get(f"inbox/{listed[None]['message_id']}")["html"] is None
    assert site.viewer.ask("GET", "inbox/00000000-0000-0000-0000-000000000002").status_code == 404


@pytest.mark.usefixtures("include")
def test_a_receiver_that_refuses_is_told_with_its_remedy(site: Site, store: Connection) -> None:
    refused = DeliveryResult(
        contact_id=1, outcome=Outcome.LATER, detail="HTTP 401", locked_out=True, look_at="look at the key"
    )
    PostgresBreaker(store, "connection promo_profile_api").report([refused])
    run, (who, *_), _ = opened_and_claimed(store, 1)
    store.execute(
        "insert into promo.attempt"
        " (run_id, contact_id, promo_code_id, lease_token, purpose, outcome, detail, finished_at)"
        " select run_id, contact_id, promo_code_id, 1, 'profile', 'refused', 'HTTP 400', promo.clock()"
        " from promo.assignment where contact_id = %s",
        [who],
    )
    told = {one["name"]: one for one in site.viewer.get("receivers")}
    api = told["connection promo_profile_api"]
    assert (api["kind"], api["breaker"]) == ("data source", "refuses")
    assert "HTTP 401" in api["remedy"]
    assert api["budget"] == {"per_s": 50.0, "concurrency": None, "next_at": None}
    [error] = api["last_errors"]
    assert (error["status"], error["detail"], error["run_key"]) == (400, "HTTP 400", run.run_key)
    assert told["transport inbox"]["breaker"] == "closed"
    assert "a secret key" not in str(told)


def test_a_check_is_made_once_and_told_by_every_server(site: Site, store: Connection) -> None:
    assert site.viewer.get("checks")["state"] == "never"
    assert site.viewer.ask("POST", "checks/run").status_code == 403
    assert site.user.ask("POST", "checks/run").status_code == 202
    while (told := site.viewer.get("checks"))["state"] == "running":
        assert site.user.ask("POST", "checks/run").status_code in {202, 409}
    assert (told["state"], told["by"]) == ("done", "user@example")
    assert {one["broken"] for one in told["invariants"]} == {0}
    assert all(one["text"] for one in told["invariants"])
    store.execute("update promo.code_file set row_count = row_count")
    _, (who, *_), _ = opened_and_claimed(store, 1)
    store.execute("set session_replication_role = replica")
    store.execute("insert into promo.unknown_send select run_id, contact_id from promo.assignment")
    store.execute("reset session_replication_role")
    assert site.user.ask("POST", "checks/run").status_code == 202
    while (told := site.viewer.get("checks"))["state"] == "running":
        pass
    [broken] = [one for one in told["invariants"] if one["broken"]]
    assert (broken["name"], broken["broken"]) == ("unknown_agrees", 1)
    assert str(who) in broken["rows"][0]


def test_the_audit_is_paged_and_shows_to_each_what_they_may_see(site: Site, store: Connection) -> None:
    for subject in ("run welcome/edition/one, contact 7", "contact 7", "all runs"):
        with audited(store, "export", subject, actor="olga", reason="a reason") as entry:
            entry.rows = 3
    first = site.op.get("audit", limit=2)
    rest = site.op.get("audit", limit=2, after=first["next"])
    assert [one["subject"] for one in (*first["items"], *rest["items"])] == [
        "all runs",
        "contact 7",
        "run welcome/edition/one, contact 7",
    ]
    assert (first["items"][0]["user"], first["items"][0]["rows"]) == ("olga", 3)
    assert [one["subject"] for one in site.viewer.get("audit")["items"]] == ["run welcome/edition/one, contact 7"]
