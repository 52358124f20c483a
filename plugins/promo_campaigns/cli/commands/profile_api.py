"""``promo profile-api``: serve the profile API on its own."""

from __future__ import annotations

import math
import os
import socket
import sys
from typing import Annotated, Any

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import Dsn
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.profile_api.closings.signature import LEAST_KEY
from promo_campaigns.profile_api.limits import Limits

app = Commands()
KEY_VARIABLE = "PROMO_PROFILE_API_KEY"
NOTICE_VARIABLE = "PROMO_NOTICE_KEYS"

_BACKLOG = 2048
_USUAL = Limits()
_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["err"], "level": "INFO"},
}


def _seconds(value: float) -> float:
    if not 0 < value < math.inf:
        msg = "a number above 0 is needed"
        raise typer.BadParameter(msg)
    return value


def _count(option: str, meaning: str) -> Any:  # noqa: ANN401  (an option of Typer's)
    return typer.Option(option, metavar="N", min=1, help=meaning)


def _span(option: str, meaning: str) -> Any:  # noqa: ANN401  (the same)
    return typer.Option(option, metavar="SECONDS", callback=_seconds, help=meaning)


Host = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")]
Port = Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="The port to listen on; 0 for any.")]
Connections = Annotated[int, _count("--connections", "Most open connections.")]
Strangers = Annotated[
    int, _count("--strangers", "Most open connections of one address that have not shown the key yet.")
]
HeadTimeout = Annotated[float, _span("--head-timeout", "Time for the head of a request.")]
BodyTimeout = Annotated[float, _span("--body-timeout", "Time for its body.")]
AnswerTimeout = Annotated[float, _span("--answer-timeout", "Time within which a client takes an answer.")]
IdleTimeout = Annotated[int, _count("--idle-timeout", "Seconds a connection stays open after an answer.")]
HeadBytes = Annotated[int, _count("--head-bytes", "Longest head of a request.")]
WrongKeys = Annotated[int, _count("--wrong-keys", "An address is slowed after so many wrong keys.")]
UploadHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--upload-host",
        metavar="HOST",
        help="Of your own network, with a port or without, from which contacts/upload may fetch files; any number.",
    ),
]
WrongKeyDelay = Annotated[float, _span("--wrong-key-delay", "Time it then waits for what a key is worth.")]


@app.add("profile-api", "PROMO_PROFILE_API_KEY=… promo profile-api", "promo profile-api --host 0.0.0.0 --port 8090")
def profile_api(
    *,
    host: Host = "127.0.0.1",
    port: Port = 8090,
    connections: Connections = _USUAL.connections,
    strangers: Strangers = _USUAL.strangers,
    head_s: HeadTimeout = _USUAL.head_s,
    body_s: BodyTimeout = _USUAL.body_s,
    answer_s: AnswerTimeout = _USUAL.answer_s,
    idle_s: IdleTimeout = _USUAL.idle_s,
    head_bytes: HeadBytes = _USUAL.head_bytes,
    wrong_keys: WrongKeys = _USUAL.wrong_keys,
    wrong_key_s: WrongKeyDelay = _USUAL.wrong_key_s,
    upload_hosts: UploadHosts = None,
    dsn: Dsn = "",
) -> ExitStatus:
    """Serve the profile API.

    Clients show the key that the environment variable PROMO_PROFILE_API_KEY holds. Gateways sign notices of closed
    channels with a key of PROMO_NOTICE_KEYS, where two may stand while one is exchanged.
    """
    limits = Limits(
        connections=connections,
        strangers=strangers,
        head_s=head_s,
        body_s=body_s,
        answer_s=answer_s,
        idle_s=idle_s,
        head_bytes=head_bytes,
        wrong_keys=wrong_keys,
        wrong_key_s=wrong_key_s,
        upload_hosts=tuple(upload_hosts or ()),
    )
    return _serve(host, port, limits, dsn)


def _serve(host: str, port: int, limits: Limits, dsn: str) -> ExitStatus:
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        problem = f"{KEY_VARIABLE} is not set; the profile API does not start without a key"
        raise ConfigurationError(problem)
    notice_keys = _notice_keys(os.environ.get(NOTICE_VARIABLE, ""))
    address = find_dsn(dsn)
    from promo_campaigns.postgres.pool import check_store
    from promo_campaigns.profile_api.server import make_server

    check_store(address)
    server = make_server(address, key, limits, log_config=_LOGGING, notice_keys=notice_keys)
    with _listen(host, port) as listening:
        at, number = listening.getsockname()[:2]
        shown = f"[{at}]" if ":" in at else at
        print(f"profile API listens on http://{shown}:{number}", file=sys.stderr, flush=True)
        server.run(sockets=[listening])
    return ExitStatus.OK if server.started else ExitStatus.NO


def _notice_keys(text: str) -> list[bytes]:
    keys = [word.encode() for word in text.split()]
    if any(len(key) < LEAST_KEY for key in keys):
        problem = (
            f"a key of {NOTICE_VARIABLE} has fewer than {LEAST_KEY} characters; make one with openssl rand -hex 32"
        )
        raise ConfigurationError(problem)
    return keys


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        problem = f"cannot listen on {host} port {port}: {error.strerror}; choose another --port"
        raise ConfigurationError(problem) from error
