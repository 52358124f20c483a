"""The profile API on a real server with a real store: one contact at a time."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.profile_server import KEY, contact, serving
from promo_campaigns.contacts.store import create_field
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.postgres.connection import connect
from promo_campaigns.profile_api.app import create_app
from promo_campaigns.profile_api.contacts.contact_routes import CONTACT_BYTES
from promo_campaigns.profile_api.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

EMAIL = ("email", "canary@example.com")
TOKEN = ("mobilepush", "canary-token")


@pytest.fixture
def client(dsn: str) -> Iterator[httpx.Client]:
    with connect(dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=12345)
        create_field(connection, "Visits", "number", field_id=7)
    with serving(dsn) as client:
        yield client


def test_the_body_of_the_documentation_makes_a_contact_and_records_a_code(client: httpx.Client) -> None:
    """Channels and fields at the top, the field by its numeric id."""
    body = {
        "channels": [{"type": "mobilepush", "value": "canary-token", "device": {"appId": "app", "os": "android"}}],
        "fields": [{"id": 12345, "value": "WELCOME7Q"}],
    }
    answer = client.post("/contact", json=body)
    assert answer.status_code == 200
    assert answer.json() == {"id": answer.json()["id"]}
    assert client.get(f"/contact/{answer.json()['id']}?full=true").json() == {
        "id": answer.json()["id"],
        "channels": body["channels"],
        "fields": [{"id": 12345, "name": "Promo code", "value": "WELCOME7Q"}],
        "groups": [],
        "addressBookId": 1,
    }


def test_an_update_is_in_place_when_it_is_answered_and_keeps_what_is_not_sent(client: httpx.Client) -> None:
    names = {"firstName": "Ann", "lastName": "Lee", "languageCode": "en", "externalCustomerId": 17}
    first = client.post("/contact", json=contact(EMAIL, TOKEN, **names)).json()["id"]
    sent = contact(("email", "Canary@EXAMPLE.com"), fields=[{"id": "12345", "value": 900}], address={"town": "Kyiv"})
    assert client.post("/contact", json=sent).json() == {"id": first}
    kept = client.get(f"/contact/{first}?full=true").json()
    assert {name: kept[name] for name in names} == {**names, "externalCustomerId": "17"}
    assert kept["fields"] == [{"id": 12345, "name": "Promo code", "value": "900"}]
    assert len(kept["channels"]) == 2


def test_what_a_shop_without_a_phone_or_a_name_sends_is_a_contact(client: httpx.Client) -> None:
    """The vendor's plugin for WooCommerce sends one blank for each value that a customer has not."""
    address = {"region": " ", "town": " ", "address": " ", "postcode": " "}
    for blank in (" ", "", None):
        sent = {"channels": [{"value": EMAIL[1], "type": "email"}, {"value": blank, "type": "sms"}]}
        answer = client.post("/contact", json={**sent, "firstName": " ", "lastName": " ", "address": address})
        assert answer.status_code == 200, answer.text
    found = client.get(f"/contact/{answer.json()['id']}").json()
    assert found["channels"] == [{"type": "email", "value": EMAIL[1]}]
    assert "firstName" not in found
    assert client.post("/contact", json=contact(("sms", " "))).status_code == 400


def test_a_single_element_may_come_as_itself_and_null_for_none(client: httpx.Client) -> None:
    one = {"channels": {"type": "email", "value": EMAIL[1]}, "fields": {"id": "12345", "value": "C"}}
    made = client.post("/contact", json=one).json()["id"]
    absent = {"fields": None, "firstName": None, "address": None, "groups": None, "addressBookId": None, "id": None}
    assert client.post("/contact", json={**contact(EMAIL), **absent}).json() == {"id": made}
    assert client.get(f"/contact/{made}").json()["fields"] == [{"id": 12345, "value": "C"}]


