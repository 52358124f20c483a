"""One reading of an Airflow Connection, whether it comes as an object, as a URI or as JSON.

A text is read as Airflow reads it (``Connection.from_uri`` and ``from_json``), without importing Airflow: that would
make a command start in seconds.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.run_spec import connection_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = ("conn_type", "host", "schema", "port", "login", "password")
_OTHER_FIELDS = ("extra", "description", "conn_id", "uri")
_PACKED_EXTRA = "__extra__"


class AirflowConnection(Protocol):
    """What is read of Airflow's Connection, be it of the task SDK or of the metadata database."""

    conn_type: Any
    host: Any
    schema: Any
    port: Any
    login: Any
    password: Any

    @property
    def extra(self) -> Any:  # noqa: ANN401  (a text, and a database column in Airflow's own model)
        """The extra as its owner wrote it."""

    @property
    def extra_dejson(self) -> Any:  # noqa: ANN401  (whatever the JSON holds)
        """The same as values, which Airflow hides in its logs from then on."""


def parse_connection(conn_id: str, text: str) -> ConnectionSettings:
    """Read a connection as ``AIRFLOW_CONN_<ID>`` holds it: a URI, or JSON.

    :raises ConfigurationError: it is neither, or JSON with a field that no connection has
    """
    try:
        return _parse_json(conn_id, text) if text.lstrip().startswith("{") else _parse_uri(conn_id, text.strip())
    except (ValueError, TypeError, AttributeError):
        msg = f"the connection {conn_id!r} is neither a URI nor JSON as Airflow writes them"
        raise ConfigurationError(msg) from None


def read_airflow_connection(conn_id: str, connection: AirflowConnection) -> ConnectionSettings:
    """Read Airflow's Connection object.

    :raises ConfigurationError: its extra is no JSON object; Airflow would take it for an empty one
    """
    extras = connection.extra_dejson
    if not isinstance(extras, dict) or (str(connection.extra or "").strip() and not _is_object(connection.extra)):
        msg = f"the connection {conn_id!r} has an extra that is no JSON object"
        raise ConfigurationError(msg)
    return _settings(conn_id, {name: getattr(connection, name) for name in _FIELDS}, extras)


def _is_object(extra: str) -> bool:
    try:
        return isinstance(json.loads(extra), dict)
    except ValueError:
        return False


def _parse_json(conn_id: str, text: str) -> ConnectionSettings:
    told: Mapping[str, Any] = json.loads(text)
    known = [*_FIELDS, *_OTHER_FIELDS]
    if unknown := [name for name in told if name not in known]:
        close = get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
        msg = f"the connection {conn_id!r} has a field {unknown[0]!r}, which there is not; {hint}"
        raise ConfigurationError(msg)
    extra = told.get("extra") or {}
    extras = json.loads(extra) if isinstance(extra, str) else extra
    return _settings(conn_id, told, dict(extras))


def _parse_uri(conn_id: str, text: str) -> ConnectionSettings:
    kind, separator, rest = text.partition("://")
    host_scheme, inner, place = _host_scheme(rest)
    if not separator or not kind or {"@", ":", "/"} & set(host_scheme):
        raise ValueError(conn_id)
    parts = urlsplit(f"//{place}")
    host = _host(parts.netloc, unquote(parts.hostname or ""))
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    packed = options.get(_PACKED_EXTRA)
    fields = {
        "conn_type": kind,
        "host": f"{host_scheme}{inner}{host}" if host else "",
        "schema": unquote(parts.path[1:]),
        "port": parts.port,
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    return _settings(conn_id, fields, options if packed is None else dict(json.loads(packed or "{}")))


def _host_scheme(rest: str) -> tuple[str, str, str]:
    """Cut off the scheme of a host that has its own, as in ``http://https://api.example``; a query may hold URLs."""
    scheme, separator, place = rest.partition("://")
    return ("", "", rest) if "?" in scheme or not separator else (scheme, separator, place)


def _host(netloc: str, host: str) -> str:
    """Return the host; the path of a socket keeps its letters, which ``urlsplit`` folds."""
    if "/" not in host:
        return host
    return unquote(netloc.rpartition("@")[2].partition(":")[0])


def _settings(conn_id: str, fields: Mapping[str, Any], extras: Mapping[str, Any]) -> ConnectionSettings:
    kind = str(fields.get("conn_type") or "").lower()
    return ConnectionSettings(
        name=connection_name(conn_id),
        conn_type="postgres" if kind == "postgresql" else kind.replace("-", "_"),
        host=str(fields.get("host") or ""),
        scheme=str(fields.get("schema") or ""),
        port=int(fields["port"]) if fields.get("port") else None,
        login=str(fields.get("login") or ""),
        password=str(fields.get("password") or ""),
        extras=extras,
    )
