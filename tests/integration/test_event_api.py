"""Both event resources of the profile API, on a real server with a real store."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.profile_server import contact, serving
from integration.scenario import add_codes, add_contacts
from promo_campaigns.cli import main
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.contacts.event_store import list_events
from promo_campaigns.contacts.store import put_contact
from promo_campaigns.ledger.event_queue import listen
from promo_campaigns.model.contacts import Channel, Contact
from promo_campaigns.profile_api.event_routes import EVENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from promo_campaigns.postgres.connection import Connection

ANN = Contact(channels=(Channel("email", "ann@example.com"), Channel("sms", "380671234567")), external_id="ann")
BOB = Contact(channels=(Channel("email", "bob@example.com"), Channel("mobilepush", "bob-token")))
BOTH = pytest.mark.parametrize("version", ["v1", "v2"])


@pytest.fixture
def client(dsn: str) -> Iterator[httpx.Client]:
    with serving(dsn) as client:
        client.base_url = str(client.base_url).replace("/api/v1", "/api")
        yield client


def event(**params: object) -> dict[str, Any]:
    return {"eventTypeKey": "OrderPaid", "params": params}


def kept(store: Connection, answer: httpx.Response) -> dict[str, Any]:
    """Return the event that an answer names."""
    assert (answer.status_code, list(answer.json())) == (200, ["id"]), answer.text
    row = store.execute("select * from promo.event where event_id = %s", [answer.json()["id"]]).fetchone()
    assert row is not None
    return row


@BOTH
@pytest.mark.parametrize("form", ["list", "object"])
def test_parameters_come_as_a_list_or_as_an_object(
    client: httpx.Client, store: Connection, version: str, form: str
) -> None:
    (someone,) = add_contacts(store, 1)
    params: Any = {"contactId": someone, "order": "A-7", "total": 12.5}
    if form == "list":
        params = [{"name": name, "value": value} for name, value in params.items()]
    sent = {"eventTypeKey": "OrderPaid", "keyValue": "key-1", "params": params}
    row = kept(store, client.post(f"/{version}/event", json=sent))
    assert (row["type"], row["key"], row["contact_id"]) == ("OrderPaid", "key-1", someone)
    assert row["params"] == {"contactId": someone, "order": "A-7", "total": 12.5}


def test_nested_parameters_are_text_in_version_1_and_json_in_version_2(client: httpx.Client, store: Connection) -> None:
    items = [{"sku": 7, "tags": ["a", "b"]}]
    text = json.dumps(items)
    escaped = event(externalCustomerId="ann", items=text, broken='{"a": ', note="[sic]")
    row = kept(store, client.post("/v1/event", json=escaped))
    assert row["params"]["items"] == items
    assert (row["params"]["broken"], row["params"]["note"]) == ('{"a": ', "[sic]")
    assert kept(store, client.post("/v2/event", json=event(externalCustomerId="ann", items=items)))["params"][
        "items"
    ] == (items)
    assert kept(store, client.post("/v2/event", json=event(externalCustomerId="ann", items=text)))["params"][
        "items"
    ] == (text)


@pytest.mark.parametrize(
    ("params", "whose"),
    [
        ({"externalCustomerId": "ann"}, "ann"),
        ({"email": "ANN@example.com"}, "ann"),
        ({"Phone": "+38 (067) 123-45-67"}, "ann"),
        ({"pushToken": "bob-token"}, "bob"),
        ({"MobPushToken": "bob-token"}, "bob"),
        ({"EmailAddress": "bob@example.com"}, "bob"),
        ({"externalCustomerId": "ann", "email": "bob@example.com"}, "ann"),
        ({"email": "bob@example.com", "phone": "380671234567"}, "bob"),
        ({"externalCustomerId": "null", "email": "bob@example.com"}, "bob"),
        ({"externalCustomerId": "", "contactId": None, "email": "bob@example.com"}, "bob"),
        ({"externalCustomerId": "stranger", "email": "bob@example.com"}, "bob"),
    ],
)
def test_an_event_finds_its_contact_as_the_vendor_does_and_leaves_it_as_it_is(
    client: httpx.Client, store: Connection, params: dict[str, Any], whose: str
) -> None:
    """The id first, then the external id, then address, number and token."""
    people = {"ann": put_contact(store, ANN), "bob": put_contact(store, BOB)}
    before = [client.get(f"/v1/contact/{number}").json() for number in people.values()]
    assert kept(store, client.post("/v2/event", json=event(**params)))["contact_id"] == people[whose]
    assert [client.get(f"/v1/contact/{number}").json() for number in people.values()] == before


def test_the_contact_id_beats_every_other_identifier(client: httpx.Client, store: Connection) -> None:
    ann, bob = put_contact(store, ANN), put_contact(store, BOB)
    for name in ("contactId", "Contact_id", "CONTACTID"):
        sent = event(email="ann@example.com", externalCustomerId="ann", **{name: str(bob)})
        assert kept(store, client.post("/v2/event", json=sent))["contact_id"] == bob
    unknown = event(email="ann@example.com", contactId=bob + 1000)
    assert kept(store, client.post("/v2/event", json=unknown))["contact_id"] == ann


def test_a_contact_that_nobody_knows_is_made_with_what_nobody_else_holds(
    client: httpx.Client, store: Connection
) -> None:
    put_contact(store, ANN)
    params = {"externalCustomerId": "eve", "email": "ann@example.com", "pushToken": "eve-token"}
    first = kept(store, client.post("/v2/event", json=event(**params)))["contact_id"]
    assert client.get(f"/v1/contact/{first}").json()["channels"] == [{"type": "mobilepush", "value": "eve-token"}]
    assert kept(store, client.post("/v2/event", json=event(externalCustomerId="eve")))["contact_id"] == first


def test_an_event_with_a_key_may_be_about_nobody(client: httpx.Client, store: Connection) -> None:
    row = kept(store, client.post("/v2/event", json={"eventTypeKey": "Tick", "keyValue": "tock"}))
    assert (row["contact_id"], row["key"], row["params"]) == (None, "tock", {})


def test_without_a_key_the_first_identifier_is_the_key(client: httpx.Client, store: Connection) -> None:
    row = kept(store, client.post("/v2/event", json=event(email="ann@example.com", externalCustomerId=17)))
    assert row["key"] == "17"


@BOTH
@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"params": {"email": "ann@example.com"}}, "eventTypeKey"),
        ({"eventTypeKey": "x" * 101, "keyValue": "k"}, "eventTypeKey"),
        ({"eventTypeKey": "", "keyValue": "k"}, "eventTypeKey"),
        ({"eventTypeKey": "Paid", "keyValue": "k" * 301}, "keyValue"),
        ({"eventTypeKey": "Paid", "keyValue": ["canary"]}, "keyValue"),
        ({"eventTypeKey": "Paid", "params": {"email": "canary"}}, "params.email"),
        ({"eventTypeKey": "Paid", "params": {"contactId": "canary"}}, "params.contactId"),
        ({"eventTypeKey": "Paid", "params": {"phone": ["canary"]}}, "params.phone"),
        ({"eventTypeKey": "Paid", "keyValue": "k", "params": "canary"}, "params"),
        ({"eventTypeKey": "Paid", "keyValue": "k", "params": ["canary"]}, "params"),
        ({"eventTypeKey": "Paid", "keyValue": "k", "params": {"": "canary"}}, "params"),
        ({"eventTypeKey": "Paid", "keyValue": "k", "params": {"a": "canary\0"}}, "params"),
    ],
)
def test_a_wrong_event_is_refused_with_its_place_and_without_its_values(
    client: httpx.Client, store: Connection, version: str, body: dict[str, Any], place: str
) -> None:
    answer = client.post(f"/{version}/event", json=body)
    assert answer.status_code == 400
    assert [error["place"] for error in answer.json()["errors"]] == [place]
    assert "canary" not in answer.text
    assert list_events(store) == []


@pytest.mark.parametrize("letter", list("<;\u2019\\/|\"`'^?!,>\n"))
def test_the_forbidden_characters_are_refused_in_type_and_key(client: httpx.Client, letter: str) -> None:
    for body in ({"eventTypeKey": f"a{letter}b", "keyValue": "k"}, {"eventTypeKey": "a", "keyValue": f"a{letter}b"}):
        assert client.post("/v2/event", json=body).status_code == 400


def test_an_event_that_names_nobody_is_answered_with_the_structure(client: httpx.Client) -> None:
    for params in ({}, {"order": 7}, {"externalCustomerId": "null"}):
        answer = client.post("/v2/event", json=event(**params))
        assert answer.status_code == 400
        assert "eventTypeKey, keyValue, params" in answer.json()["message"]


def test_a_body_of_20_kb_is_taken_and_a_longer_one_is_not(client: httpx.Client, store: Connection) -> None:
    def body(size: int) -> bytes:
        bare = json.dumps({"eventTypeKey": "Paid", "keyValue": "k", "params": {"note": ""}}).encode()
        return bare[:-3] + b"x" * (size - len(bare)) + bare[-3:]

    headers = {"Content-Type": "application/json"}
    assert kept(store, client.post("/v2/event", content=body(EVENT_BYTES), headers=headers))["key"] == "k"
    assert client.post("/v2/event", content=body(EVENT_BYTES + 1), headers=headers).status_code == 413


def test_strangers_and_other_methods_and_media_types_are_refused(client: httpx.Client) -> None:
    assert client.post("/v2/event", json=event(email="a@example.com"), auth=("x", "wrong")).status_code == 401
    assert client.get("/v2/event").status_code == 405
    assert client.post("/v2/event", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_request_that_is_sent_again_under_its_key_is_one_event(client: httpx.Client, store: Connection) -> None:
    """A caller whose answer was lost may repeat itself; without the header two requests are two events."""
    listen(store, workflow="welcome", type_name="OrderPaid")
    named = {"Idempotency-Key": str(uuid4())}
    sent = event(email="ann@example.com")
    ids = [client.post("/v2/event", json=sent, headers=named).json()["id"] for _ in range(3)]
    assert len(set(ids)) == 1
    assert client.post("/v2/event", json=sent).json()["id"] != client.post("/v2/event", json=sent).json()["id"]
    turns = store.execute("select count(*) as n from promo.event_queue").fetchone()
    assert turns == {"n": 3}


def test_an_event_of_somebody_who_was_erased_is_refused(client: httpx.Client, store: Connection) -> None:
    ann = put_contact(store, ANN)
    erase_contact(store, ann)
    for params in ({"contactId": ann}, {"email": "ann@example.com"}, {"externalCustomerId": "ann"}):
        assert client.post("/v2/event", json=event(**params)).status_code == 400
    assert list_events(store) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=10,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(value=JSON)
def test_whatever_json_a_parameter_holds_is_kept_as_it_is_or_refused(
    client: httpx.Client, store: Connection, value: object
) -> None:
    answer = client.post("/v2/event", json={"eventTypeKey": "Any", "keyValue": "k", "params": {"it": value}})
    if "\\u0000" in json.dumps(value):
        assert answer.status_code == 400
    else:
        assert kept(store, answer)["params"] == {"it": value}


def test_no_log_line_holds_a_value_of_an_event(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="promo_campaigns"):
        client.post("/v2/event", json=event(email="canary@example.com", secret="canary"))
        client.post("/v2/event", json=event(email="canary"))
    assert "POST /api/v2/event 200" in caplog.text
    assert "canary" not in caplog.text


def test_the_command_lists_events_with_masked_keys_and_purges_them(
    client: httpx.Client, store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    client.post("/v1/contact", json=contact(("email", "canary@example.com")))
    client.post("/v2/event", json=event(email="canary@example.com"))
    client.post("/v2/event", json={"eventTypeKey": "Tick", "keyValue": "tock"})
    assert main(["events", "list", "--dsn", dsn]) == 0
    head, tick, paid = capsys.readouterr().out.splitlines()
    assert re.search(r"Tick +t…k +nobody known +nobody listens$", tick)
    assert paid.endswith("welcome: waits")
    assert "canary" not in paid
    assert main(["events", "list", "--waiting", "--type", "OrderPaid", "--dsn", dsn]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [head.split(), paid.split()]
    assert main(["events", "listeners", "--dsn", dsn]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("welcome   OrderPaid")
    assert main(["events", "stop", "welcome", "--dsn", dsn]) == 0
    assert "1 events waited" in capsys.readouterr().out
    assert main(["events", "purge", "--days", "1", "--dsn", dsn]) == 0
    assert capsys.readouterr().out == "0 erased, 0 deleted, 0 refused that waited\n"


def test_an_event_that_a_code_was_redeemed_is_kept_as_both(client: httpx.Client, store: Connection) -> None:
    ann = put_contact(store, ANN)
    (code, *_) = add_codes(store, 1)
    params = {"externalCustomerId": "ann", "code": code, "orderId": 1001, "amount": "59.90", "currency": "EUR"}
    sent = {"eventTypeKey": "PromoCodeRedeemed", "params": params}
    for _ in range(2):
        row = kept(store, client.post("/v2/event", json=sent, headers={"Idempotency-Key": "order 1001"}))
    assert (row["type"], row["contact_id"]) == ("PromoCodeRedeemed", ann)
    [told] = store.execute("select order_id, contact_id, amount, finding, source from promo.redemption").fetchall()
    assert (told["order_id"], told["contact_id"], str(told["amount"])) == ("1001", ann, "59.90")
    assert (told["finding"], told["source"]) == ("never given", "event")
    del params["orderId"]
    refused = client.post("/v2/event", json=sent)
    assert refused.status_code == 400
    assert "orderId" in refused.text
    assert code not in refused.text
    assert store.execute("select count(*) as n from promo.event").fetchall() == [{"n": 1}]
