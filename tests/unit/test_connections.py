"""An Airflow Connection is read once: as an object, a URI, JSON or a variable it says the same to task and command."""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from promo_campaigns.connections.lookup import airflow_connection, command_connection
from promo_campaigns.connections.parsing import parse_connection, read_airflow_connection
from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.connections.store_dsn import (
    LINE,
    OF_THE_HOOK,
    OWN_FIELDS,
    PASSED,
    REFUSED,
    SESSION_SETTINGS,
    TOKENS,
    store_dsn,
)
from promo_campaigns.http.endpoint import parse_endpoint
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.postgres import connection as opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Connection as SdkConnection

NASTY = "p@ss/:?#%&+ é"
STORE = {"conn_type": "postgres", "host": "db.internal", "schema": "shop", "login": "promo", "password": NASTY}
SAMPLES: dict[str, dict[str, Any]] = {
    "a store": {**STORE, "port": 5433},
    "a store with extras": {**STORE, "extra": {"sslmode": "verify-full", "channel_binding": "require", "sslsni": "1"}},
    "a socket": {**STORE, "host": "/run/PostgreSQL"},
    "an address of version 6": {**STORE, "host": "fe80::1", "port": 5432},
    "several servers": {**STORE, "host": "one,two", "port": 5432, "extra": {"target_session_attrs": "read-write"}},
    "a receiver": {
        "conn_type": "promo_http",
        "host": "api.example",
        "schema": "https",
        "port": 8443,
        "password": NASTY,
        "extra": {"auth": "header", "key_name": "X-API-Key", "requests_per_s": "12.5", "concurrency": "4"},
    },
    "a receiver with types": {
        "conn_type": "promo_http",
        "host": "127.0.0.1",
        "extra": {"allow_insecure": True, "allow_private": True, "timeout_s": 3, "requests_per_s": 0.5},
    },
    "a host with its scheme": {"conn_type": "http", "host": "https://api.example", "login": "me", "password": "x"},
    "nothing but a host": {"conn_type": "http", "host": "api.example"},
}


def texts(settings: ConnectionSettings) -> tuple[Any, ...]:
    """Return what is read of a connection; an extra is read as its text."""
    return astuple(replace(settings, extras={name: settings.text(name) for name in settings.extras}))


def airflow_object(fields: dict[str, Any]) -> SdkConnection:
    from airflow.sdk import Connection

    extra = json.dumps(fields["extra"]) if "extra" in fields else None
    return Connection(conn_id="shop", **{**fields, "extra": extra})


def ways(fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ConnectionSettings]]:
    """Yield each way in which Airflow writes a connection, and what is read of it."""
    from airflow.models.connection import Connection as ModelConnection

    written = airflow_object(fields)
    yield "object", read_airflow_connection("shop", written)
    yield "model", read_airflow_connection("shop", ModelConnection(conn_id="shop", uri=written.get_uri()))
    for way, text in {"URI": written.get_uri(), "JSON": written.as_json()}.items():
        yield way, parse_connection("shop", text)
        yield f"{way}, given to the command", command_connection("shop", text)
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", text)
        yield f"{way} in the environment of the command", command_connection("shop")
        yield f"{way} in the environment of a task", airflow_connection("shop")


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_connection_says_the_same_however_it_is_written(sample: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {way: texts(settings) for way, settings in ways(SAMPLES[sample], monkeypatch)}
    assert found == dict.fromkeys(found, found["object"])
    fields = SAMPLES[sample]
    assert found["object"][1:4] == (fields["conn_type"], fields["host"], fields.get("schema", ""))


@pytest.mark.parametrize("sample", SAMPLES)
def test_it_leads_to_the_same_place_however_it_is_written(sample: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to = store_dsn if SAMPLES[sample]["conn_type"] == "postgres" else parse_endpoint
    found = {way: leads_to(settings) for way, settings in ways(SAMPLES[sample], monkeypatch)}
    assert found == dict.fromkeys(found, found["object"])


_WORD = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)


@given(_WORD, _WORD, _WORD, st.integers(1, 65535))
def test_a_uri_is_read_as_airflow_reads_it(login: str, password: str, database: str, port: int) -> None:
    written = airflow_object({**STORE, "login": login, "password": password, "schema": database, "port": port})
    read = parse_connection("shop", written.get_uri())
    assert read == read_airflow_connection("shop", written)
    parts = conninfo_to_dict(store_dsn(read))
    assert (parts["user"], parts["password"], parts["dbname"]) == (login, password, database)


@pytest.mark.parametrize("text", ["", "no-uri", "://h", "{conn_type: postgres}", "[1]", '{"port": "x"}', "http://h:x/"])
def test_a_text_that_is_no_connection_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match="connection 'shop' is") as caught:
        command_connection("shop", text) if not text else parse_connection("shop", text)
    assert not text or f"{text!r}" not in str(caught.value)


