"""``promo profile-api``: serve the profile API on its own."""

from __future__ import annotations

import argparse
import math
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.profile_api.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promo_campaigns.cli.parsing import Parsers

KEY_VARIABLE = "PROMO_PROFILE_API_KEY"

_BACKLOG = 2048


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        msg = "a number above 0 is needed"
        raise argparse.ArgumentTypeError(msg)
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        msg = "a whole number above 0 is needed"
        raise argparse.ArgumentTypeError(msg)
    return number


_LIMITS: Mapping[str, tuple[Callable[[str], float], str, str]] = {
    "--connections": (_count, "connections", "most open connections"),
    "--strangers": (_count, "strangers", "most open connections of one address that have not shown the key yet"),
    "--head-timeout": (_above_zero, "head_s", "seconds for the head of a request"),
    "--body-timeout": (_above_zero, "body_s", "seconds for its body"),
    "--answer-timeout": (_above_zero, "answer_s", "seconds within which a client takes an answer"),
    "--idle-timeout": (_count, "idle_s", "seconds a connection stays open after an answer"),
    "--head-bytes": (_count, "head_bytes", "longest head of a request"),
    "--wrong-keys": (_count, "wrong_keys", "an address is slowed after so many wrong keys"),
    "--wrong-key-delay": (_above_zero, "wrong_key_s", "seconds it then waits for what a key is worth"),
}
"""Setting of ``profile_api.limits.Limits`` by option."""

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
    defaults = Limits()
    for name, (convert, setting, what) in _LIMITS.items():
        default = getattr(defaults, setting)
        described = f"{what} (%(default)s)"
        parser.add_argument(name, type=convert, default=default, metavar="N", dest=setting, help=described)
    add_dsn_option(parser)
    parser.set_defaults(run=_serve)


def _serve(args: argparse.Namespace) -> int:
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        problem = f"{KEY_VARIABLE} is not set; the profile API does not start without a key"
        raise ConfigurationError(problem)
    dsn = find_dsn(args)
    from promo_campaigns.postgres.pool import check_store
    from promo_campaigns.profile_api.server import make_server

    check_store(dsn)
    limits = Limits(**{setting: getattr(args, setting) for _, setting, _ in _LIMITS.values()})
    server = make_server(dsn, key, limits, log_config=_LOGGING)
    with _listen(args.host, args.port) as listening:
        host, port = listening.getsockname()[:2]
        print(
            f"profile API listens on http://{f'[{host}]' if ':' in host else host}:{port}", file=sys.stderr, flush=True
        )
        server.run(sockets=[listening])
    return 0 if server.started else 1


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        problem = f"cannot listen on {host} port {port}: {error.strerror}; choose another --port"
        raise ConfigurationError(problem) from error
