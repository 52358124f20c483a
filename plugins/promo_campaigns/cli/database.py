"""Which database a command works on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from promo_campaigns.model.errors import ConfigurationError, DatabaseNotFoundError

CONNECTION_VARIABLE = "AIRFLOW_CONN_PROMO_DB"
DEMO_FOLDER = ".demo"

# What an Airflow connection may hold for others than the server: these are the server's.
_SERVER_OPTIONS = frozenset(
    {"application_name", "connect_timeout", "gssencmode", "options", "sslcert", "sslkey", "sslmode", "sslrootcert"}
    | {"target_session_attrs"}
)


def find_dsn(given: str = "") -> str:
    """Return the DSN of the database a command works on.

    :param given: the option ``--dsn``
    :raises DatabaseNotFoundError: none was named, and there is no demo that runs
    :raises ConfigurationError: the one that was named is no Postgres connection
    """
    if given:
        return given
    connection = os.environ.get(CONNECTION_VARIABLE)
    if connection:
        return _dsn_of_connection(connection)
    demo = _dsn_of_demo(Path.cwd())
    if demo:
        return demo
    message = (
        "no database was named and none was found. Give --dsn postgresql://user:password@host:port/name, or set "
        f"{CONNECTION_VARIABLE} to an Airflow connection, or start bin/demo in this folder"
    )
    raise DatabaseNotFoundError(message)


def _dsn_of_demo(start: Path) -> str:
    """Return the DSN of the demo that runs in ``start`` or a folder above it; empty when there is none."""
    folder = next((above / DEMO_FOLDER for above in (start, *start.parents) if (above / DEMO_FOLDER).is_dir()), None)
    if folder is None:
        return ""
    from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

    server = EmbeddedPostgres(folder / "postgres")
    return server.dsn() if server.is_running() else ""


def _dsn_of_connection(text: str) -> str:
    """Return the DSN of an Airflow connection, written as a URI or as JSON."""
    if text.lstrip().startswith("{"):
        return _dsn_of_json(text)
    parts = urlsplit(text)
    _check_type(parts.scheme)
    options = {name: value for name, value in parse_qsl(parts.query) if name in _SERVER_OPTIONS}
    return f"postgresql://{parts.netloc}{parts.path}" + (f"?{urlencode(options)}" if options else "")


def _dsn_of_json(text: str) -> str:
    try:
        connection: dict[str, Any] = json.loads(text)
    except ValueError:
        message = f"{CONNECTION_VARIABLE} begins like JSON and is not; quote it as one line of JSON, or write a URI"
        raise ConfigurationError(message) from None
    _check_type(str(connection.get("conn_type")))
    login, password = (quote(str(connection.get(key) or ""), safe="") for key in ("login", "password"))
    account = f"{login}:{password}@" if password else (f"{login}@" if login else "")
    place = f"{connection.get('host') or ''}" + (f":{connection['port']}" if connection.get("port") else "")
    options = _options(connection.get("extra"))
    database = quote(str(connection.get("schema") or ""), safe="")
    return f"postgresql://{account}{place}/{database}" + (f"?{urlencode(options)}" if options else "")


def _options(extra: str | dict[str, Any] | None) -> dict[str, str]:
    """Return the server's options among a connection's extras, which Airflow takes as an object or as its text."""
    found: dict[str, Any] = json.loads(extra or "{}") if isinstance(extra, str | None) else extra
    return {name: str(value) for name, value in found.items() if name in _SERVER_OPTIONS}


def _check_type(kind: str) -> None:
    if kind not in {"postgres", "postgresql"}:
        message = f"{CONNECTION_VARIABLE} is a connection of type {kind!r}; the store needs one of type postgres"
        raise ConfigurationError(message)
