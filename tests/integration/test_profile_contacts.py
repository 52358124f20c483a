"""Contacts of the profile API one by one, by search and in groups, on a real server with a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from integration.accounts import account
from integration.profile_server import contact, finished, serving
from promo_campaigns.contacts.event_store import list_events
from promo_campaigns.contacts.store import create_field
from promo_campaigns.postgres.connection import connect
from promo_campaigns.profile_api.contacts import paging

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


@pytest.fixture(scope="module")
def client(module_dsn: str) -> Iterator[httpx.Client]:
    """Return a client of a server whose account has an API's rights and no others."""
    with connect(module_dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=12345)
    with account(module_dsn, "api") as address, serving(address) as client:
        yield client


def make(client: httpx.Client, address: str, /, **more: Any) -> int:  # noqa: ANN401  (JSON as a caller writes it)
    answer = client.post("/contact", json=contact(("email", address), **more))
    assert answer.status_code == 200, answer.text
    made: int = answer.json()["id"]
    return made


def full(client: httpx.Client, contact_id: int) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/contact/{contact_id}?full=true").json()
    return found


def closed(client: httpx.Client, contact_id: int) -> list[str]:
    return [one["value"] for one in full(client, contact_id)["channels"] if "closedAt" in one]


def test_a_contact_is_updated_by_its_id(client: httpx.Client) -> None:
    one, other = make(client, "put1@example.com", firstName="Ann"), make(client, "put2@example.com")
    sent = contact(("email", "put1.new@example.com"), lastName="Lee", groups=[{"name": "Moved"}])
    answer = client.put(f"/contact/{one}", json=sent)
    assert (answer.status_code, answer.text) == (200, f"Contact with id='{one}' has been updated")
    found = full(client, one)
    assert (found["firstName"], found["lastName"]) == ("Ann", "Lee")
    assert [channel["value"] for channel in found["channels"]] == ["put1.new@example.com"]
    assert [group["name"] for group in found["groups"]] == ["Moved"]
    assert client.put(f"/contact/{one}", json={"firstName": "Eve"}).status_code == 200
    assert client.put(f"/contact/{other}", json=sent).status_code == 400
    for nobody in ("0", "999999999", "x"):
        answer = client.put(f"/contact/{nobody}", json=sent)
        assert (answer.status_code, answer.json()["message"]) == (404, "contact not found")


def test_a_deleted_contact_is_found_nowhere_and_comes_back_as_itself(client: httpx.Client) -> None:
    gone = make(client, "gone@example.com", externalCustomerId="gone-1", firstName="Gone")
    answer = client.delete(f"/contact/{gone}")
    assert (answer.status_code, answer.text) == (200, f"Contact with id='{gone}' has been deleted")
    assert client.get(f"/contact/{gone}").status_code == 404
    assert client.put(f"/contact/{gone}", json={"firstName": "A"}).status_code == 404
    assert client.get("/contacts", params={"email": "gone@example.com"}).json() == []
    # It comes back as the same contact, so that it gets no second code; and is open again.
    assert make(client, "gone@example.com") == gone
    assert closed(client, gone) == []
    deleted = client.delete("/contact", params={"externalCustomerId": "gone-1", "erase": "false"})
    assert deleted.json() == {"id": gone}
    client.post("/emails/unsubscribed/add", json={"emails": ["gone@example.com"]})
    bulk = {"contacts": contact(("email", "gone@example.com")), "dedupeOn": "email"}
    refused = finished(client, client.post("/contacts", json=bulk).json()["asyncSessionId"])
    assert "restoreDeleted" in refused["failedContacts"][0]["message"]
    finished(client, client.post("/contacts", json={**bulk, "restoreDeleted": True}).json()["asyncSessionId"])
    # Who was unsubscribed in the meantime stays so.
    assert closed(client, gone) == ["gone@example.com"]
    assert client.delete(f"/contact/{gone}?erase=true").status_code == 200
    assert client.get(f"/contact/{gone}").status_code == 404
    assert client.post("/contact", json=contact(("email", "gone@example.com"))).status_code == 400
    for path in ("/contact/999999999", "/contact/x", "/contact?externalCustomerId=none&erase=false"):
        assert client.delete(path).status_code == 404, path
    assert client.delete("/contact").status_code == 400


