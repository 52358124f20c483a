"""``promo profile-api``: serve the profile API on its own."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.core.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers

KEY_VARIABLE = "PROMO_PROFILE_API_KEY"

_GRACE_S = 1
_BACKLOG = 2048

_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["err"], "level": "INFO"},
}


def add_parser(nouns: Parsers) -> None:
    """Add ``promo profile-api``."""
    parser = nouns.add_parser("profile-api", help=f"serve the profile API; its key is read from {KEY_VARIABLE}")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8090, help="port to listen on; 0 for any (%(default)s)")
    add_dsn_option(parser)
    parser.set_defaults(run=_serve)


def _serve(args: argparse.Namespace) -> int:
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        problem = f"{KEY_VARIABLE} is not set; the profile API does not start without a key"
        raise ConfigurationError(problem)
    dsn = find_dsn(args)
    import uvicorn

    from promo_campaigns.adapters.store_pool import check_store
    from promo_campaigns.web.profile_api import create_app

    check_store(dsn)
    # Uvicorn's own access log would write paths and queries, which may hold addresses.
    config = uvicorn.Config(
        create_app(dsn, key),
        host=args.host,
        access_log=False,
        log_config=_LOGGING,
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
        ws="none",
    )
    with _listen(args.host, args.port) as listening:
        host, port = listening.getsockname()[:2]
        print(
            f"profile API listens on http://{f'[{host}]' if ':' in host else host}:{port}", file=sys.stderr, flush=True
        )
        server = uvicorn.Server(config)
        server.run(sockets=[listening])
    return 0 if server.started else 1


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        problem = f"cannot listen on {host} port {port}: {error.strerror}; choose another --port"
        raise ConfigurationError(problem) from error