def test_an_answer_has_no_member_that_the_vendors_has_not(client: httpx.Client) -> None:
    """A client that knows the recorded members alone refuses any other; full=true adds ours."""
    named = {"firstName": "Ann", "languageCode": "en", "timeZone": "Europe/Kyiv", "externalCustomerId": "17"}
    sent = contact(EMAIL, **named, fields=[{"id": 12345, "value": "C"}])
    path = f"/contact/{client.post('/contact', json=sent).json()['id']}"
    plain, full = client.get(path).json(), client.get(f"{path}?full=true").json()
    assert plain.keys() == {"id", "firstName", "channels", "fields", "groups", "addressBookId"}
    assert plain["fields"] == [{"id": 12345, "value": "C"}]
    assert {name: full[name] for name in named} == named
    (group,) = client.get("/addressbooks").json()["addressBook"]["fieldGroups"]
    assert group["fields"][0]["description"].keys() == {"type", "required", "readonly"}


def test_a_slash_at_the_end_of_a_path_changes_nothing(client: httpx.Client) -> None:
    made = client.post("/contact/", json=contact(EMAIL))
    assert made.status_code == 200
    assert client.get(f"/contact/{made.json()['id']}/").json() == client.get(f"/contact/{made.json()['id']}").json()
    assert client.get("/none/").status_code == 404


def test_the_same_request_twice_is_one_contact_with_one_value(client: httpx.Client, dsn: str) -> None:
    body = contact(TOKEN, fields=[{"id": 12345, "value": "WELCOME7Q"}])
    assert client.post("/contact", json=body).json() == client.post("/contact", json=body).json()
    with connect(dsn) as connection:
        counts = connection.execute(
            "select (select count(*) from promo.contact) as c, (select count(*) from promo.contact_field_value) as v"
        ).fetchone()
    assert counts == {"c": 1, "v": 1}


def test_many_requests_at_once_for_one_new_locator_make_one_contact(client: httpx.Client) -> None:
    async def post_all() -> list[int]:
        header = aiohttp.encode_basic_auth("x", KEY)
        async with aiohttp.ClientSession(headers={"Authorization": header}) as session:

            async def post(turn: int) -> int:
                sent = contact(EMAIL, TOKEN, firstName=f"Ann {turn}")
                async with session.post(f"{client.base_url}contact", json=sent) as answer:
                    assert answer.status == 200
                    made: dict[str, int] = await answer.json()
                    return made["id"]

            return await asyncio.gather(*(post(turn) for turn in range(40)))

    assert len(set(asyncio.run(post_all()))) == 1


def test_a_channel_of_another_contact_is_refused(client: httpx.Client) -> None:
    client.post("/contact", json=contact(EMAIL))
    client.post("/contact", json=contact(TOKEN))
    answer = client.post("/contact", json=contact(EMAIL, TOKEN))
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"place": "channels[1]", "message": "this channel belongs to another contact"}]


BAD_BODIES: list[tuple[Any, str]] = [
    (b"", ""),
    (b"{", ""),
    (b"[]", ""),
    (b"\xff\xfe", ""),
    (b'{"channels":[{"type":"mobilepush","value":"canary\\ud800"}]}', ""),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, ""),
    ({}, ""),
    ({"channels": []}, ""),
    ({"channels": "canary"}, "channels"),
    ({"channels": [{"type": "mobilepush"}]}, "channels[0].value"),
    ({"channels": [{"value": "canary"}]}, "channels[0].type"),
    (contact(("Email", "canary@example.com")), "channels[0].type"),
    (contact(("email", "canary")), "channels[0]"),
    (contact(EMAIL, ("sms", "canary")), "channels[1]"),
    (contact(("mobilepush", "canary\x00")), "channels[0]"),
    (contact(("mobilepush", "canary" * 1000)), "channels[0]"),
    (contact(EMAIL, ("email", "canary2@example.com")), "channels[1]"),
    (contact(*[("mobilepush", f"canary-{n}") for n in range(101)]), "channels"),
    ({"channels": [{"type": "mobilepush", "value": "x", "device": {"os": "canary\x00"}}]}, "channels[0].device"),
    (b'{"channels":[{"type":"mobilepush","value":"x","device":{"canary":1e999}}]}', "channels[0].device"),
    (contact(EMAIL, fields=[{"value": "canary"}]), "fields[0].id"),
    (contact(EMAIL, fields=[{"id": "canary", "value": "x"}]), "fields[0].id"),
    (contact(EMAIL, fields=[{"id": 2**63, "value": "x"}]), "fields[0].id"),
    (contact(EMAIL, fields=[{"id": 999, "value": "canary"}]), "field 999"),
    (contact(EMAIL, fields=[{"id": 7, "value": "canary"}]), "field 7"),
    (contact(EMAIL, fields=[{"id": 12345, "value": "canary\x00"}]), "field 12345"),
    (contact(EMAIL, fields=[{"id": 12345, "value": ["canary"]}]), "fields[0].value"),
    (contact(EMAIL, firstName="canary" * 7), "firstName"),
    (contact(EMAIL, lastName="<canary>"), "lastName"),
    (contact(EMAIL, languageCode="canary!"), "languageCode"),
    (contact(EMAIL, externalCustomerId="canary" * 50), "externalCustomerId"),
]


