"""An Airflow connection, as its environment variable holds it: the command knows no Airflow."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXTRA = "__extra__"


def is_known(conn_id: str) -> bool:
    """Tell whether the environment holds a connection."""
    return bool(os.environ.get(_variable(conn_id), "").strip())


def connection_settings(conn_id: str, given: str | None = None) -> ConnectionSettings:
    """Return the settings of a connection.

    :param given: the connection itself, as a URI or as JSON; else it is read from ``AIRFLOW_CONN_<ID>``
    :raises ConfigurationError: there is none, or it is neither a URI nor JSON
    """
    variable = _variable(conn_id)
    text = (given or os.environ.get(variable, "")).strip()
    if not text:
        msg = f"the connection {conn_id!r} is not known here: set {variable}, or give --connection URI"
        raise ConfigurationError(msg)
    try:
        return _of_json(conn_id, text) if text.startswith("{") else _of_uri(conn_id, text)
    except (ValueError, TypeError):
        msg = f"the connection {conn_id!r} is neither a URI nor JSON as Airflow writes them"
        raise ConfigurationError(msg) from None


def _variable(conn_id: str) -> str:
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def _of_json(conn_id: str, text: str) -> ConnectionSettings:
    told: Mapping[str, Any] = json.loads(text)
    extra = told.get("extra") or {}
    return ConnectionSettings(
        name=f"connection {conn_id}",
        host=str(told.get("host") or ""),
        scheme=str(told.get("schema") or ""),
        port=int(told["port"]) if told.get("port") else None,
        login=str(told.get("login") or ""),
        password=str(told.get("password") or ""),
        extras=dict(json.loads(extra) if isinstance(extra, str) else extra),
    )


def _of_uri(conn_id: str, text: str) -> ConnectionSettings:
    parts = urlsplit(text)
    if not parts.scheme or "://" not in text:
        raise ValueError(conn_id)
    options = dict(parse_qsl(parts.query))
    packed = options.pop(_EXTRA, "")
    return ConnectionSettings(
        name=f"connection {conn_id}",
        host=unquote(parts.hostname or ""),
        scheme=unquote(parts.path.strip("/")),
        port=parts.port,
        login=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        extras={**options, **(json.loads(packed) if packed else {})},
    )
