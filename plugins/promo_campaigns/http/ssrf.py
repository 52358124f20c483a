"""Which addresses a request may reach: a connection's host must not lead into the private network by itself."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from aiohttp.resolver import ThreadedResolver

from promo_campaigns.model.errors import SendError

if TYPE_CHECKING:
    import socket

    from aiohttp.abc import ResolveResult


# The registries of special-purpose addresses (IANA), written out: Python's tables differ from version to version.
_SPECIAL_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
"""The only unicast addresses of the public internet (RFC 4291, section 2.4)."""
_SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20")
)
_MAPPED, _NAT64 = ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""The middle of an address that ends in a v4 one (RFC 5214, section 6.1)."""
_THIS_MACHINE = re.compile(r"(?:.*\.)?localhost\.?", re.IGNORECASE)
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)


def is_public(address: str) -> bool:
    """Whether an IP address, as text, belongs to the public internet; a v4 address inside a v6 one is checked as v4."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _SPECIAL_V4)
    if (inner := _inner(ip)) is not None and not is_public(str(inner)):
        return False
    if ip in _MAPPED or ip in _NAT64:
        return True
    return ip in _GLOBAL_V6 and not any(ip in network for network in _SPECIAL_V6)


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the v4 address that a v6 address leads to: mapped, through NAT64, 6to4 or ISATAP.

    Teredo and the other forms are special-purpose as a whole.
    """
    number = int(ip)
    if ip in _6TO4:
        return ipaddress.IPv4Address(number >> 80 & 0xFFFF_FFFF)
    if ip in _MAPPED or ip in _NAT64 or number >> 32 & 0xFFFF_FFFF in _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    return None


def is_legacy_number(host: str) -> bool:
    """Whether a host is an address in a form that only some programs read: ``2130706433``, ``0x7f.1``, ``127.1``."""
    if not _NUMERIC.fullmatch(host):
        return False
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return True
    return False


def require_public_literal(host: str, *, by_proxy: bool = False) -> None:
    """Refuse a host that is itself a private address; a resolver never sees those.

    :param by_proxy: a proxy looks the host up, to which its own machine has a name as well
    :raises SendError: the address is private
    """
    if by_proxy and _THIS_MACHINE.fullmatch(host):
        raise _private()
    try:
        public = is_public(host.strip("[]"))
    except ValueError:
        public = not is_legacy_number(host)
    if not public:
        raise _private()


class VettedResolver(ThreadedResolver):
    """Resolves a host once and hands out its public addresses only, so that what was vetted is what is called."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily | None = None
    ) -> list[ResolveResult]:
        """Resolve a host.

        :raises SendError: every address is private
        """
        found = await (super().resolve(host, port) if family is None else super().resolve(host, port, family))
        public = [result for result in found if is_public(result["host"])]
        if not public:
            raise _private()
        return public


def _private() -> SendError:
    return SendError(
        "the connection's host has a private address; if that is meant, set allow_private in the connection's extra"
    )