@pytest.mark.parametrize("extra", ["{broken", "[1]", '"x"'])
def test_an_extra_that_is_no_json_object_is_not_taken_for_an_empty_one(
    extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk import Connection

    with pytest.raises(ConfigurationError, match="'shop' has an extra that is no JSON object"):
        read_airflow_connection("shop", Connection(conn_id="shop", conn_type="postgres", host="h", extra=extra))
    with pytest.raises(ConfigurationError, match="'shop'"):
        command_connection("shop", f"postgres://h/d?__extra__={quote(extra)}")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "postgres", "host": "h", "extra": extra}))
    with pytest.raises(ConfigurationError, match="'shop'"):
        command_connection("shop")


LIBPQ = sorted(option.keyword.decode() for option in pq.Conninfo.get_defaults())


@pytest.mark.parametrize("name", LIBPQ)
def test_every_parameter_of_libpq_is_passed_on_or_refused_by_name(name: str) -> None:
    connection = parse_connection("promo_db", f"postgres://h/d?{name}=1")
    if name in (PASSED | LINE) - {"client_encoding"}:
        assert conninfo_to_dict(store_dsn(connection))[name] == "1"
    else:
        with pytest.raises(ConfigurationError, match=rf"^connection promo_db has (?:the|an) extra {name}\b"):
            store_dsn(connection)


def test_no_parameter_has_two_rules_and_what_the_product_sets_is_refused() -> None:
    rules = [PASSED, OWN_FIELDS.keys(), LINE, TOKENS, OF_THE_HOOK, REFUSED.keys()]
    assert sum(map(len, rules)) == len(frozenset().union(*rules))
    assert opened.LINE.keys() <= LINE
    assert {name.lower() for name in opened.SESSION} == SESSION_SETTINGS


def test_every_extra_that_the_provider_s_hook_reads_by_itself_has_a_rule() -> None:
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    assert PostgresHook.ignored_extra_options <= TOKENS | OF_THE_HOOK | REFUSED.keys()


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"options": "-c search_path=shop"}, "extra options that sets search_path; the product sets it itself"),
        ({"options": "-c work_mem=8MB --Statement-Timeout=5"}, "extra options that sets statement_timeout"),
        ({"client_encoding": "latin1"}, "client_encoding that is not UTF8"),
        ({"connect_timeout": 0}, "extra connect_timeout that is not between 1 and 60"),
        ({"redshift": True}, "extra redshift; Redshift cannot hold the store"),
        ({"iam": "perhaps"}, "extra iam that is neither true nor false"),
    ],
)
def test_an_extra_that_would_take_a_promise_away_is_refused(extra: dict[str, object], problem: str) -> None:
    connection = ConnectionSettings(name="connection c", conn_type="postgres", host="h", extras=extra)
    with pytest.raises(ConfigurationError, match=problem):
        store_dsn(connection)


@pytest.mark.parametrize(("value", "text"), [(True, "1"), (False, "0"), (0, "0"), ("verify-full", "verify-full")])
def test_a_setting_has_the_form_of_libpq(value: object, text: str) -> None:
    connection = ConnectionSettings(name="connection c", conn_type="postgres", host="h", extras={"sslsni": value})
    assert conninfo_to_dict(store_dsn(connection))["sslsni"] == text


def test_an_extra_of_several_values_is_refused() -> None:
    connection = ConnectionSettings(name="connection c", conn_type="postgres", host="h", extras={"sslmode": ["a"]})
    with pytest.raises(ConfigurationError, match="has an extra sslmode that is no text"):
        store_dsn(connection)
