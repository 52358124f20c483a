"""The uvicorn server of the profile API."""

from __future__ import annotations

import resource
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import uvicorn

from promo_campaigns.profile_api.app import create_app
from promo_campaigns.profile_api.client_connections import Room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.profile_api.limits import Limits

_GRACE_S = 1
_OTHER_DESCRIPTORS = 64
"""Files, the database, libraries."""


def make_server(
    dsn: str,
    api_key: str,
    limits: Limits,
    *,
    log_config: dict[str, Any] | None,
    notice_keys: Sequence[bytes] = (),
) -> uvicorn.Server:
    """Create a server; it listens once it is run on a socket.

    :param dsn: see ``create_app``, like ``api_key`` and ``notice_keys``
    :param limits: fewer connections are taken where the system allows fewer open files
    """
    limits = replace(limits, connections=min(limits.connections, _allow_descriptors(limits.connections)))
    config = uvicorn.Config(
        create_app(dsn, api_key, limits, notice_keys=notice_keys),
        http=Room(limits).protocol(),
        h11_max_incomplete_event_size=limits.head_bytes,
        timeout_keep_alive=limits.idle_s,
        # Uvicorn's own access log would write paths and queries, which may hold addresses.
        access_log=False,
        log_config=log_config,
        timeout_graceful_shutdown=_GRACE_S,
        # A header does not say who a peer is: a stranger can write it.
        proxy_headers=False,
        server_header=False,
        ws="none",
    )
    return uvicorn.Server(config)


def _allow_descriptors(connections: int) -> int:
    """Raise the limit on open files to the connections wanted; return the number of connections it allows.

    A server without a free descriptor cannot answer anybody.
    """
    wanted = connections + _OTHER_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == resource.RLIM_INFINITY else max(1, soft - _OTHER_DESCRIPTORS)
