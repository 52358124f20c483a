"""The list of runs, a run as it stands, and the people in it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from integration.scenario import SPEC
from pages.campaign import KEY, half_sent
from promo_campaigns.ledger.interventions import pause_run
from promo_campaigns.ledger.runs import open_run
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.audit import list_audit
from promo_campaigns.redemptions.rules import Redemption
from promo_campaigns.redemptions.store import add_redemptions

if TYPE_CHECKING:
    import pytest

    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection


def test_runs_are_listed_page_by_page_newest_first(site: Site, store: Connection) -> None:
    for number in range(5):
        open_run(store, SPEC, run_key=f"welcome/edition/{number}")
    first = site.viewer.get("runs", limit=2)
    second = site.viewer.get("runs", limit=2, after=first["next"])
    last = site.viewer.get("runs", limit=2, after=second["next"])
    ids = [line["run_id"] for part in (first, second, last) for line in part["items"]]
    assert ids == [5, 4, 3, 2, 1]
    assert last["next"] is None


def test_runs_are_narrowed_by_workflow_and_state(site: Site, store: Connection) -> None:
    open_run(store, SPEC, run_key="welcome/edition/a")
    open_run(store, SPEC, run_key="welcome/edition/b")
    pause_run(store, "welcome/edition/b")
    [paused] = site.viewer.get("runs", state="paused", workflow="welcome")["items"]
    assert paused["run_key"] == "welcome/edition/b"
    assert site.viewer.get("runs", workflow="another")["items"] == []


def test_a_run_says_how_far_it_is_and_why_contacts_were_left_out(site: Site, store: Connection) -> None:
    campaign = half_sent(store)
    used = Redemption(code=campaign.codes[campaign.accepted], order_id="A-1", redeemed_at=datetime.now(timezone.utc))
    add_redemptions(store, [used], "event")
    told = site.viewer.get(f"runs/{campaign.run.run_id}")
    assert told["line"]["run_key"] == KEY
    assert (told["line"]["sent"], told["line"]["unknown"], told["line"]["waiting"]) == (1, 2, 2)
    assert told["states"] == {
        "pending": 1, "skipped": 1, "assigned": 1, "sending": 0, "accepted": 1, "rejected": 1, "unknown": 2,
        "recorded": 0, "expired": 0,
    }  # fmt: skip
    assert told["reasons"] == {"HTTP 500": 1, "no channel": 1}
    assert [(step["name"], step["count"]) for step in told["funnel"]] == [
        ("audience", 7), ("reachable", 6), ("given", 4), ("accepted", 1), ("recorded", 0), ("redeemed", 1),
    ]  # fmt: skip
    assert told["rate_per_s"] > 0
    assert told["seconds_left"] > 0
    assert told["is_inbox"] is True
    assert told["can"] == {"act": False, "reveal": False, "export": False}
    assert told["dag"] == {"dag_id": "welcome", "run_id": None}


def test_a_run_names_what_it_waits_for_and_the_receiver_that_refuses(site: Site, store: Connection) -> None:
    run = half_sent(store).run
    pause_run(store, KEY, by="olga", reason="typo in the title")
    store.execute(
        "insert into promo.receiver (name, failures, open_until, reason) values"
        " ('connection promo_profile_api', 1, 'infinity', 'it answers 401: check the password')"
    )
    told = site.viewer.get(f"runs/{run.run_id}")
    assert [wait["what"] for wait in told["waits"]] == [
        "paused by olga (typo in the title)",
        "connection promo_profile_api: it answers 401: check the password",
    ]
    [receiver] = told["receivers"]
    assert (receiver["refuses"], receiver["open_until"]) == (True, None)


def test_people_of_a_run_are_paged_and_their_codes_are_masked(site: Site, store: Connection) -> None:
    campaign = half_sent(store)
    path = f"runs/{campaign.run.run_id}/people"
    first = site.viewer.get(path, limit=4)
    rest = site.viewer.get(path, limit=4, after=first["next"])
    people = {one["contact_id"]: one for one in first["items"] + rest["items"]}
    assert len(people) == 7
    assert rest["next"] is None
    accepted = people[campaign.accepted]
    assert accepted["code_masked"] == mask(campaign.codes[campaign.accepted])
    assert accepted["sent_at"] is not None
    assert people[campaign.rejected]["code_masked"] is None
    assert people[campaign.unknown[0]]["last_status"] == "HTTP 500"


def test_people_in_a_state_are_found_behind_many_that_are_not(
    site: Site, store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from promo_campaigns.ledger.lookups import people

    monkeypatch.setattr(people, "WINDOW", 2)
    campaign = half_sent(store)
    path, found, after = f"runs/{campaign.run.run_id}/people", [], ""
    for _ in range(10):
        part = site.viewer.get(path, state="skipped", after=after)
        found += part["items"]
        if part["next"] is None:
            break
        after = part["next"]
    assert [one["reason"] for one in found] == ["no channel"]


def test_there_is_no_run_that_is_not_there(site: Site) -> None:
    for path in ("runs/77", "runs/77/people", "runs/77/unknown"):
        answer = site.admin.ask("GET", path)
        assert (answer.status_code, answer.json()) == (404, {"detail": "there is no run 77"})


def test_what_does_not_fit_is_named_in_one_sentence(site: Site) -> None:
    answer = site.admin.ask("GET", "runs", params={"limit": "1000"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("limit: ")
    assert site.admin.ask("GET", "runs", params={"after": "x"}).status_code == 400


def test_cancelling_says_first_what_it_would_do_and_is_audited(site: Site, store: Connection) -> None:
    run = half_sent(store).run
    effect = site.user.get(f"runs/{run.run_id}/cancel/effect")
    assert effect["numbers"] == {"skipped": 2, "under_way": 0, "unknown": 2, "sent": 1}
    done = site.user.post(f"runs/{run.run_id}/cancel", reason="wrong discount")
    assert done["skipped"] == effect["numbers"]["skipped"]
    [entry] = list_audit(store)
    assert (entry["action"], entry["reason"]) == ("cancel", "wrong discount")
    assert entry["actor"].startswith("user@example as ")


def test_a_run_is_paused_and_resumed(site: Site, store: Connection) -> None:
    run = half_sent(store).run
    site.user.post(f"runs/{run.run_id}/pause", reason="look")
    assert site.viewer.get("runs", state="paused")["items"][0]["halt_reason"] == "look"
    assert site.user.post(f"runs/{run.run_id}/resume")["resumed"] is True


def test_all_sending_is_stopped_and_started(site: Site, store: Connection) -> None:
    half_sent(store)
    assert site.user.post("sending/stop", reason="fire")["sending_stopped"]["by"] == "user@example"
    assert site.user.post("sending/start")["sending_stopped"] is None


def test_the_strip_shows_alarms_and_what_is_under_way(site: Site, store: Connection) -> None:
    half_sent(store)
    store.execute("insert into promo.alert (kind, subject) values ('low_stock', 'Spring/Sale/alarm/50')")
    told = site.viewer.get("strip")
    assert [(one["type"], one["level"], one["amount"]) for one in told["alarms"]] == [("Spring/Sale", "alarm", 50)]
    assert [line["run_key"] for line in told["under_way"]] == [KEY]


def test_unknown_sends_are_shown_with_their_attempts_and_decided(site: Site, store: Connection) -> None:
    campaign = half_sent(store)
    path = f"runs/{campaign.run.run_id}/unknown"
    shown = site.viewer.get(path)["items"]
    assert [one["contact_id"] for one in shown] == campaign.unknown
    assert shown[0]["attempts"][0]["outcome"] is None
    one, other = campaign.unknown
    assert site.user.get(f"{path}/effect", decision="accept", contact_ids=str(one))["numbers"] == {"sends": 1}
    assert site.user.post(path, decision="accept", contact_ids=[one])["sends"] == 1
    assert site.user.post(path, decision="refuse", contact_ids="all")["sends"] == 1
    states = {row["contact_id"]: row["state"] for row in site.viewer.get(f"runs/{campaign.run.run_id}/people")["items"]}
    assert (states[one], states[other]) == ("accepted", "rejected")
    assert [entry["action"] for entry in list_audit(store)] == ["refuse unknown", "accept unknown"]


def test_a_send_is_due_again_when_a_person_takes_the_risk(site: Site, store: Connection) -> None:
    campaign = half_sent(store)
    path = f"runs/{campaign.run.run_id}/unknown"
    assert site.user.post(path, decision="resend", contact_ids="all")["sends"] == 2
    site.user.post(f"runs/{campaign.run.run_id}/cancel")
    refused = site.user.ask("POST", path, json={"decision": "resend", "contact_ids": "all"})
    assert refused.status_code == 409
