"""What a connection may say, and what becomes of it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.connections.parsing import parse_connection, read_airflow_connection
from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.http.client import Call, HttpClient
from promo_campaigns.http.endpoint import parse_endpoint
from promo_campaigns.http.request_paths import path_part
from promo_campaigns.http.signing.credentials import AUTHS
from promo_campaigns.http.signing.headers import basic_auth
from promo_campaigns.http.ssrf import is_public, require_public_literal
from promo_campaigns.model.errors import ConfigurationError, SendError

SECRET = "canary/secret+of=the&receiver"


def settings(host: str = "api.example.com", **more: Any) -> ConnectionSettings:  # noqa: ANN401  (any setting)
    return ConnectionSettings(name="connection api", host=host, **more)


def addressed(line: HttpClient, path: str) -> str:
    url, _ = line._addressed(Call(method="GET", path=path))  # noqa: SLF001  (what would be called, without calling it)
    return str(url)


@pytest.mark.parametrize(
    ("extras", "headers"),
    [
        ({"auth": "none"}, {}),
        ({}, {"Authorization": "Basic YW55OmNhbmFyeS9zZWNyZXQrb2Y9dGhlJnJlY2VpdmVy"}),
        ({"auth": "basic"}, {"Authorization": "Basic YW55OmNhbmFyeS9zZWNyZXQrb2Y9dGhlJnJlY2VpdmVy"}),
        ({"auth": "bearer"}, {"Authorization": f"Bearer {SECRET}"}),
        ({"auth": "header", "key_name": "X-API-Key"}, {"X-API-Key": SECRET}),
        ({"auth": "query", "key_name": "key"}, {}),
    ],
)
def test_each_auth_signs_in_its_own_place(extras: dict[str, object], headers: dict[str, str]) -> None:
    endpoint = parse_endpoint(settings(login="any", password=SECRET, extras=extras))
    assert endpoint.headers == headers
    assert (endpoint.query is not None) == (extras.get("auth") == "query")


@pytest.mark.parametrize("path", ["/a", "/a?b=1", "/a#part", "/a?b=1#part?"])
def test_a_key_in_the_query_is_one_parameter_whatever_it_holds(path: str) -> None:
    endpoint = parse_endpoint(settings(password=SECRET, extras={"auth": "query", "key_name": "key"}))
    from urllib.parse import parse_qs, urlsplit

    found = urlsplit(addressed(HttpClient(endpoint), path))
    assert parse_qs(found.query)["key"] == [SECRET]
    assert (found.path, found.fragment) == ("/a", "")


@pytest.mark.parametrize("auth", [auth for auth in AUTHS if auth != "oauth2"])
def test_no_form_of_an_endpoint_or_its_settings_shows_the_secret(auth: str) -> None:
    made_of = settings(login="any", password=SECRET, extras={"auth": auth, "key_name": "X-Key"})
    for shown in (repr(made_of), str(made_of), repr(parse_endpoint(made_of))):
        assert "canary" not in shown
        assert "Y2FuYXJ5" not in shown


def test_a_connection_without_credentials_signs_nothing() -> None:
    endpoint = parse_endpoint(settings())
    assert (endpoint.headers, endpoint.query, endpoint.base_url) == ({}, None, "https://api.example.com")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"extras": {"token": "canary"}}, r"has the extra token; allowed are allow_insecure, .*"),
        ({"extras": {"auth": "digest"}, "password": "canary"}, "cannot have the auth 'digest'; use none, basic"),
        ({"extras": {"auth": "bearer"}}, "needs its secret in the password"),
        ({"extras": {"auth": "header"}, "password": "canary"}, "needs the extra key_name"),
        ({"extras": {"auth": "header", "key_name": "Host"}, "password": "canary"}, "needs the extra key_name"),
        ({"extras": {"auth": "query", "key_name": "a=b"}, "password": "canary"}, "needs the extra key_name"),
        ({"extras": {"auth": "bearer"}, "password": "canary\r\nX: 1"}, "holds a control character"),
        ({"password": "canary\x00"}, "holds a control character"),
        ({"extras": {"allow_private": "perhaps"}}, "extra allow_private that is neither true nor false"),
        ({"extras": {"timeout_s": "soon"}}, "extra timeout_s that is not between 0.1 and 55"),
        ({"extras": {"timeout_s": 56}}, "extra timeout_s"),
        ({"extras": {"timeout_s": "nan"}}, "extra timeout_s"),
        ({"extras": {"concurrency": 0}}, "extra concurrency that is not between 1 and 1000"),
        ({"extras": {"ca_file": "no/such.pem"}}, "the ca_file 'no/such.pem' cannot be read"),
        ({"host": ""}, "has no host"),
        ({"scheme": "http"}, "uses http, which anyone on the way can read"),
        ({"host": "ftp://api.example.com", "extras": {"allow_insecure": True}}, "uses ftp"),
        ({"port": 70000}, "has a port that is none"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_with_it(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        parse_endpoint(settings(**wrong))
    assert "canary" not in str(caught.value)


NASTY_HOSTS = [
    *("user@api.example.com", "api.example.com/a?x=1", "api.example.com?x=1", "api.example.com#x"),
    *("api.example.com\\@10.0.0.1", "api.example.com@169.254.169.254", "https://user:pw@api.example.com"),
    *("https://api.example.com/../a", "//api.example.com", "https:///api.example.com"),
    *("https://https://api.example.com", "api.example.com:99999", "api.example.com:8o", "a:b:443"),
    *("api.example.com\r\nHost: x", "api.example.com\x00", "api example.com", "api.example.com\t", " ", ".."),
    *(".", "-", "a..b", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "017700000001"),
    *(
        "1",
        "0",
        "0x",
        "127.0.0.1.",
        "[::1",
        "::1]",
        "fe80::1%eth0",
        "[::1]x",
        "[fe80::1%25eth0]",
        "[v1.x]",
        "[127.0.0.1",
    ),
    *("1.2.3.4.5", "256.256.256.256", "%31%32", "api.example.com%2f@evil", "api.example.com;x", "{host}"),
    *("fe80::1%eth0", "$host", "\uff0f", "\u2488.com\u2024x/", "a\u3002\u3002b"),
]


@pytest.mark.parametrize("host", NASTY_HOSTS)
def test_a_host_that_is_more_than_a_host_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_endpoint(settings(host=host))


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("HTTPS://API.example.com:8443", "https://API.example.com:8443"),
        ("93.184.216.34", "https://93.184.216.34"),
        ("[2606:2800:220:1:248:1893:25c8:1946]:8443", "https://[2606:2800:220:1:248:1893:25c8:1946]:8443"),
        ("profile_api", "https://profile_api"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("::1", "https://[::1]"),
        ("[::1]", "https://[::1]"),
        ("api.example.com/base/v1/", "https://api.example.com/base/v1"),
        ("https://api.example.com:8443/base", "https://api.example.com:8443/base"),
    ],
)
def test_a_host_that_is_one_is_taken(host: str, base_url: str) -> None:
    assert parse_endpoint(settings(host=host)).base_url == base_url


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        ("https://api.shop.example/base/v1", "https://api.shop.example/base/v1"),
        ("https://api.shop.example/v1", "https://api.shop.example/v1"),
        ("https://api.shop.example", "https://api.shop.example"),
        ("https://api.shop.example/https", "https://api.shop.example"),
        ("http://api.shop.example:8080/base/v1?allow_insecure=true", "http://api.shop.example:8080/base/v1"),
        ("http://api.shop.example/base?allow_insecure=true", "http://api.shop.example/base"),
        ("http://[::1]:8098/?allow_insecure=true&allow_private=true", "http://[::1]:8098"),
        ("https://[::1]/base", "https://[::1]/base"),
        ("http://https://api.shop.example/base", "https://api.shop.example/base"),
    ],
)
def test_a_connection_written_as_a_uri_may_have_a_base_path_and_an_address(uri: str, base_url: str) -> None:
    assert parse_endpoint(parse_connection("api", uri)).base_url == base_url
    from airflow.sdk import Connection

    assert parse_endpoint(read_airflow_connection("api", Connection.from_uri(uri, "api"))).base_url == base_url


@pytest.mark.parametrize("schema", ["htps", "ftp", "a/../b", "a//b", "a b", "..", "a?x=1"])
def test_a_schema_that_is_neither_a_scheme_nor_a_path_is_refused(schema: str) -> None:
    with pytest.raises(ConfigurationError, match=r"uses|base path"):
        parse_endpoint(settings(scheme=schema))


@pytest.mark.parametrize("path", ["/x", "/x?y=1", "/x/y"])
def test_a_path_goes_below_the_base_path(path: str) -> None:
    line = HttpClient(parse_endpoint(settings(host="https://api.example.com/base/v1")))
    assert addressed(line, path) == f"https://api.example.com/base/v1{path}"


NASTY_PATHS = [
    "//evil.example/x",
    "/\\evil.example",
    "/@evil.example",
    "?@evil.example",
    "/a:b@c",
    "/%2f%2fevil",
]


@pytest.mark.parametrize("path", NASTY_PATHS)
def test_a_path_never_leads_to_another_host(path: str) -> None:
    from yarl import URL

    assert URL(addressed(HttpClient(parse_endpoint(settings())), path)).host == "api.example.com"


@pytest.mark.parametrize("path", ["@evil.example/x", ".evil.example/x", ":80@evil.example", "", "evil", "#x", "\\x"])
def test_a_path_without_its_slash_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        addressed(HttpClient(parse_endpoint(settings())), path)


@pytest.mark.parametrize(
    "path",
    ["/..//evil.example", "/a/../b", "/a/.", "/a/%2e%2e/b", "/a/%252E./b", "/a\\..\\b", "/a%2f..%2fb", "/..;x/b"],
)
def test_a_path_that_leads_to_another_one_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="a path with"):
        addressed(HttpClient(parse_endpoint(settings())), path)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a%3Bb/c%5Cd%2Fe%40f", "/a%3Bb/c%5Cd%2Fe%40f"),
        ("/é/a b?q=ü&r=a b", "/%C3%A9/a%20b?q=%C3%BC&r=a%20b"),
        ("/100%/a%2", "/100%25/a%252"),
        ("/a//b;c=1/~.x?d=../e&f=%26#g", "/a//b;c=1/~.x?d=../e&f=%26"),
        ("/a\r\nX: 1", "/a%0D%0AX:%201"),
        ("?a=1", "/?a=1"),
    ],
)
def test_what_is_encoded_stays_so_and_what_must_be_is(path: str, sent: str) -> None:
    url, _ = HttpClient(parse_endpoint(settings()))._addressed(Call(method="GET", path=path))  # noqa: SLF001  (the same)
    assert url.raw_path_qs == sent


@given(st.text(min_size=1))
def test_a_value_is_one_part_of_a_path_or_refused(value: str) -> None:
    try:
        part = path_part(value)
    except ValueError:
        return
    assert unquote(part) == value
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]+", part)


@pytest.mark.parametrize("value", ["", ".", "..", "../x", "%2e%2e", "..\\x", "..;x"])
def test_no_value_as_a_part_of_a_path_leads_to_another(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be a part"):
        path_part(value)


@given(st.text(max_size=40))
def test_whatever_a_path_holds_it_stays_with_its_host(rest: str) -> None:
    from yarl import URL

    line = HttpClient(parse_endpoint(settings()))
    try:
        url = addressed(line, "/" + rest)
    except ValueError:
        return
    assert (URL(url).scheme, URL(url).host, URL(url).port) == ("https", "api.example.com", 443)


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    ],
)
def test_a_v4_address_inside_a_v6_one_is_judged_as_v4(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host", ["2130706433", "0177.0.0.1", "127.1", "0x7f.0.0.1", "0", "10.0.0.1", "[::1]", "[::ffff:10.0.0.1]"]
)
def test_a_private_literal_is_refused_in_every_form(host: str) -> None:
    with pytest.raises(SendError, match="private address"):
        require_public_literal(host)


PROVIDER = [
    ({}, "https://api.example.com", {}, 30),
    ({"timeout": 12}, "https://api.example.com", {}, 12),
    ({"timeout": "12.5", "trust_env": False, "stream": False}, "https://api.example.com", {}, 12.5),
    ({"allow_redirects": "false", "check_response": True, "srv_lookup": False}, "https://api.example.com", {}, 30),
    ({"X-API-Key": SECRET, "Accept": "application/json"}, "https://api.example.com",
     {"X-API-Key": SECRET, "Accept": "application/json"}, 30),
    ({"Authorization": "Token canary"}, "https://api.example.com", {"Authorization": "Token canary"}, 30),
    ({"verify": True, "verify_other": None}, "https://api.example.com", {}, 30),
]  # fmt: skip


@pytest.mark.parametrize(("extras", "base_url", "headers", "timeout_s"), PROVIDER)
def test_a_connection_of_the_http_provider_is_read_as_its_hook_reads_it(
    extras: dict[str, Any], base_url: str, headers: dict[str, str], timeout_s: float
) -> None:
    endpoint = parse_endpoint(settings(conn_type="http", password="unused" if headers else "", extras=extras))
    signed = {} if not headers or "Authorization" in headers else {"Authorization": basic_auth("", "unused")}
    assert (endpoint.base_url, endpoint.headers, endpoint.timeout_s) == (base_url, {**headers, **signed}, timeout_s)
    assert set(headers.values()) <= set(endpoint.secrets)
    assert "canary" not in repr(endpoint)


@pytest.mark.parametrize(
    ("extras", "problem"),
    [
        ({"allow_redirects": True}, "extra allow_redirects that is not false: redirects are never followed"),
        ({"max_redirects": 3}, "has the extra max_redirects"),
        ({"srv_lookup": True}, "extra srv_lookup that is not false: SRV records are not looked up"),
        ({"stream": True}, "extra stream that is not false"),
        ({"check_response": False}, "extra check_response that is not true"),
        ({"timeout": [3, 30]}, "extra timeout of several numbers"),
        ({"timeout": 60}, "extra timeout_s that is not between 0.1 and 55"),
        ({"timeout": 5, "timeout_s": 6}, "has the extra timeout_s and another one of the same meaning"),
        ({"verify": False}, "does not verify certificates.*set allow_insecure for a test"),
        ({"verify": 1}, "neither true nor false nor the path"),
        ({"verify": "no/such.pem"}, "the ca_file 'no/such.pem' cannot be read"),
        ({"verify": True, "verify_ssl": True}, "has the extras verify and verify_ssl"),
        ({"cert": ["a", "b", "c"]}, "extra cert that is neither"),
        ({"cert": "no/such.pem"}, "the cert_file 'no/such.pem' cannot be used"),
        ({"cert_file": "no/such.pem", "key_password": "canary"}, "the cert_file 'no/such.pem' cannot be used"),
        ({"key_file": "a"}, "has a key_file or key_password without a cert_file"),
        ({"proxies": {"https": "socks5://canary@p:1"}}, "has an extra proxy that is none to be used"),
        ({"proxies": {"ftp": "http://p:1"}}, "has an extra proxy that is not like"),
        ({"proxy": "https://p:1"}, "https and socks are not known"),
        ({"proxy": "http://u:canary@p:1/path"}, "has an extra proxy that is none to be used"),
        ({"proxy": "{broken"}, "neither an address nor a JSON object"),
        ({"allow_privat": True}, "would be sent as a header; did you mean allow_private"),
        ({"request_per_s": 5}, "did you mean requests_per_s"),
        ({"Host": "other.example"}, "has a header Host, which each request has of its own"),
        ({"X Y": "canary"}, "no name of a header"),
        ({"X-Y": {"canary": 1}}, "has a header X-Y whose value is no text"),
        ({"X-Y": "canary\r\nZ: 1"}, "has a header X-Y whose value is no text"),
        ({"X-Y": "a", "x-y": "b"}, "has a header twice"),
        ({"headers": "[1]"}, "has an extra headers that is no JSON object"),
        ({"Authorization": "canary", "auth": "basic"}, "has a header Authorization, which the auth basic sends"),
    ],
)
def test_what_cannot_be_honoured_of_the_provider_s_extras_is_refused(extras: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        parse_endpoint(settings(conn_type="http", login="me", password="canary", extras=extras))
    assert "canary" not in str(caught.value)
