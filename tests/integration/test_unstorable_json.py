"""What JSON can say and the store cannot hold is answered 400 with its place, in whatever the profile API takes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.profile_server import finished, serving
from promo_campaigns.contacts.store import create_field
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from promo_campaigns.postgres.connection import Connection

JSON_TYPE = {"Content-Type": "application/json"}
UNSTORABLE = {
    "no end": "1e999",
    "no end below": "-1e999",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "NUL": r'"a\u0000b"',
    "first half": r'"a\ud800b"',
    "second half": r'"\udfff"',
}
PLACES = {
    "event parameter": ("/api/v2/event", '{"eventTypeKey":"Paid","keyValue":"k","params":{"total":%s}}'),
    "inside a parameter": ("/api/v2/event", '{"eventTypeKey":"Paid","keyValue":"k","params":{"a":[{"b":%s}]}}'),
    "listed parameter": ("/api/v1/event", '{"eventTypeKey":"Paid","keyValue":"k","params":[{"name":"a","value":%s}]}'),
    "event key": ("/api/v2/event", '{"eventTypeKey":"Paid","keyValue":%s}'),
    "event type": ("/api/v2/event", '{"eventTypeKey":%s,"keyValue":"k"}'),
    "identity of an event": ("/api/v2/event", '{"eventTypeKey":"Paid","params":{"externalCustomerId":%s}}'),
    "device": ("/api/v1/contact", '{"channels":[{"type":"mobilepush","value":"t","device":{"os":%s}}]}'),
    "token": ("/api/v1/contact", '{"channels":[{"type":"mobilepush","value":%s}]}'),
    "external id": ("/api/v1/contact", '{"externalCustomerId":%s}'),
    "name": ("/api/v1/contact", '{"externalCustomerId":"a","firstName":%s}'),
    "field": ("/api/v1/contact", '{"externalCustomerId":"a","fields":[{"id":1,"value":%s}]}'),
    "field id": ("/api/v1/contact", '{"externalCustomerId":"a","fields":[{"id":%s,"value":"a"}]}'),
    "way to recognise": ("/api/v1/contacts", '{"dedupeOn":%s,"contacts":[]}'),
    "listed standard field": (
        "/api/v1/contacts",
        '{"dedupeOn":"email","contactFields":[%s],"contacts":[{"channels":[{"type":"email","value":"a@example.com"}]}]}',
    ),
    "listed field": ("/api/v1/contacts", '{"dedupeOn":"email","customFieldsIDs":[%s],"contacts":[]}'),
}


@pytest.fixture
def client(dsn: str) -> Iterator[httpx.Client]:
    with connect(dsn) as connection:
        create_field(connection, "Word", "textfield", field_id=1)
        create_field(connection, "Total", "decimal", field_id=2)
        create_field(connection, "Visits", "number", field_id=3)
    with serving(dsn) as client:
        client.base_url = str(client.base_url).removesuffix("/api/v1/")
        yield client


def counted(store: Connection) -> Any:  # noqa: ANN401  (a row of counts)
    return store.execute(
        "select (select count(*) from promo.contact) as contacts, (select count(*) from promo.event) as events"
    ).fetchone()


def test_a_value_that_cannot_be_stored_is_answered_400_wherever_it_stands(
    client: httpx.Client, store: Connection
) -> None:
    for place, (path, body) in PLACES.items():
        for kind, value in UNSTORABLE.items():
            answer = client.post(path, content=body.replace("%s", value), headers=JSON_TYPE)
            assert answer.status_code == 400, (place, kind, answer.text)
            assert answer.json()["errors"][0]["message"], (place, kind)
    assert counted(store) == {"contacts": 0, "events": 0}


@pytest.mark.parametrize("inner", ["[1e999]", r'["a\u0000"]', r'["\ud800"]', r'{"\udfff": 1}', "[" * 150 + "]" * 150])
def test_json_that_comes_as_a_text_is_no_way_round(client: httpx.Client, store: Connection, inner: str) -> None:
    """Version 1 of the events takes arrays and objects as texts."""
    sent = {"eventTypeKey": "Paid", "keyValue": "k", "params": {"items": inner}}
    answer = client.post("/api/v1/event", json=sent)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["place"] == "params"
    assert counted(store)["events"] == 0


def test_a_contact_of_an_import_with_such_a_value_is_refused_alone(client: httpx.Client) -> None:
    kinds = [value for kind, value in UNSTORABLE.items() if "half" not in kind]
    people = [
        f'{{"externalCustomerId":"c{turn}","fields":[{{"id":1,"value":{value}}}]}}' for turn, value in enumerate(kinds)
    ]
    crowd = ",".join([*people, '{"externalCustomerId":"good"}'])
    body = f'{{"dedupeOn":"externalCustomerId","customFieldsIDs":[1],"contacts":[{crowd}]}}'
    answer = client.post("/api/v1/contacts", content=body, headers=JSON_TYPE).json()
    assert [one["position"] for one in answer["failedContacts"]] == list(range(len(kinds)))
    client.base_url = f"{client.base_url}/api/v1"
    assert finished(client, answer["asyncSessionId"])["created"] == 1


@pytest.mark.parametrize("field", [2, 3])
@pytest.mark.parametrize("text", ["NaN", "nan", "inf", "-Infinity", "1e999", "1e5", "0x1F", "1_000", "٣"])
def test_nan_and_infinity_are_no_numbers(client: httpx.Client, field: int, text: str) -> None:
    sent = {"externalCustomerId": "a", "fields": [{"id": field, "value": text}]}
    answer = client.post("/api/v1/contact", json=sent)
    assert (answer.status_code, answer.json()["errors"][0]["place"]) == (400, f"field {field}")


_TEXTS = st.text(st.characters(codec=None), max_size=6)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
)


@settings(
    max_examples=200, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(value=_VALUES, write=st.sampled_from([json.dumps, lambda value: value]))
def test_whatever_an_event_holds_it_is_kept_or_refused(
    client: httpx.Client, value: object, write: Callable[[object], object]
) -> None:
    """Python writes NaN, endless numbers and halves of pairs as they are."""
    sent = {"eventTypeKey": "Any", "keyValue": "k", "params": {"it": write(value)}}
    body = json.dumps(sent)
    answer = client.post("/api/v1/event", content=body, headers=JSON_TYPE)
    assert answer.status_code in {200, 400}, answer.text
    if not re.search(r"NaN|Infinity|u0000|ud[89a-f]", body):
        assert answer.status_code == 200, (body, answer.text)
