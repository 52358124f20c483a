"""A dry run from the page: begun in the background, paged, filtered, and the same for every API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import add_codes, add_contacts
from pages.include_folder import write_include
from pages.pages_site import running_site
from promo_campaigns.model.masking import PLACEHOLDER, mask
from promo_campaigns.postgres.background_jobs import SILENT_S, begin_job, newest_job

if TYPE_CHECKING:
    from pathlib import Path

    from pages.pages_site import Browser, Site
    from promo_campaigns.postgres.connection import Connection

BEGIN = "workflows/welcome/dry-run"


def finished(browser: Browser, token: str, **asked: object) -> dict[str, Any]:
    """Return a dry run once it is over."""
    while (told := browser.get(f"{BEGIN}/{token}", **asked))["state"] == "running":
        pass
    return dict(told)


def begin(browser: Browser, **wanted: object) -> str:
    """Begin a dry run, and return its token."""
    answer = browser.ask("POST", BEGIN, json=wanted)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["token"])


@pytest.mark.usefixtures("include")
def test_a_dry_run_is_the_whole_campaign_as_a_table(site: Site, store: Connection) -> None:
    people = add_contacts(store, 5)
    (nobody,) = add_contacts(store, 1, channel=None)
    codes = add_codes(store, 5)
    token = begin(site.user)
    told = finished(site.viewer, token)
    assert (told["state"], told["by"], told["refusals"]) == ("done", "user@example", [])
    assert told["summary"]["states"] == {"send": 5, "skipped": 1}
    assert told["summary"]["forecast"]["demand"] == 5
    rows = told["items"]
    assert [row["contact_id"] for row in rows] == [*people, nobody]
    assert [row["code_masked"] for row in rows] == [*map(mask, codes), ""]
    assert rows[0]["body"].strip() == f"Code: {PLACEHOLDER}"
    assert (rows[0]["title"], rows[0]["request_path"]) == ("Hi Name 1", "/api/v1/contact")
    assert f"token-{people[0]}" not in str(told)
    assert (rows[-1]["state"], rows[-1]["reason"]) == ("skipped", "no channel")
    assert site.viewer.get(BEGIN)["token"] == token


@pytest.mark.usefixtures("include")
def test_its_pages_are_the_same_wherever_they_are_turned(site: Site, store: Connection, dsn: str) -> None:
    """Twice as many contacts as are read at once, and a second API server."""
    people = add_contacts(store, 4_100)
    add_contacts(store, 3, channel=None)
    add_codes(store, 10)
    token = begin(site.user)
    finished(site.user, token)
    found: list[int] = []
    with running_site(dsn) as other:
        after: str | None = ""
        while after is not None:
            page = other.viewer.get(f"{BEGIN}/{token}", after=after, limit=200)
            found += [row["contact_id"] for row in page["items"]]
            after = page["next"]
    assert found[:4_100] == people
    assert len(found) == len(set(found)) == 4_103
    skipped = site.viewer.get(f"{BEGIN}/{token}", state="skipped", limit=2)
    assert {row["state"] for row in skipped["items"]} == {"skipped"}
    first = site.viewer.get(f"{BEGIN}/{token}", state="send", limit=9)
    rest = site.viewer.get(f"{BEGIN}/{token}", state="send", limit=9, after=first["next"])
    assert [row["contact_id"] for row in first["items"]] == people[:9]
    assert [row["contact_id"] for row in rest["items"]] == people[9:10]


@pytest.mark.usefixtures("include")
def test_what_start_would_refuse_is_told(site: Site, store: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_PROMO_PROFILE_API")
    add_contacts(store, 2)
    told = finished(site.user, begin(site.user))
    assert told["state"] == "done"
    assert len(told["refusals"]) == 2
    assert "codes" in told["refusals"][0]
    assert "there is no connection 'promo_profile_api'" in told["refusals"][1]


def test_one_that_fails_says_why(site: Site, store: Connection, include: Path) -> None:
    write_include(include, {"audiences/everybody.sql": "select nobody from promo.contact"})
    told = finished(site.user, begin(site.user))
    assert (told["state"], told["summary"], told["items"]) == ("failed", None, [])
    assert told["error"].startswith("audiences/everybody.sql:1: the audience's SELECT failed")
    assert newest_job(store, "dry run", "welcome") is not None


@pytest.mark.usefixtures("include")
def test_one_is_under_way_at_a_time_until_its_server_is_gone(site: Site, store: Connection) -> None:
    lost = begin_job(store, "dry run", "welcome", actor="olga", terms={})
    assert lost is not None
    second = site.user.ask("POST", BEGIN)
    assert (second.status_code, "by olga" in second.json()["detail"]) == (409, True)
    store.execute("update promo.background_job set alive_at = alive_at - make_interval(secs => %s)", [SILENT_S + 1])
    told = site.viewer.get(f"{BEGIN}/{lost.token}")
    assert (told["state"], told["error"]) == ("failed", "the server that did it was stopped")
    assert finished(site.user, begin(site.user))["state"] == "done"


@pytest.mark.usefixtures("include")
def test_who_may_not_act_begins_none(site: Site) -> None:
    assert site.viewer.ask("POST", BEGIN).status_code == 403
