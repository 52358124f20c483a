"""What shops send to the profile API: orders, events of the past, messages; on a real server with a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from integration.accounts import account
from integration.profile_server import contact, serving
from promo_campaigns.contacts.event_store import list_events
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


@pytest.fixture(scope="module")
def client(module_dsn: str) -> Iterator[httpx.Client]:
    """Return a client of a server whose account has an API's rights and no others."""
    with account(module_dsn, "api") as address, serving(address) as client:
        yield client


def order(number: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON as a caller writes it)
    """Return an order as the vendor's plugin for WooCommerce sends it: numbers as texts, blanks for what is absent."""
    return {
        "externalOrderId": number,
        "externalCustomerId": 17,
        "totalCost": "19.90",
        "status": "INITIALIZED",
        "email": "ada@example.com",
        "date": "2026-05-14T10:11:10.7022176+03:00",
        "currency": "EUR",
        "phone": "",
        "shipping": "",
        "additionalInfo": {"comment": "Ring twice"},
        "items": [{"externalItemId": "7", "name": "Cup", "quantity": 1, "cost": 19.9}],
        **more,
    }


def test_an_order_is_kept_and_each_of_its_states_is_an_event_once(client: httpx.Client, module_dsn: str) -> None:
    with connect(module_dsn) as connection:
        connection.execute("insert into promo.event_listener (workflow, type) values ('hello', 'orderDELIVERED')")
    for status in ("INITIALIZED", "DELIVERED", "DELIVERED"):
        answer = client.post("/orders/", json={"orders": [order("1001", status=status)]})
        assert answer.json() == {"id": 0, "stored": 1, "failedOrders": []}, answer.text
    shown = client.get("/orders", params={"externalOrderId": "1001"}).json()
    assert (shown["status"], shown["totalCost"], shown["items"][0]["name"]) == ("DELIVERED", "19.90", "Cup")
    assert shown["date"] == "2026-05-14T07:11:10.702217+00:00"
    assert "shipping" not in shown
    buyer = client.get(f"/contact/{shown['contactId']}?full=true").json()
    assert (buyer["externalCustomerId"], buyer["ordersInfo"]["count"]) == ("17", 1)
    with connect(module_dsn) as connection:
        events = list_events(connection, limit=5)
    assert [(one["type"], one["key"]) for one in events] == [("orderDELIVERED", "1001"), ("orderINITIALIZED", "1001")]
    assert [len(one["workflows"]) for one in events] == [1, 0]
    wrong = [
        (order("2", status="SOLD"), "status"),
        (order("2", totalCost="much"), "totalCost"),
        (order("2", date="yesterday"), "date"),
        (order("2", currency="euro"), "currency"),
        (order("", totalCost=1), "externalOrderId"),
        (order("2", email="canary"), "params.email"),
    ]
    answer = client.post("/orders", json={"orders": [*(one for one, _ in wrong), order("2")]})
    assert [one["place"] for one in answer.json()["failedOrders"]] == [place for _, place in wrong]
    assert answer.json()["stored"] == 1
    assert "canary" not in answer.text
    assert client.delete("/orders", params={"externalOrderId": "2"}).status_code == 200
    for method in ("GET", "DELETE"):
        assert client.request(method, "/orders", params={"externalOrderId": "2"}).status_code == 404
    assert client.post("/orders", json={"orders": []}).status_code == 400
    client.delete("/contact", params={"externalCustomerId": "17", "erase": "true"})
    assert client.get("/orders", params={"externalOrderId": "1001"}).status_code == 404
    again = client.post("/orders", json={"orders": order("1001")}).json()
    assert "erased" in again["failedOrders"][0]["message"]