def test_an_address_is_kept_part_by_part_and_goes_with_its_contact(client: httpx.Client, module_dsn: str) -> None:
    one = make(client, "lives@example.com", address={"region": " ", "town": "Kyiv", "postcode": "01001"})
    make(client, "lives@example.com", address={"town": "Lviv"})
    lives = {"region": None, "town": "Lviv", "address": None, "postcode": "01001"}
    assert client.get(f"/contact/{one}").json()["address"] == lives
    bulk = {"contacts": contact(("email", "lives@example.com"), address={"address": "1 Main"}), "dedupeOn": "email"}
    for listed in ({}, {"contactFields": ["town", "address"]}):
        done = finished(client, client.post("/contacts", json={**bulk, **listed}).json()["asyncSessionId"])
        assert done["updated"] == 1
        lives |= {"address": "1 Main", "town": None} if listed else {"address": "1 Main"}
        assert client.get(f"/contact/{one}").json()["address"] == lives
    assert finished(client, client.post("/contacts", json=bulk).json()["asyncSessionId"])["unchanged"] == 1
    assert client.delete(f"/contact/{one}?erase=true").status_code == 200
    with connect(module_dsn) as connection:
        kept = connection.execute("select from promo.contact_address where contact_id = %s", [one]).fetchall()
    assert kept == []


def test_a_form_subscribes_opens_and_tells(client: httpx.Client, module_dsn: str) -> None:
    form = {"contact": contact(("email", "form@example.com")), "groups": ["Forms"], "formType": "footer"}
    made = client.post("/contact/subscribe", json=form, headers={"Idempotency-Key": "form-1"}).json()["id"]
    assert [group["name"] for group in full(client, made)["groups"]] == ["Forms"]
    client.post("/emails/unsubscribed/add", json={"emails": ["Form@example.com"]})
    assert closed(client, made) == ["form@example.com"]
    # A form does not prove whose another address is: the one that is known stays.
    again = contact(("email", "form@example.com"), ("sms", "380501234567"), firstName="Ann")
    assert client.post("/contact/subscribe", json={"contact": again}).json() == {"id": made}
    other = contact(("sms", "380501234567"), ("email", "thief@example.com"))
    assert client.post("/contact/subscribe", json={"contact": other}).json() == {"id": made}
    found = full(client, made)
    assert [one["value"] for one in found["channels"]] == ["form@example.com", "380501234567"]
    assert (closed(client, made), found["firstName"]) == ([], "Ann")
    with connect(module_dsn) as connection:
        events = [one["type"] for one in list_events(connection, limit=3)]
    assert events == ["subscribeUpdateFromApi", "subscribeUpdateFromApi", "subscribeFromApi"]


def test_unsubscribed_addresses_are_closed_whether_or_not_somebody_has_them(client: httpx.Client) -> None:
    known = make(client, "known@example.com")
    sent = {"emails": ["KNOWN@example.com", "stranger@example.com"]}
    assert client.post("/emails/unsubscribed/add", json=sent).json() == {"unsubscribed": 2}
    when = full(client, known)["channels"]
    assert client.post("/emails/unsubscribed/add", json=sent).json() == {"unsubscribed": 2}
    assert full(client, known)["channels"] == when
    (stranger,) = client.get("/contacts", params={"email": "stranger@example.com"}).json()
    assert closed(client, stranger["id"]) == ["stranger@example.com"]
    # An update does not open what was closed.
    assert make(client, "known@example.com", firstName="Ann") == known
    assert closed(client, known) == ["known@example.com"]
    assert client.post("/emails/unsubscribed/delete", json={"emails": "known@example.com"}).json() == {"subscribed": 1}
    assert closed(client, known) == []
    refused = client.post("/emails/unsubscribed/add", json={"emails": ["a@example.com", "canary"]})
    assert refused.json()["errors"] == [{"place": "emails[1]", "message": "not an e-mail address"}]


