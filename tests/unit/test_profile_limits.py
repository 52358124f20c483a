"""Who counts as one peer of the profile API, and when a peer is slowed."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.profile_api.limits import WrongKeys, find_peer


@given(st.integers(0, 2**64 - 1).filter(bool), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_a_network_of_ipv6_is_one_peer(network: int, one: int, other: int) -> None:
    peers = {find_peer((str(IPv6Address((network << 64) + host)), port)) for port, host in enumerate((one, other))}
    assert len(peers) == 1


@pytest.mark.parametrize("spelt", ["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203"])
def test_an_address_is_one_peer_however_it_is_spelt(spelt: str) -> None:
    assert find_peer((spelt, 1)) == find_peer(("10.1.2.3", 2)) == "10.1.2.3"


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_two_addresses_are_two_peers(one: object, other: object) -> None:
    assert (find_peer((str(one), 1)) == find_peer((str(other), 1))) == (one == other)


def test_a_peer_without_an_address_is_one() -> None:
    assert find_peer(None) == ""
    assert find_peer(("a socket", 0)) == "a socket"
    assert find_peer(("fe80::1%eth0", 1)) == find_peer(("fe80::2%eth1", 1))


@given(st.integers(1, 20))
def test_a_peer_is_slowed_after_its_wrong_keys_and_no_other_is(most: int) -> None:
    wrong = WrongKeys(most)
    for _ in range(most):
        wrong.count("stranger")
        assert not wrong.are_many("stranger")
    # Some are forgotten between two counts.
    for _ in range(most + 2):
        wrong.count("stranger")
    assert wrong.are_many("stranger")
    assert not wrong.are_many("somebody else")