def test_events_of_the_past_are_kept_once_and_answered_by_nobody(client: httpx.Client, module_dsn: str) -> None:
    with connect(module_dsn) as connection:
        connection.execute("insert into promo.event_listener (workflow, type) values ('past', 'visited')")
    visit = {"eventTypeKey": "visited", "keyValue": "v1", "params": [{"name": "email", "value": "past@example.com"}]}
    body = {
        "events": [
            {**visit, "occurred": "2020-05-14"},
            {**visit, "occurred": "2020-05-14T10:11"},
            {**visit, "occurred": "2999-01-01"},
            {**visit},
            {**visit, "occurred": "2020-05-14", "eventTypeKey": "PromoCodeRedeemed"},
        ]
    }
    first = client.post("/past_events", json=body).json()
    assert [(one["position"], one["place"]) for one in first["failedEvents"]] == [
        (2, "occurred"),
        (3, "occurred"),
        (4, "eventTypeKey"),
    ]
    second = client.post(str(client.base_url).replace("/v1/", "/v2/past_events"), json=body).json()
    assert (second["ids"], len(set(first["ids"]))) == (first["ids"], 2)
    with connect(module_dsn) as connection:
        rows = connection.execute(
            "select occurred_at::text as at from promo.event where type = 'visited' order by event_id"
        ).fetchall()
        waiting = connection.execute("select from promo.event_queue where workflow = 'past'").fetchall()
    assert ([row["at"][:16] for row in rows], waiting) == (["2020-05-14 00:00", "2020-05-14 10:11"], [])
    assert client.post("/past_events", json={"events": [{}] * 501}).status_code == 400


def test_messages_go_into_the_inbox_and_their_state_is_told(client: httpx.Client, module_dsn: str) -> None:
    client.post("/emails/unsubscribed/add", json={"emails": ["closed@example.com"]})
    mail = {"from": "Shop <shop@example.com>", "subject": "Hello", "htmlText": "<p>Hi", "plainText": "Hi", "tags": []}
    sent = {**mail, "emails": ["mail@example.com", "closed@example.com"], "externalRequestId": "r-1"}
    first, closed = client.post("/message/email/", json=sent).json()["results"]
    assert (first["locator"], first["status"]) == ("mail@example.com", "OK")
    assert (closed["status"], closed["message"]) == ("ERROR", "unsubscribed")
    assert client.post("/message/email", json=sent).json()["results"][0] == first
    text = {"from": "Shop", "text": "Code ABC", "phoneNumbers": ["+380 50 222 22 22"], "tags": ["x"]}
    (sms,) = client.post("/message/sms", json=text).json()["results"]
    group = client.post(
        "/contact", json=contact(("sms", "380503333333"), ("mobilepush", "token-9"), groups=[{"name": "Texts"}])
    ).json()["id"]
    group_id = client.get("/groups", params={"name": "Texts"}).json()[0]["id"]
    (member,) = client.post("/message/sms", json={"text": "Hi", "groupId": group_id}).json()["results"]
    assert member["locator"] == "380503333333"
    smart = {
        "recipients": [
            {"contactId": str(group), "jsonParam": '{"code": "ABC-123"}', "locator": None, "email": True},
            {"locator": "token-9", "jsonParam": '{"code": "ABC-124"}'},
            {"contactId": 999999999},
        ],
        "email": False,
        "campaignId": None,
    }
    results = client.post("/message/123/smartsend", json=smart).json()["results"]
    assert [(one["locator"], one["status"]) for one in results] == [
        *(("token-9", "OK"), ("token-9", "OK")),
        ("", "ERROR"),
    ]
    keys = [one["requestId"] for one in (first, sms, member, *results[:2])]
    for path in ("/message/status", "/message/email/status/", "/message/sms/status"):
        states = client.get(path, params={"ids": ",".join([*keys, "0" * 32])}).json()["results"]
        assert [(one["requestId"], one["status"]) for one in states] == [(key, "DELIVERED") for key in keys]
    with connect(module_dsn) as connection:
        kept = [(one["channel"], one["locator"], one["title"], one["body"]) for one in read_inbox(connection)]
    assert sorted(kept) == [
        ("email", "mail@example.com", "Hello", "Hi"),
        ("mobilepush", "token-9", "message 123", '{"code": "ABC-123"}'),
        ("mobilepush", "token-9", "message 123", '{"code": "ABC-124"}'),
        ("sms", "380502222222", "Shop", "Code ABC"),
        ("sms", "380503333333", "", "Hi"),
    ]
    for path, body, status in (
        ("email", {**mail, "emails": ["canary"]}, 400),
        ("email", {**mail, "emails": []}, 400),
        ("sms", {"text": "Hi"}, 400),
        ("sms", {"text": "Hi", "groupId": 999999999}, 404),
        ("x/smartsend", smart, 404),
        ("1/smartsend", {"recipients": [{}]}, 400),
        ("1/smartsend", {"recipients": [{"locator": "canary"}]}, 400),
    ):
        answer = client.post(f"/message/{path}", json=body)
        assert (answer.status_code, "canary" in answer.text) == (status, False), (path, body)
    assert client.get("/message/status", params={"ids": "x"}).status_code == 400
