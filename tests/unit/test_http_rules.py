"""What answers prove, when to come back, and which addresses may be reached."""

from __future__ import annotations

from datetime import datetime, timezone
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.http.outcome import classify_status, retry_after_s
from promo_campaigns.http.ssrf import is_public
from promo_campaigns.model.outcome import Outcome

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *[(status, Outcome.OK) for status in (200, 201, 202, 204, 299)],
        *[(status, Outcome.REFUSED) for status in (400, 404, 405, 410, 412, 413, 415, 422)],
        *[(status, Outcome.LATER) for status in (401, 402, 403, 407, 429)],
        *[(status, Outcome.UNKNOWN) for status in (100, 301, 302, 408, 409, 425, 500, 502, 503, 504, 599)],
    ],
)
def test_only_a_definite_no_is_a_refusal(status: int, outcome: Outcome) -> None:
    assert classify_status(status) is outcome


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("7", 7),
        ("0", 0),
        ("-5", 0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("nan", 0),
        ("inf", 0),
        ("1e9", 1e9),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_read_in_both_forms_and_nonsense_is_no_wait(header: str | None, seconds: float) -> None:
    assert retry_after_s(header, now=NOW) == seconds


PUBLIC = (
    *("93.184.216.34", "8.8.8.8", "1.1.1.1", "192.0.1.1", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.88.98.1", "192.88.100.1"),
    *("2606:2800:220:1:248:1893:25c8:1946", "2a00:1450::1", "2001:200::1", "2003::1", "3ffd::1", "2400:cb00::1"),
    *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2a00:1450::5efe:8.8.8.8"),
)
PRIVATE = (
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.1"),
    *("100.64.0.1", "100.127.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("192.0.0.8", "192.0.0.9", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("192.31.196.1", "192.52.193.1", "192.175.48.1"),
    *("::", "::1", "::7f00:1", "::127.0.0.1", "::8.8.8.8", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00::1"),
    *(
        "ff02::1",
        "100::1",
        "100:0:0:1::1",
        "5f00::1",
        "4000::1",
        "1::1",
        "dead::1",
        "64:ff9b:1::1",
        "64:ff9b:1::8.8.8.8",
    ),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:192.0.0.8"),
    *("::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1"),
    *("2002:c0a8:101::1", "2001::1", "2001:0:808:808::1", "2001:2::1", "2001:3::1", "2001:10::1", "2001:20::1"),
    *("2001:30::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "3fff:fff::1", "3ffe::1", "2620:4f:8000::1"),
    *("2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:127.0.0.1"),
)


@pytest.mark.parametrize(("address", "public"), [*((one, True) for one in PUBLIC), *((one, False) for one in PRIVATE)])
def test_only_public_addresses_are_public(address: str, public: bool) -> None:  # noqa: FBT001  (the expected value)
    assert is_public(address) is public


@given(st.ip_addresses())
def test_what_python_knows_to_be_of_no_public_network_is_none(ip: IPv4Address | IPv6Address) -> None:
    """Its tables differ from one version to the next, but never grow a private network that this one lacks."""
    if ip.is_private or ip.is_multicast or ip.is_reserved or ip.is_link_local or ip.is_loopback or ip.is_unspecified:
        inner = (ip.ipv4_mapped or ip in ip_network("64:ff9b::/96")) if ip.version == 6 else None
        assert inner or not is_public(str(ip))


@given(st.ip_addresses(v=4))
def test_a_v4_address_is_as_public_in_each_of_its_disguises(ip: IPv4Address) -> None:
    public, number = is_public(str(ip)), int(ip)
    disguises = (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80)
    assert {is_public(str(IPv6Address(disguise))) for disguise in disguises} == {public}
    never = (number, 0xFFFF << 48 | number, 0x64FF9B0001 << 80 | number)
    assert {is_public(str(IPv6Address(disguise))) for disguise in never} == {False}
