"""Which addresses a request may reach: a connection's host must not lead into the private network by itself."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from aiohttp.resolver import ThreadedResolver

from promo_campaigns.core.errors import SendError

if TYPE_CHECKING:
    import socket

    from aiohttp.abc import ResolveResult


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)


def is_public(address: str) -> bool:
    """Whether an IP address, as text, belongs to the public internet; a v4 address inside a v6 one is judged as v4."""
    ip = ipaddress.ip_address(address)
    return all(bool(one.is_global) and not one.is_multicast for one in (_inner(ip) or [ip]))


def _inner(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the v4 addresses that a v6 address leads to: mapped, through 6to4, Teredo or NAT64."""
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    if ip in _NAT64:
        return [ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)]
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    return [one for one in found if one is not None]


def is_legacy_number(host: str) -> bool:
    """Whether a host is an address in a form that only some programs read: ``2130706433``, ``0x7f.1``, ``127.1``."""
    if not _NUMERIC.fullmatch(host):
        return False
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return True
    return False


def require_public_literal(host: str) -> None:
    """Refuse a host that is itself a private address; a resolver never sees those.

    :raises SendError: the address is private
    """
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
