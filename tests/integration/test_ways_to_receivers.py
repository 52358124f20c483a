"""The ways to a receiver that a connection names: proxies, certificates of both sides, headers; real servers for each.

Every connection is tried as Airflow's http provider would write it, and as our own type has it.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import trustme

from https_receiver import running_https_receiver, serving_as
from promo_campaigns.connections.parsing import parse_connection
from promo_campaigns.http.client import Answer, Call, HttpClient
from promo_campaigns.http.endpoint import parse_endpoint
from promo_campaigns.http.probe import probe
from promo_campaigns.http.shown_call import show_call
from promo_campaigns.model.errors import SendError
from promo_campaigns.model.outcome import Outcome
from proxy_server import LOGIN, PASSWORD, running_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy_server import ProxyServer
    from receiver import Receiver

LOCAL = {"allow_private": True}
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return the private authority of receivers and of clients."""
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the authority's certificate, a client's, and another client's."""
    folder = tmp_path_factory.mktemp("certificates")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, issuer in {"ours": authority, "foreign": trustme.CA()}.items():
        leaf = issuer.issue_cert("promo@client.example")
        leaf.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
        leaf.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        leaf.cert_chain_pems[0].write_to_path(str(folder / f"{name}.crt"))
    return folder


@pytest.fixture
def proxy() -> Iterator[ProxyServer]:
    with running_proxy() as server:
        yield server


def call(conn_type: str, host: str, extras: dict[str, Any], **more: Any) -> Answer:  # noqa: ANN401  (any field)
    told = {"conn_type": conn_type, "host": host, "extra": {**LOCAL, **extras}, **more}
    endpoint = parse_endpoint(parse_connection("api", json.dumps(told)))

    async def once() -> Answer:
        client = HttpClient(endpoint)
        async with client.connected():
            (answer,) = await client.send_all([Call(method="GET", path="/x?y=1")], deadline=time.monotonic() + 20)
            return answer

    return asyncio.run(once())


