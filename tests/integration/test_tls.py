"""Which certificates are believed: a real handshake for each."""

from __future__ import annotations

import asyncio
import ssl
import time
import warnings
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import trustme

from https_receiver import running_https_receiver, serving_as
from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.http.client import Answer, Call, HttpClient
from promo_campaigns.http.endpoint import parse_endpoint
from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return the private authority that the connection trusts."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """Return the file with its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def call(port: int, *, ca_file: str | None, host: str = "localhost") -> Answer:
    extras = {"allow_private": True, "ca_file": ca_file, "timeout_s": 5}
    client = HttpClient(parse_endpoint(ConnectionSettings(name="connection api", host=host, port=port, extras=extras)))

    async def once() -> Answer:
        async with client.connected():
            (answer,) = await client.send_all([Call(method="GET", path="/")], deadline=time.monotonic() + 5)
            return answer

    return asyncio.run(once())


def refused(context: ssl.SSLContext, *, ca_file: str | None, host: str = "localhost") -> None:
    with running_https_receiver(context) as receiver:
        answer = call(receiver.port, ca_file=ca_file, host=host)
    assert (answer.outcome, answer.status, receiver.requests) == (Outcome.LATER, 0, 0)
    assert answer.detail.startswith(
        ("no connection: the receiver's certificate is refused", "no connection: TLS failed")
    )
    assert answer.locked_out
    assert answer.look_at


def test_a_certificate_of_the_private_authority_is_believed(authority: trustme.CA, ca_file: str) -> None:
    with running_https_receiver(serving_as(authority.issue_cert("localhost"))) as receiver:
        answer = call(receiver.port, ca_file=ca_file)
    assert (answer.outcome, answer.body, receiver.requests) == (Outcome.OK, b"{}", 1)


def test_an_authority_nobody_named_is_not_believed(authority: trustme.CA) -> None:
    refused(serving_as(authority.issue_cert("localhost")), ca_file=None)


def test_another_authority_is_not_believed(ca_file: str) -> None:
    refused(serving_as(trustme.CA().issue_cert("localhost")), ca_file=ca_file)


def test_an_expired_certificate_is_not_believed(authority: trustme.CA, ca_file: str) -> None:
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    refused(serving_as(authority.issue_cert("localhost", not_after=yesterday)), ca_file=ca_file)


def test_the_certificate_of_another_host_is_not_believed(authority: trustme.CA, ca_file: str) -> None:
    refused(serving_as(authority.issue_cert("elsewhere.example")), ca_file=ca_file)


def test_the_name_counts_where_the_address_was_certified(authority: trustme.CA, ca_file: str) -> None:
    refused(serving_as(authority.issue_cert("127.0.0.1")), ca_file=ca_file, host="localhost")


def test_a_certificate_that_signs_itself_is_not_believed(ca_file: str, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own = trustme.CA()  # an authority's own certificate, served as a leaf
    own.private_key_pem.write_to_path(str(tmp_path / "own.key"))
    own.cert_pem.write_to_path(str(tmp_path / "own.pem"))
    context.load_cert_chain(tmp_path / "own.pem", tmp_path / "own.key")
    refused(context, ca_file=ca_file)


def test_a_receiver_that_speaks_tls_1_1_at_most_is_refused(authority: trustme.CA, ca_file: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # asking for TLS 1.1 is what Python warns of
        context = serving_as(authority.issue_cert("localhost"), most=ssl.TLSVersion.TLSv1_1)
    refused(context, ca_file=ca_file)


def test_a_receiver_that_speaks_tls_1_2_is_taken(authority: trustme.CA, ca_file: str) -> None:
    context = serving_as(authority.issue_cert("localhost"), most=ssl.TLSVersion.TLSv1_2)
    with running_https_receiver(context) as receiver:
        assert call(receiver.port, ca_file=ca_file).outcome is Outcome.OK
