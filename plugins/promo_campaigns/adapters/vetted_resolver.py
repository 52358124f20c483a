"""Which addresses a request may reach: a connection's host must not lead into the private network by itself."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from aiohttp.resolver import ThreadedResolver

from promo_campaigns.core.errors import SendError

if TYPE_CHECKING:
    import socket

    from aiohttp.abc import ResolveResult


def is_public(address: str) -> bool:
    """Whether an IP address, as text, belongs to the public internet; a v4 address inside a v6 one is judged as v4."""
    ip = ipaddress.ip_address(address)
    mapped = getattr(ip, "ipv4_mapped", None)
    return bool((mapped or ip).is_global) and not ip.is_multicast


def require_public_literal(host: str) -> None:
    """Refuse a host that is itself a private address; a resolver never sees those.

    :raises SendError: the address is private
    """
    try:
        public = is_public(host.strip("[]"))
    except ValueError:
        return
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
