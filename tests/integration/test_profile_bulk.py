"""Bulk requests: accepted, answered, and worked off, whatever is restarted meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from integration.profile_server import contact, finished, serving
from promo_campaigns.contacts.import_queue import read_import
from promo_campaigns.contacts.store import create_field
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


@pytest.fixture
def client(dsn: str) -> Iterator[httpx.Client]:
    with connect(dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=12345)
        create_field(connection, "Card", "textfield", field_id=7)
    with serving(dsn) as client:
        yield client


def bulk(*contacts: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON as a caller writes it)
    return {"dedupeOn": "email", "contacts": list(contacts), **more}


def run(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/contacts", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == 0
    return finished(client, answer.json()["asyncSessionId"])


def read(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """Return the contact of these identifiers, made if it is not there."""
    made = client.post("/contact", json=body).json()["id"]
    found: dict[str, Any] = client.get(f"/contact/{made}").json()
    return found


def test_three_thousand_contacts_are_accepted_and_put_in_place(client: httpx.Client) -> None:
    people = [
        contact(("email", f"p{n}@example.com"), firstName=f"N{n}", fields=[{"id": 12345, "value": f"C{n}"}])
        for n in range(3000)
    ]
    body = bulk(*people, customFieldsIDs=[12345])
    status = run(client, body)
    expected = {"total": 3000, "created": 3000, "updated": 0, "unchanged": 0, "failed": 0}
    assert {key: status[key] for key in expected} == expected
    again = run(client, body)
    assert (again["created"], again["unchanged"]) == (0, 3000)
    last = read(client, contact(("email", "P2999@example.com")))
    assert (last["firstName"], last["fields"][0]["value"]) == ("N2999", "C2999")


def test_fields_are_written_only_when_they_are_listed(client: httpx.Client) -> None:
    """As customFieldsIDs lists them."""
    sent = contact(
        ("email", "a@example.com"), fields=[{"id": 12345, "value": "C"}, {"id": 7, "value": "D"}, {"id": 99}]
    )
    run(client, bulk(sent))
    assert read(client, contact(("email", "a@example.com")))["fields"] == []
    run(client, bulk(sent, customFieldsIDs=["7"]))
    assert [one["id"] for one in read(client, contact(("email", "a@example.com")))["fields"]] == [7]


def test_listed_standard_fields_are_emptied_when_they_are_not_supplied(client: httpx.Client) -> None:
    """As contactFields lists them; an empty list is none."""
    whole = contact(("email", "a@example.com"), ("sms", "380501234567"), firstName="Ann", lastName="Lee")
    run(client, bulk(whole))
    run(client, bulk(contact(("email", "a@example.com"), lastName="No"), contactFields=["firstName", "sms", "town"]))
    found = read(client, contact(("email", "a@example.com")))
    assert "firstName" not in found
    assert found["lastName"] == "Lee"
    assert [one["type"] for one in found["channels"]] == ["email"]
    run(client, bulk(contact(("email", "a@example.com"), firstName="Ann"), contactFields=[]))
    assert read(client, contact(("email", "a@example.com")))["firstName"] == "Ann"


def test_a_bulk_request_of_a_client_with_nulls_and_a_single_contact_keeps_the_zone(client: httpx.Client) -> None:
    nulls = {"fieldId": None, "contactFields": None, "customFieldsIDs": None, "groupNames": None}
    one = contact(("email", "a@example.com"), ("sms", " "), timeZone="Europe/Kyiv")
    assert run(client, {"contacts": one, "dedupeOn": "email", **nulls})["created"] == 1
    found = client.post("/contact", json=contact(("email", "a@example.com"))).json()["id"]
    assert client.get(f"/contact/{found}?full=true").json()["timeZone"] == "Europe/Kyiv"


def test_an_external_id_beats_dedupe_on(client: httpx.Client) -> None:
    run(client, bulk(contact(("email", "a@example.com"), externalCustomerId="ext-1")))
    run(client, bulk(contact(externalCustomerId="ext-1", firstName="Ann"), dedupeOn="sms"))
    assert read(client, contact(("email", "a@example.com")))["firstName"] == "Ann"


def test_contacts_are_recognised_by_phone_field_or_id(client: httpx.Client) -> None:
    phone = contact(("sms", "380501234567"), fields=[{"id": 7, "value": "card-1"}])
    run(client, bulk(phone, dedupeOn="email_or_sms", customFieldsIDs=[7]))
    run(client, bulk({"fields": [{"id": 7, "value": "card-1"}], "firstName": "Ann"}, dedupeOn="fieldId", fieldId=7))
    found = read(client, contact(("sms", "380501234567")))
    assert found["firstName"] == "Ann"
    run(client, bulk({"id": found["id"], "lastName": "Lee"}, dedupeOn="id"))
    assert read(client, contact(("sms", "380501234567")))["lastName"] == "Lee"


def test_contacts_that_cannot_be_stored_are_told_by_position_and_the_others_stored(client: httpx.Client) -> None:
    client.post("/contact", json=contact(("sms", "380501234567")))
    body = bulk(
        contact(("email", "a@example.com")),
        contact(("email", "canary")),
        contact(("mobilepush", "canary")),
        contact(("email", "b@example.com"), ("sms", "380501234567")),
        contact(("email", "A@example.com"), firstName="Twice"),
        contact(("email", "c@example.com"), firstName="canary" * 10),
        contact(("email", "d@example.com"), fields=[{"id": 12345, "value": "canary\x00"}]),
        customFieldsIDs=[12345],
    )
    answer = client.post("/contacts", json=body)
    assert [one["position"] for one in answer.json()["failedContacts"]] == [1, 2, 5, 6]
    status = finished(client, answer.json()["asyncSessionId"])
    assert (status["total"], status["created"], status["failed"]) == (7, 1, 6)
    told = [(one["position"], one["message"]) for one in status["failedContacts"]]
    assert told[0] == (1, "not an e-mail address")
    assert told[1] == (2, "nothing to recognise it by (email)")
    assert told[2] == (3, "this channel belongs to another contact")
    assert told[3] == (4, "the same contact as in position 0")
    assert "canary" not in str(status)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"contacts": []}, "dedupeOn"),
        ({"dedupeOn": "email"}, "contacts"),
        (bulk(dedupeOn="canary"), "dedupeOn"),
        (bulk(dedupeOn="fieldId"), "fieldId"),
        (bulk(fieldId=7), "fieldId"),
        (bulk(customFieldsIDs=[999]), "customFieldsIDs"),
        (bulk(customFieldsIDs=["canary"]), "customFieldsIDs[0]"),
        (bulk(*[{}] * 3001), "contacts"),
        (bulk(contactFields="canary"), "contactFields"),
    ],
)
def test_a_request_that_is_wrong_as_a_whole_is_answered_400(client: httpx.Client, body: object, place: str) -> None:
    answer = client.post("/contacts", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["place"] == place
    assert "canary" not in answer.text


def test_an_unknown_session_is_answered_404(client: httpx.Client) -> None:
    for session_id in ("x", "0" * 36, "00000000-0000-0000-0000-000000000000"):
        assert client.get(f"/importstatus/{session_id}").status_code == 404


def test_a_request_is_forgotten_when_it_is_in_place(client: httpx.Client, dsn: str) -> None:
    """It holds addresses."""
    run(client, bulk(contact(("email", "canary@example.com"))))
    with connect(dsn) as connection:
        kept = connection.execute("select row_to_json(i)::text as text from promo.contact_import i").fetchall()
    assert "canary" not in str(kept)


def test_an_import_that_can_never_be_done_does_not_stop_those_behind_it(client: httpx.Client, dsn: str) -> None:
    with connect(dsn) as connection:
        broken = connection.execute(
            "insert into promo.contact_import (request, total) values ('{}', 1) returning session_id::text as id"
        ).fetchone()
        assert broken
        assert run(client, bulk(contact(("email", "a@example.com"))))["created"] == 1
        status = read_import(connection, broken["id"])
    assert status
    assert status.state == "failed"
