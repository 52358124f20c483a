"""Categories that contacts subscribe to, and the activities of contacts: stored and told as they are."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from integration.profile_server import contact, serving
from promo_campaigns.contacts.closing import close_channels, reopen_channel
from promo_campaigns.contacts.deletion import delete_contact
from promo_campaigns.model.contacts import ClosedFor, Closing
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from promo_campaigns.postgres.connection import Connection

LONG_AGO, LATER = "2020-01-01", "2099-12-31T23:59"


@pytest.fixture
def client(dsn: str) -> Iterator[httpx.Client]:
    with connect(dsn), serving(dsn) as client:
        yield client


def made(client: httpx.Client, name: str, **more: Any) -> int:  # noqa: ANN401  (JSON as a caller writes it)
    answer = client.post("/contact", json=contact(("email", f"{name}@example.com"), **more))
    return int(answer.json()["id"])


def keys_of(client: httpx.Client, contact_id: int) -> list[str]:
    return sorted(one["key"] for one in client.get(f"/contact/{contact_id}/subscriptions").json())


def subscribed(client: httpx.Client, contact_id: int, *keys: str) -> list[str]:
    answer = client.put(f"/contact/{contact_id}/subscriptions", json={"subscriptions": list(keys)})
    assert answer.status_code == 200, answer.text
    return keys_of(client, contact_id)


def activities(client: httpx.Client, **query: str | int) -> list[dict[str, Any]]:
    url = str(client.base_url).replace("/api/v1", "/api/v2") + "contacts/activity"
    answer = client.get(url, params={"dateFrom": LONG_AGO, "dateTo": LATER, **query})
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()
    return told


def test_a_contact_is_subscribed_to_what_was_sent_last_and_to_nothing_else(client: httpx.Client) -> None:
    ann, ben = made(client, "ann", groups=[{"name": "Buyers"}]), made(client, "ben")
    assert subscribed(client, ann, "sales", "news") == ["news", "sales"]
    assert subscribed(client, ben, "Sales") == ["sales"]
    assert subscribed(client, ann, "news", "tips") == ["news", "tips"]
    assert subscribed(client, ann) == []
    assert keys_of(client, ben) == ["sales"]
    assert [one["name"] for one in client.get(f"/contact/{ann}").json()["groups"]] == ["Buyers"]


def test_categories_are_groups_whose_members_an_audience_can_select(client: httpx.Client) -> None:
    ann = made(client, "ann")
    subscribed(client, ann, "sales")
    (category,) = client.get("/subscriptions").json()
    assert category.keys() == {"id", "key", "groupId", "name", "createdDate"}
    members = client.get(f"/group/{category['groupId']}/contacts").json()
    assert [one["id"] for one in members] == [ann]
    assert [one["name"] for one in client.get("/groups").json()] == ["sales"]


def test_a_form_subscribes_to_its_categories_besides_those_there_are(client: httpx.Client) -> None:
    ann = made(client, "ann")
    subscribed(client, ann, "sales")
    form = {"contact": contact(("email", "ann@example.com")), "subscriptions": ["news", ""], "groups": ["Buyers"]}
    assert client.post("/contact/subscribe", json=form).json() == {"id": ann}
    assert keys_of(client, ann) == ["news", "sales"]
    assert len(client.get("/subscriptions").json()) == 2


def test_nobody_is_subscribed_who_is_not_there(client: httpx.Client, dsn: str) -> None:
    ann = made(client, "ann")
    with connect(dsn) as connection:
        delete_contact(connection, ann)
    for contact_id in (ann, ann + 1, "x", 10**17):
        path = f"/contact/{contact_id}/subscriptions"
        assert client.get(path).status_code == 404
        assert client.put(path, json={"subscriptions": ["sales"]}).status_code == 404
    assert client.get("/subscriptions").json() == []


@pytest.mark.parametrize("sent", [{}, {"subscriptions": ["x" * 256]}, {"subscriptions": [{"key": "sales"}]}, []])
def test_what_is_no_list_of_keys_is_refused(client: httpx.Client, sent: object) -> None:
    ann = made(client, "ann")
    assert client.put(f"/contact/{ann}/subscriptions", json=sent).status_code == 400


def closed(store: Connection, contact_id: int, reason: ClosedFor, at: datetime) -> None:
    closing = Closing(type="email", reason=reason, by="smtp: SMTP 550 (5.1.1)", contact_id=contact_id, at=at)
    (done,) = close_channels(store, [closing])
    assert done.closed


def test_activities_are_told_in_order_page_by_page(client: httpx.Client, dsn: str) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    reasons = (ClosedFor.UNSUBSCRIBED, ClosedFor.COMPLAINED, ClosedFor.BOUNCED)
    who = [made(client, name, externalCustomerId=name) for name in ("ann", "ben", "cas")]
    with connect(dsn) as connection:
        for number, (contact_id, reason) in enumerate(zip(who, reasons, strict=True)):
            closed(connection, contact_id, reason, at + timedelta(days=number))
        assert [one["activityStatus"] for one in activities(client)] == ["UNSUBSCRIBED", "SPAM", "UNDELIVERED"]
        (last,) = activities(client, activityStatus="UNDELIVERED")
        assert last.pop("offset")
        assert last == {
            "contactId": who[2],
            "externalCustomerId": "cas",
            "email": "cas@example.com",
            "mediaType": "email",
            "activityStatus": "UNDELIVERED",
            "activityDateTime": "2026-03-03T12:00:00+00:00",
            "statusDescription": "smtp: SMTP 550 (5.1.1)",
        }
        assert activities(client, activityStatus="READ") == []
        (first,) = activities(client, maxrows=1)
        rest = activities(client, offset=first["offset"])
        assert [one["contactId"] for one in (first, *rest)] == who
        assert [one["contactId"] for one in activities(client, dateFrom="2026-03-02", dateTo="2026-03-02")] == [who[1]]
        assert [one["contactId"] for one in activities(client, email="BEN@example.com")] == [who[1]]
        assert activities(client, email="nobody@example.com") == activities(client, mobPushToken="token-1") == []
        reopen_channel(connection, who[0], "email")
        delete_contact(connection, who[1])
        assert [one["contactId"] for one in activities(client)] == [who[2]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dateFrom", ""),
        ("dateTo", "tomorrow"),
        ("dateTo", "9999-12-31"),
        ("email", "nobody"),
        ("activityStatus", "OPENED"),
        ("offset", "1"),
        ("offset", "1-x"),
        ("maxrows", "0"),
    ],
)
def test_what_cannot_be_asked_of_activities_is_named(client: httpx.Client, name: str, value: str) -> None:
    url = str(client.base_url).replace("/api/v1", "/api/v2") + "contacts/activity"
    answer = client.get(url, params={"dateFrom": LONG_AGO, "dateTo": LATER, name: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["place"] == name