def requiring(authority: trustme.CA, most: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Return the context of a server that takes nobody without a certificate of the authority."""
    context = serving_as(authority.issue_cert("localhost"), most=most)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    return context


def test_a_client_certificate_opens_what_is_closed_to_everybody_else(authority: trustme.CA, files: Path) -> None:
    ca, ours = str(files / "ca.pem"), str(files / "ours")
    good: list[tuple[str, dict[str, Any]]] = [
        ("http", {"verify": ca, "cert": f"{ours}.pem"}),
        ("http", {"verify": ca, "cert": [f"{ours}.crt", f"{ours}.key"]}),
        ("promo_http", {"ca_file": ca, "cert_file": f"{ours}.crt", "key_file": f"{ours}.key"}),
    ]
    bad: list[dict[str, Any]] = [{}, {"cert_file": str(files / "foreign.pem")}]
    for most in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        with running_https_receiver(requiring(authority, most)) as receiver:
            host = f"https://localhost:{receiver.port}"
            assert [call(kind, host, extras).outcome for kind, extras in good] == [Outcome.OK] * 3
            refused = [call("promo_http", host, {"ca_file": ca, **extras}) for extras in bad]
            assert receiver.requests == 3
    for answer in refused:  # since TLS 1.3 a server may cut the line where it has read nothing, which proves nothing
        assert (answer.outcome, answer.locked_out, answer.called) == (Outcome.LATER, True, False), answer
        assert "cert_file" in answer.look_at


def test_a_certificate_that_nobody_vouches_for_is_taken_only_where_both_extras_say_so(files: Path) -> None:
    with running_https_receiver(serving_as(trustme.CA().issue_cert("elsewhere.example"))) as receiver:
        host = f"https://localhost:{receiver.port}"
        for kind, name in (("http", "verify"), ("http", "verify_ssl"), ("promo_http", "verify")):
            extras = {name: False}
            assert call(kind, host, {**extras, "allow_insecure": True}).outcome is Outcome.OK
        assert call("http", host, {"verify": str(files / "ca.pem")}).locked_out


def test_a_tunnel_leads_to_a_receiver_that_only_the_proxy_can_find(
    authority: trustme.CA, files: Path, proxy: ProxyServer
) -> None:
    """The host's name is nobody's here, and the proxy has a private address: that is no reason to refuse it."""
    named = f"http://{quote(LOGIN)}:{quote(PASSWORD, safe='')}@127.0.0.1:{proxy.port}"
    extras: list[tuple[str, dict[str, Any]]] = [
        ("http", {"verify": str(files / "ca.pem"), "proxies": {"https": named, "http": "http://127.0.0.1:1"}}),
        ("http", {"verify": str(files / "ca.pem"), "proxy": named}),
        ("promo_http", {"ca_file": str(files / "ca.pem"), "proxy": named}),
    ]
    with running_https_receiver(serving_as(authority.issue_cert("api.shop.example"))) as receiver:
        proxy.leads_to = receiver.port
        for kind, given in extras:
            answer = call(kind, "https://api.shop.example", {**given, "allow_private": False})
            assert answer.outcome is Outcome.OK, answer
        assert receiver.requests == 3
    assert proxy.asked == ["CONNECT api.shop.example:443"] * 3


def test_a_proxy_of_the_environment_is_used_only_if_the_connection_trusts_it(
    receiver: Receiver, proxy: ProxyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://{quote(LOGIN)}:{quote(PASSWORD, safe='')}@127.0.0.1:{proxy.port}")
    extras = {"allow_insecure": True, "X-Client": "promo"}
    assert call("http", receiver.url, extras).outcome is Outcome.OK
    assert proxy.asked == []
    assert call("http", receiver.url, {**extras, "trust_env": True}).outcome is Outcome.OK
    assert proxy.asked == [f"GET {receiver.url}/x?y=1"]
    assert receiver.received[-1].headers["X-Client"] == "promo"
    assert "Proxy-Authorization" not in receiver.received[-1].headers
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert call("http", receiver.url, {**extras, "trust_env": True}).outcome is Outcome.OK
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(("status", "locked_out"), [(407, True), (403, True), (502, False), (0, False)])
def test_a_proxy_that_makes_no_tunnel_costs_nobody_and_says_why(
    proxy: ProxyServer,
    status: int,
    locked_out: bool,  # noqa: FBT001  (the expected value)
) -> None:
    """Without a tunnel nothing of a request has left: it is no unknown send."""
    proxy.refuses_with = status
    port = proxy.port if status else 1
    answer = call("promo_http", "https://api.shop.example", {"proxy": f"127.0.0.1:{port}"})
    assert (answer.outcome, answer.called, answer.locked_out) == (Outcome.LATER, False, locked_out)
    assert "proxy" in answer.detail
    assert PASSWORD not in repr(answer)


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "localhost", "api.localhost"])
def test_a_private_address_is_refused_behind_a_proxy_too(proxy: ProxyServer, host: str) -> None:
    with pytest.raises(SendError, match="private address"):
        call("promo_http", f"https://{host}", {"proxy": proxy.url, "allow_private": False})
    assert proxy.asked == []


def test_an_extra_that_is_a_header_is_one_and_a_request_s_own_comes_first(receiver: Receiver) -> None:
    extras = {
        "allow_insecure": True,
        "headers": {"X-Tenant": "shop"},
        "X-Api-Version": 3,
        "user-agent": "campaigns/1",
        "Content-Type": "application/json",
        "timeout": 5,
        "stream": False,
        "check_response": True,
    }
    login = {"login": "me", "password": "x"}
    told = {"conn_type": "http", "host": receiver.url, "extra": {**LOCAL, **extras}, **login}
    endpoint = parse_endpoint(parse_connection("api", json.dumps(told)))
    made = Call(method="POST", path="/x", headers={"content-type": "text/xml"}, body="<x/>")

    async def once() -> None:
        client = HttpClient(endpoint)
        async with client.connected():
            await client.send_all([made], deadline=time.monotonic() + 5)

    asyncio.run(once())
    (arrived,) = receiver.received
    assert {name: arrived.headers.get(name) for name in ("X-Tenant", "X-Api-Version")} == {
        "X-Tenant": "shop",
        "X-Api-Version": "3",
    }
    lower = [(name.lower(), value) for name, value in arrived.headers.items()]
    assert [value for name, value in lower if name == "content-type"] == ["text/xml"]
    assert [value for name, value in lower if name == "user-agent"] == ["campaigns/1"]
    assert endpoint.timeout_s == 5
    shown = show_call(endpoint, made).headers
    assert shown["content-type"] == "text/xml"
    assert {shown[name] for name in ("X-Tenant", "Authorization")} == {"***"}


def test_the_example_of_the_page_runs(authority: trustme.CA, files: Path, proxy: ProxyServer) -> None:
    """The connection of docs/connections.md, with nothing but the places of this machine put in."""
    page = (DOCS / "connections.md").read_text(encoding="utf-8")
    told = re.findall(r"```json\n(.*?)```", page, re.DOTALL)[1]
    named = f"http://{quote(LOGIN)}:{quote(PASSWORD, safe='')}@127.0.0.1:{proxy.port}"
    for there, here in {
        "/etc/ssl/company-ca.pem": str(files / "ca.pem"),
        "/etc/ssl/promo.crt": str(files / "ours.crt"),
        "/etc/ssl/promo.key": str(files / "ours.key"),
        "http://promo:secret@proxy.company.example:3128": named,
    }.items():
        assert there in told
        told = told.replace(there, here)
    context = serving_as(authority.issue_cert("api.shop.example"))
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    with running_https_receiver(context) as receiver:
        proxy.leads_to = receiver.port
        assert probe(parse_endpoint(parse_connection("api", told))) == (True, "the receiver answers: HTTP 200")
        assert receiver.requests == 1
    ours = {"host", "user-agent", "proxy-authorization", "accept", "accept-encoding"}
    assert proxy.told == [ours], "a proxy is shown nothing of the receiver's"
