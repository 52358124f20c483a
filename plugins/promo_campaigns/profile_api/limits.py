"""Limits of the profile API: open connections, time-outs, and the delay after wrong keys."""

from __future__ import annotations

import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

_FAILURES_FORGOTTEN_PER_S = 1.0
_MOST_REMEMBERED = 60
_MOST_PEERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Settings of ``promo profile-api``; ``cli.profile_api`` names and documents them.

    :param connections: open connections, > 0
    :param strangers: open connections of one peer that have sent no key yet, and as many that sent a wrong one, > 0;
        one that is a quarter of a second old at most keeps its place
    :param head_s: seconds for the head of a request, from its first byte or from the opening of the connection
    :param body_s: seconds for its body after that
    :param answer_s: seconds in which a client must read an answer
    :param idle_s: seconds that a connection stays open after an answer
    :param head_bytes: longest head
    :param wrong_keys: a peer is slowed after so many wrong keys
    :param wrong_key_s: seconds that a slowed peer waits for the result of its key, right or wrong
    :param upload_hosts: ``host`` or ``host:port`` of the own network, from which files of contacts may be fetched
    """

    connections: int = 1_000
    strangers: int = 64
    head_s: float = 10.0
    body_s: float = 60.0
    answer_s: float = 30.0
    idle_s: int = 15
    head_bytes: int = 32 * 1024
    wrong_keys: int = 10
    wrong_key_s: float = 0.5
    upload_hosts: tuple[str, ...] = ()


class WrongKeys:
    """Counts wrong keys by peer, and forgets one a second.

    :param most: a peer with more of them is slowed
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[str, tuple[float, float]] = {}

    def count(self, peer: str) -> None:
        """Note a wrong key."""
        now = time.monotonic()
        # A bound, so that a client behind the same address is slow for a minute after an attack and not for days.
        wrong = min(self._left(peer, now) + 1, self._most + _MOST_REMEMBERED)
        self._counts.pop(peer, None)
        self._counts[peer] = (wrong, now)
        if len(self._counts) > _MOST_PEERS:
            del self._counts[next(iter(self._counts))]

    def are_many(self, peer: str) -> bool:
        """Return whether the peer must be slowed."""
        return self._left(peer, time.monotonic()) > self._most

    def _left(self, peer: str, now: float) -> float:
        wrong, then = self._counts.get(peer, (0.0, now))
        return max(0.0, wrong - (now - then) * _FAILURES_FORGOTTEN_PER_S)


def find_peer(client: tuple[str, int] | None) -> str:
    """Return the peer of a client: its address, or its IPv6 network, since a host has many addresses of it.

    :param client: the other end of the connection, never a header
    """
    if client is None:
        return ""
    try:
        address = ip_address(client[0].partition("%")[0])
    except ValueError:
        return client[0]
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return address.exploded[:19]
    return str(getattr(address, "ipv4_mapped", None) or address)