def test_contacts_are_searched_by_address_number_and_names_in_pages(client: httpx.Client) -> None:
    ids = [make(client, f"page{n}@example.com", firstName=f"Pat{n % 2}", lastName="Paging") for n in range(5)]
    client.put(f"/contact/{ids[0]}", json=contact(("sms", "380501111111")))

    def found(**asked: object) -> list[int]:
        answer = client.get("/contacts", params={name: str(value) for name, value in asked.items()})
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()]

    assert found(email="PAGE1@example.com") == [ids[1]]
    assert found(email="page0@example.com", sms="+380 50 111-11-11") == [ids[0]]
    assert found(email="page1@example.com", sms="380501111111") == []
    assert found(email="page1@example.com", firstname="Nobody") == []
    assert found(email="no address") == found(sms=" ", lastname="nobody") == []
    by_name = [*ids[0::2], *ids[1::2]]
    assert found(lastname="PAGING") == by_name
    assert found(firstName="pat1", lastName="paging") == found(firstname="pat1") == ids[1::2]
    pages = [found(lastname="paging", startindex=start, maxrows=2) for start in (1, 3, 5, 7)]
    assert pages == [by_name[:2], by_name[2:4], by_name[4:], []]
    assert found(lastname="paging", startindex=4, maxrows=9) == by_name[3:]
    assert set(ids) <= set(found())
    answer = client.get("/contacts", params={"lastname": "paging", "maxrows": 2})
    assert [(name, value) for name, value in answer.headers.raw if name.lower() == b"totalcount"] == [
        (b"TotalCount", b"5")
    ]
    for wrong in ({"startindex": "0"}, {"maxrows": "501"}, {"startindex": "x"}, {"startindex": 20_000}):
        assert client.get("/contacts", params=wrong).status_code == 400, wrong


def test_a_long_list_is_read_page_by_page_without_reading_it_up_to_there() -> None:
    asked: list[tuple[int, int]] = []

    def read(_: str, after: int, limit: int) -> list[int]:
        asked.append((after, limit))
        return list(range(after + 1, min(25_000, after + limit) + 1))

    pages = paging.Pages(0, read)
    start, seen = 1, 0
    while page := pages.page("all", start, 500).rows:
        seen += len(page)
        start += len(page)
    assert (seen, max(limit for _, limit in asked[2:])) == (25_000, 501)
    assert pages.page("all", 1, 500).total == paging.COUNTED + 1
    assert pages.page("all", 24_501, 500).total == 25_000


def test_addresses_are_told_by_contact(client: httpx.Client) -> None:
    one = make(client, "told@example.com")
    told = {"results": [{"contactId": one, "email": "told@example.com"}]}
    assert client.get("/contacts/email", params={"ids": f"{one},999999999"}).json() == told
    for wrong in ("", "x", ",", "1,x"):
        assert client.get("/contacts/email", params={"ids": wrong}).status_code == 400


def test_groups_have_members_that_join_and_leave(client: httpx.Client, module_dsn: str) -> None:
    one = make(client, "member1@example.com", groups=[{"name": "Readers"}, {"name": "readers "}])
    two = make(client, "member2@example.com", groups={"name": "Buyers"})
    groups = {group["name"]: group for group in client.get("/groups").json()}
    readers, buyers = groups["Readers"]["id"], groups["Buyers"]["id"]
    assert groups["Readers"] == {"id": readers, "name": "Readers", "type": "Static"}
    assert [group["id"] for group in client.get("/groups", params={"name": "UYER"}).json()] == [buyers]
    path = f"/group/{readers}/contacts"
    assert client.post(f"{path}/attach", json={"contactIds": [one, two, 999999999]}).json() == {"contactIds": [two]}
    members = client.get(path, params={"maxrows": 1})
    assert ([member["id"] for member in members.json()], members.headers["TotalCount"]) == ([one], "2")
    assert [member["id"] for member in client.get(path, params={"startindex": 2}).json()] == [two]
    assert client.post(f"{path}/detach", json={"contactIds": [one, one]}).json() == {"contactIds": [one]}
    bulk = {
        "contacts": [contact(("email", "member2@example.com")), contact(("email", "member3@example.com"))],
        "dedupeOn": "email",
        "groupNames": ["Bulk"],
        "groupNamesExclude": ["READERS", "no such group"],
        "eventKeyForNewContacts": "cameInBulk",
    }
    done = finished(client, client.post("/contacts", json=bulk).json()["asyncSessionId"])
    assert (done["created"], done["updated"]) == (1, 1)
    assert client.get(path).json() == []
    assert [group["name"] for group in full(client, two)["groups"]] == ["Buyers", "Bulk"]
    with connect(module_dsn) as connection:
        events = list_events(connection, type_name="cameInBulk")
    assert [event["contact_id"] for event in events] == [
        one["id"] for one in client.get("/contacts", params={"email": "member3@example.com"}).json()
    ]
    for missing in ("999999999", "x"):
        answer = client.get(f"/group/{missing}/contacts")
        assert (answer.status_code, answer.json()["message"]) == (404, "group not found")


def test_the_server_says_its_version_and_account(client: httpx.Client) -> None:
    assert client.get("/version").json()["protocolVersion"] == "1.0"
    account = client.get("/account/info").json()
    assert account.keys() == {"orgId", "userEmail", "organisationName"}
