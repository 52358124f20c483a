"""Public clients of the vendor's API against ours, the base URL changed and nothing else.

Each test plays requests in the shape that the named client sends them, with data of our own, and reads the answers as
strictly as that client does. docs/reference/profile-api.md names the clients.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from integration.profile_server import KEY, finished, serving
from promo_campaigns.contacts.store import create_field
from promo_campaigns.postgres.connection import connect
from receiver import Answer, running_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

STRICT = {
    "contact": {
        *("id", "firstName", "lastName", "channels", "address", "fields", "addressBookId", "contactKey", "groups")
    },
    "channels": {"type", "value"},
    "fields": {"id", "value"},
    "groups": {"id", "name", "type"},
}
"""The members that dkulyk/esputnik knows; it fails at any other."""


@pytest.fixture(scope="module")
def base(module_dsn: str) -> Iterator[str]:
    with connect(module_dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=12345)
    with serving(module_dsn) as client:
        yield str(client.base_url)


def calling(base: str, user: str = "", **headers: str) -> httpx.Client:
    return httpx.Client(base_url=base, auth=(user, KEY), headers=headers, timeout=60, trust_env=False)


def read_strictly(contact: dict[str, Any]) -> dict[str, Any]:
    assert contact.keys() <= STRICT["contact"]
    for member in ("channels", "fields", "groups"):
        assert all(one.keys() <= STRICT[member] for one in contact[member]), member
    return contact


def test_yespo_woocommerce(base: str) -> None:
    """An empty user, one blank for each value that a customer has not, a phone wiped in bulk, a deletion."""
    with calling(base, Accept="application/json; charset=UTF-8") as client:
        assert client.get("/account/info").json()["organisationName"]
        customer = {
            "channels": [{"value": "woo@example.com", "type": "email"}, {"value": " ", "type": "sms"}],
            "externalCustomerId": 71,
            "firstName": " ",
            "lastName": " ",
            "address": {"region": "", "town": "", "address": " ", "postcode": ""},
            "languageCode": "uk",
        }
        assert client.post("/contact", json=customer).json()["id"]
        customer["channels"][1]["value"] = "380501234567"  # type: ignore[index]
        bulk = client.post("/contacts", json={"dedupeOn": "externalCustomerId", "contacts": [customer]}).json()
        assert finished(client, bulk["asyncSessionId"])["updated"] == 1
        wipe = {"channels": [{"type": "email", "value": "woo@example.com"}]}
        sent = {"dedupeOn": "email", "contactFields": ["sms"], "contacts": [wipe]}
        finished(client, client.post("/contacts", json=sent).json()["asyncSessionId"])
        (found,) = client.get("/contacts", params={"email": "woo@example.com"}).json()
        assert [one["type"] for one in found["channels"]] == ["email"]
        order = {
            "status": "INITIALIZED",
            "externalOrderId": "501",
            "externalCustomerId": 71,
            "totalCost": "25.50",
            "email": "woo@example.com",
            "date": "2026-05-14T10:11:10.000000+00:00",
            "currency": "UAH",
            "deliveryAddress": "",
            "phone": "",
            "shipping": "",
            "discount": "",
            "taxes": "",
            "source": "checkout",
            "paymentMethod": "cod",
            "additionalInfo": {"comment": "Ring"},
            "items": [{"externalItemId": 7, "name": "Cup", "category": "Home", "quantity": 1, "cost": "25.50"}],
        }
        assert client.post("/orders", json={"orders": [order]}).json()["stored"] == 1
        assert client.get("/orders", params={"externalOrderId": "501"}).json()["contactId"] == found["id"]
        for erase in ("false", "true"):
            gone = client.delete(f"/contact?externalCustomerId=71&erase={erase}")
            assert gone.status_code == 200, gone.text
        assert client.get(f"/contact/{found['id']}").status_code == 404


def test_yespo_shopify(base: str) -> None:
    """A deletion of nobody is "not found", and bulk requests restore who was deleted."""
    with calling(base, "user", accept="application/json; charset=UTF-8") as client:
        assert client.get("/account/info").json().keys() == {"orgId", "userEmail", "organisationName"}
        customer = {
            "firstName": "Ann",
            "lastName": "Lee",
            "externalCustomerId": "gid-1",
            "channels": [{"type": "email", "value": "shopify@example.com"}],
            "address": {"town": "Kyiv", "address": "1 Main", "postcode": "01001"},
        }
        made = client.post("/contact", json=customer).json()["id"]
        headers = {"content-type": "application/json"}
        assert client.delete("/contact?externalCustomerId=gid-1&erase=false", headers=headers).is_success
        sent = {"contacts": [customer], "dedupeOn": "externalCustomerId", "restoreDeleted": True}
        answer = client.post("/contacts", json=sent).json()
        assert {"failedContacts", "asyncSessionId", "id"} <= answer.keys()
        assert finished(client, answer["asyncSessionId"])["updated"] == 1
        assert client.get(f"/contact/{made}").status_code == 200
        nobody = client.delete("/contact?externalCustomerId=gid-2&erase=true", headers=headers)
        assert "not found" in nobody.json()["message"]
        order = {
            "externalOrderId": "gid-o-1",
            "externalCustomerId": "gid-1",
            "totalCost": 10,
            "currency": "EUR",
            "date": "2026-05-14T10:11:10Z",
            "status": "IN_PROGRESS",
            "taxes": 1.5,
            "items": [{"externalItemId": "7", "name": "Cup", "quantity": 1, "cost": 10}],
        }
        assert client.post("/orders", json={"orders": [order]}).json()["failedOrders"] == []
        assert client.get("/orders", params={"externalOrderId": "gid-o-1"}).json()["contactId"] == made


def test_ossbrownie(base: str) -> None:
    """A body with every request, and answers in plain text that are compared to the letter."""
    headers = {"Accept": "application/json", "Content-Type": "application/json; charset=utf-8", "Connection": "close"}
    with calling(base, "user", **headers) as client:

        def ask(method: str, path: str, body: object = ()) -> httpx.Response:
            answer = client.request(method, path, content=json.dumps(body))
            assert answer.status_code == 200, answer.text
            return answer

        assert ask("GET", "/version").json().keys() >= {"version", "protocolVersion"}
        assert ask("GET", "/addressbooks").json()["addressBook"]["fieldGroups"][0]["profileKey"]
        contact = {"firstName": "Ann", "channels": [{"type": "email", "value": "brownie@example.com"}]}
        made = ask("POST", "/contact", contact).json()["id"]
        form = {"contact": contact, "groups": ["Brownie"], "formType": "footer"}
        assert ask("POST", "/contact/subscribe", form).json() == {"id": made}
        assert ask("PUT", f"/contact/{made}", contact).text == f"Contact with id='{made}' has been updated"
        found = ask("GET", f"/contact/{made}").json()
        assert [(one["name"], one["type"]) for one in found["groups"]] == [("Brownie", "Static")]
        listed = ask("GET", "/contacts?email=brownie%40example.com&startindex=1&maxrows=500").json()
        assert [one["id"] for one in listed] == [made]
        groups = ask("GET", "/groups").json()
        assert "Brownie" in [one["name"] for one in groups if one["id"] and one["type"]]
        event = {"eventTypeKey": "brownie", "keyValue": "k", "params": [{"name": "a", "value": "1"}]}
        assert ask("POST", "/event", event).json()["id"]
        bulk = {
            "contacts": [contact],
            "dedupeOn": "email",
            "fieldId": None,
            "contactFields": ["firstName"],
            "customFieldsIDs": [],
            "groupNames": None,
            "groupNamesExclude": ["Brownie"],
            "restoreDeleted": False,
            "eventKeyForNewContacts": None,
        }
        answer = ask("POST", "/contacts", bulk).json()
        assert answer["id"] == 0
        finished(client, answer["asyncSessionId"])
        assert ask("GET", f"/contact/{made}").json()["groups"] == []
        assert ask("DELETE", f"/contact/{made}").text == f"Contact with id='{made}' has been deleted"


def test_dkulyk(base: str) -> None:
    """Nulls for whatever is not set; no member that it does not know; a header compared with its case."""
    with calling(base, "user", Accept="application/json") as client:
        unset = {"id": None, "lastName": None, "address": None, "addressBookId": None, "contactKey": None}
        channels = [{"type": "email", "value": "kulyk@example.com"}]
        contact: dict[str, Any] = {**unset, "firstName": "Ann", "channels": channels, "fields": [], "groups": []}
        made = client.post("/contact?", json=contact).json()["id"]
        contact["fields"] = [{"id": 12345, "value": "C"}]
        client.put(f"/contact/{made}?", json={**contact, "id": made})
        assert read_strictly(client.get(f"/contact/{made}?").json())["fields"] == contact["fields"]
        listed = client.get("/contacts?startindex=1&maxrows=500")
        assert b"TotalCount" in [name for name, _ in listed.headers.raw]
        assert made in [read_strictly(one)["id"] for one in listed.json()]
        form = {"contact": contact, "subscriptions": [], "groups": ["Kulyk"], "formType": ""}
        assert client.post("/contact/subscribe?", json=form).json() == {"id": made}
        (group,) = client.get("/groups?startindex=1&maxrows=500&name=Kulyk").json()
        members = client.get(f"/group/{group['id']}/contacts?startindex=1&maxrows=500")
        assert [read_strictly(one)["id"] for one in members.json()] == [made]
        told = client.get("/contacts/email", params={"ids": str(made)}).json()["results"]
        assert told == [{"contactId": made, "email": "kulyk@example.com"}]
        named = {"emails": ["kulyk@example.com"]}
        assert client.post("/emails/unsubscribed/add?", json=named).json()
        assert client.post("/emails/unsubscribed/delete?", json=named).json() == {"subscribed": 1}
        event = {"eventTypeKey": "kulyk", "keyValue": None, "parameters": [{"name": "contactId", "value": made}]}
        assert client.post("/event?", json=event).json()["id"]
        recipient = {
            "contactId": made,
            "locator": None,
            "jsonParam": "{}",
            "externalRequestId": None,
            "email": True,
        }
        message = {"recipients": [recipient], "campaignId": None, "allowUnconfirmed": False, "fromName": None}
        (sent,) = client.post("/message/5/smartsend?", json={**message, "email": True}).json()["results"]
        assert sent.keys() <= {"id", "locator", "status", "requestId", "message"}
        (state,) = client.get("/message/status", params={"ids": sent["requestId"]}).json()["results"]
        assert state.keys() <= {"id", "status", "requestId", "failed", "delivered"}
        assert client.delete(f"/contact/{made}?").status_code == 200
        assert client.get(f"/contact/{made}?").status_code == 404


def test_updevru(base: str) -> None:
    """A slash at the end of paths, the list of the unsubscribed and ids under other names."""
    headers = {"Accept": "application/json", "Content-Type": "application/json; charset=UTF-8"}
    with calling(base, "user", **headers) as client:
        sent = {"firstName": "Ann", "channels": [{"type": "email", "value": "updevru@example.com"}]}
        made = client.post("/contact/", json=sent).json()["id"]
        form = {"contact": sent, "groups": ["Updevru"], "fields": [], "dedupeOn": "email", "formType": "x"}
        assert client.post("/contact/subscribe/", json=form).json() == {"id": made}
        assert client.get("/contacts/", params={"startindex": 1, "maxrows": 1}).status_code == 200
        assert client.get("/contacts/email", params={"emails": made}).json()["results"][0]["contactId"] == made
        assert client.post("/emails/unsubscribe/add", json={"emails": ["updevru@example.com"]}).status_code == 200
        assert client.post("/emails/unsubscribe/delete", json={"emails": ["updevru@example.com"]}).status_code == 200
        assert client.get("/groups/", params={"name": "Updevru"}).json()[0]["name"] == "Updevru"
        mail = {"from": "a@example.com", "subject": "Hi", "htmlText": "<p>Hi", "plainText": "Hi", "tags": []}
        (result,) = client.post("/message/email/", json={**mail, "emails": ["updevru@example.com"]}).json()["results"]
        states = client.get("/message/email/status/", params={"ids": result["requestId"]}).json()["results"]
        assert states[0]["status"] == "DELIVERED"
        text = {"from": "Shop", "text": "Hi", "phoneNumbers": ["380507777777"]}
        (result,) = client.post("/message/sms/", json=text).json()["results"]
        assert client.get("/message/sms/status/", params={"ids": result["requestId"]}).json()["results"]
        smart = {"recipients": [{"locator": "updevru@example.com", "jsonParam": "{}"}], "email": True, "fromName": "S"}
        assert client.post("/message/5/smartsend", json=smart).json()["results"][0]["status"] == "OK"


def test_multitest_and_yii2(base: str) -> None:
    """One element in place of a list, and ids that come as texts; a bulk request with all that it may have."""
    with calling(base, "user", **{"content-type": "application/json"}) as client:
        assert client.get("/addressbooks").status_code == 200
        data = {
            "addressBookId": "1",
            "firstName": "Ann",
            "channels": {"type": "email", "value": "multitest@example.com"},
            "groups": {"name": "Multitest"},
        }
        asked = {"addressBookId": "1", "firstName": "Ann", "channels": ["type", "value"], "groups": "name"}
        assert client.get("/contacts", params=asked).status_code == 200
        made = client.post("/contact", content=json.dumps(data)).json()["id"]
        assert client.put(f"/contact/{made}", content=json.dumps(data)).text.endswith("has been updated")
        assert client.get(f"/contact/{made}").json()["groups"][0]["name"] == "Multitest"
        assert client.delete(f"/contact/{made}").text.endswith("has been deleted")
        one = {
            "firstName": "Ivan",
            "channels": [{"type": "email", "value": "yii2@example.com"}],
            "languageCode": "uk",
            "timeZone": "Europe/Kyiv",
            "fields": [{"id": 12345, "value": "C"}],
            "address": {"town": "Kyiv"},
        }
        bulk = {
            "contacts": [one],
            "dedupeOn": "email",
            "customFieldsIDs": [12345],
            "groupNames": ["Buyers"],
            "groupNamesExclude": [],
            "restoreDeleted": False,
            "eventKeyForNewContacts": "NewUsers",
        }
        assert finished(client, client.post("/contacts", json=bulk).json()["asyncSessionId"])["created"] == 1
        (found,) = client.get("/contacts", params={"email": "yii2@example.com", "full": "true"}).json()
        assert (found["timeZone"], found["groups"][0]["name"]) == ("Europe/Kyiv", "Buyers")


def test_what_the_vendor_documents_and_no_client_of_these_asks(base: str) -> None:
    """Bodies and members as its reference has them: a file by its link, categories, activities."""
    with calling(base, "user") as client, running_receiver() as files:
        files.answer = lambda _: Answer(body=b"Email,First name,ADDITIONAL.PROMO_CODE\nfile@example.com,Ann,SPRING-1\n")
        sent = {
            "link": f"{files.url}/contacts.csv",
            "dedupeOn": "email",
            "groupNames": ["From a file"],
            "groupNamesExclude": [],
            "restoreDeleted": False,
            "eventKeyForNewContacts": "newContactweb",
        }
        told = client.post("/contacts/upload", json=sent).json()
        assert {"message", "importId", "fileId", "valid"} <= told.keys()
        state = finished(client, told["importId"])
        assert (state["status"], state["created"]) == ("FINISHED", 1)
        (found,) = client.get("/contacts", params={"email": "file@example.com"}).json()
        path = f"/contact/{found['id']}/subscriptions"
        assert client.put(path, json={"subscriptions": ["sales", "news"]}).status_code == 200
        assert {one["key"] for one in client.get(path).json()} == {"sales", "news"}
        assert {one["key"] for one in client.get("/subscriptions").json()} >= {"sales", "news"}
        assert client.post("/emails/unsubscribed/add", json={"emails": ["file@example.com"]}).is_success
        asked = {"dateFrom": "2023-07-20", "dateTo": "2099-10-12T10:30", "email": "file@example.com"}
        (activity,) = client.get(f"{base.replace('/v1', '/v2')}contacts/activity", params=asked).json()
        assert activity["activityStatus"] == "UNSUBSCRIBED"
        assert {"contactId", "email", "mediaType", "activityDateTime", "offset"} <= activity.keys()