def test_bad_requests_are_answered_400_with_the_place_and_change_nothing(client: httpx.Client, dsn: str) -> None:
    """The answer names what is wrong and never repeats what was sent."""
    for body, place in BAD_BODIES:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = client.post("/contact", content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, raw[:80]
        told = answer.json()
        assert told["errors"][0]["message"], raw[:80]
        assert told["errors"][0]["place"] == place, raw[:80]
        assert "canary" not in answer.text.lower(), raw[:80]
    with connect(dsn) as connection:
        assert connection.execute("select from promo.contact").fetchall() == []


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
_CHANNELS = st.fixed_dictionaries(
    {"type": st.sampled_from(["email", "sms", "mobilepush", "viber"]) | _JSON, "value": st.text(max_size=20) | _JSON},
    optional={"device": _JSON},
)
_FIELDS = st.fixed_dictionaries({"id": st.sampled_from([7, "12345", 12345]) | _JSON, "value": _JSON})
_CONTACTS = st.fixed_dictionaries(
    {"channels": st.lists(_CHANNELS, max_size=3) | _JSON},
    optional={"fields": st.lists(_FIELDS, max_size=3) | _JSON, "firstName": _JSON, "externalCustomerId": _JSON},
)


def test_whatever_is_sent_is_answered_200_or_400(client: httpx.Client) -> None:
    @settings(max_examples=200, database=None)
    @given(_CONTACTS | _JSON)
    def post(body: object) -> None:
        raw = json.dumps(body).encode()
        answer = client.post("/contact", content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code in {200, 400}, answer.text

    post()


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_another_media_type_is_answered_415(client: httpx.Client, media_type: str) -> None:
    answer = client.post("/contact", content=b"{}", headers={"Content-Type": media_type})
    assert answer.status_code == 415


def test_a_media_type_may_name_its_charset(client: httpx.Client) -> None:
    raw = json.dumps(contact(EMAIL)).encode()
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/contact", content=raw, headers=headers).status_code == 200


def test_a_long_body_is_answered_413_whether_or_not_it_says_so(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    assert client.post("/contact", content=b" " * (CONTACT_BYTES + 1), headers=headers).status_code == 413
    parts = (b" " * 65536 for _ in range(CONTACT_BYTES // 65536 + 1))
    assert client.post("/contact", content=parts, headers=headers).status_code == 413


def test_absent_contacts_and_paths_are_answered_404(client: httpx.Client) -> None:
    for path in (
        "/contact/1",
        "/contact/0",
        "/contact/x",
        "/contact/-1",
        "/contact/" + "9" * 30,
        "/contact/%00",
        "/none",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "not found" in answer.json()["message"], path
    gone = client.delete("/contact", params={"externalCustomerId": "nobody", "erase": "true"})
    assert (gone.status_code, gone.json()["message"]) == (404, "contact not found")


def test_other_methods_are_answered_405_with_all_those_that_there_are(client: httpx.Client) -> None:
    for method, path, allowed in [
        ("GET", "/contact", "DELETE, POST"),
        ("PUT", "/contact", "DELETE, POST"),
        ("POST", "/addressbooks", "GET"),
    ]:
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed), path


def test_fields_are_listed_with_id_name_and_type(client: httpx.Client) -> None:
    (group,) = client.get("/addressbooks").json()["addressBook"]["fieldGroups"]
    listed = [(one["id"], one["name"], one["fieldKey"], one["description"]["type"]) for one in group["fields"]]
    assert listed == [(7, "Visits", "VISITS", "number"), (12345, "Promo code", "PROMO_CODE", "textfield")]


def _basic(text: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text).decode()}


STRANGERS: list[dict[str, str]] = [
    {},
    _basic(b"x:wrong"),
    _basic(b":"),
    _basic(KEY.encode()),
    _basic(KEY.encode() + b":"),
    _basic(b"x:" + KEY.encode() + b" "),
    _basic(b"x:" + KEY.upper().encode()),
    _basic(b"x:\xff\xfe"),
    {"Authorization": f"Bearer {KEY}"},
    {"Authorization": "Basic"},
    {"Authorization": "Basic !!!"},
    {"X-Api-Key": KEY},
]


BY_ITSELF = {
    "/pictures/{token}.png": ("GET", "HEAD"),
    "/unsubscribe/{token}": ("GET", "HEAD", "POST"),
    "/webhooks/channels": ("POST",),
}
"""Routes whose every request is signed, by path and method; no route of theirs is answered to a stranger otherwise."""


def test_no_route_answers_a_stranger(client: httpx.Client, dsn: str) -> None:
    """Every route, and paths that are none, by every method; what is signed by itself is refused as if it were none."""
    routes = create_app(dsn, KEY, Limits()).routes
    paths = {route.path for route in routes if isinstance(route, APIRoute)}
    assert len(paths) > 16
    assert all(isinstance(route, APIRoute) for route in routes)
    root = str(client.base_url).removesuffix("/api/v1/")
    with httpx.Client(base_url=root, trust_env=False) as stranger:
        for headers in STRANGERS:
            # What is asked for does not matter once the key was looked at: every path is tried with two of them.
            tried = [*paths, "/", "/redoc", "/openapi.json", "/api/v1"] if headers in STRANGERS[:2] else ["/docs"]
            for path in [*tried, "/none"]:
                for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
                    answer = stranger.request(method, path, headers=headers)
                    if method in BY_ITSELF.get(path, ()):
                        assert answer.status_code == 404, (method, headers)
                        continue
                    assert answer.status_code == 401, (method, path, headers)
                    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("user", ["", "user", "a:b"[:1], "ключ"])
def test_any_user_name_goes_with_the_key(client: httpx.Client, user: str) -> None:
    headers = _basic(f"{user}:{KEY}".encode())
    with httpx.Client(base_url=client.base_url, headers=headers, trust_env=False) as other:
        assert other.get("/addressbooks").status_code == 200


def test_logs_hold_neither_addresses_nor_values_nor_the_key(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="promo_campaigns"), serving(dsn) as client:
        client.post("/contact", json=contact(EMAIL, TOKEN, firstName="canary"))
        client.post("/contact", json=contact(("email", "canary")))
        client.get("/contact/canary@example.com?email=canary@example.com")
        client.get("/contact/1?email=canary@example.com")
    lines = [record.getMessage() for record in caplog.records if record.name == "promo_campaigns.access"]
    assert [line.rsplit(" ", 2)[0] for line in lines] == [
        "GET /api/v1/addressbooks 200",
        "POST /api/v1/contact 200",
        "POST /api/v1/contact 400",
        "GET /api/v1/contact/{contact_id} 404",
        "GET /api/v1/contact/{contact_id} 200",
    ]
    assert "canary" not in caplog.text
    assert KEY not in caplog.text


def test_an_error_of_the_database_is_answered_without_its_message(
    client: httpx.Client, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(dsn) as connection:
        connection.execute("alter table promo.contact_channel add constraint canary check (value = 'x')")
    answer = client.post("/contact", json=contact(EMAIL))
    assert answer.status_code == 500
    assert "canary" not in answer.text + caplog.text


def test_connections_that_were_cut_are_opened_anew(client: httpx.Client, dsn: str) -> None:
    made = client.post("/contact", json=contact(EMAIL)).json()
    with connect(dsn) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert [client.post("/contact", json=contact(EMAIL)).json() for _ in range(10)] == [made] * 10


def test_half_a_request_stops_nobody(client: httpx.Client) -> None:
    host, port = client.base_url.host, client.base_url.port
    with socket.create_connection((host, port or 0)) as half:
        half.sendall(b"POST /api/v1/contact HTTP/1.1\r\nHost: x\r\n")
        assert client.post("/contact", json=contact(EMAIL)).status_code == 200


def test_there_is_no_application_without_a_key(dsn: str) -> None:
    with pytest.raises(ConfigurationError, match="needs a key"):
        create_app(dsn, "", Limits())
