"""The address of the store that a connection leads to, for libpq."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from promo_campaigns.connections.store_tokens import provider_login, remember_login

if TYPE_CHECKING:
    from promo_campaigns.connections.settings import ConnectionSettings

PASSED = frozenset(
    {
        *("channel_binding", "gssdelegation", "gssencmode", "gsslib", "hostaddr", "krbsrvname", "load_balance_hosts"),
        *("max_protocol_version", "min_protocol_version", "passfile", "require_auth", "requirepeer"),
        *("oauth_client_id", "oauth_client_secret", "oauth_issuer", "oauth_scope"),
        *("scram_client_key", "scram_server_key", "target_session_attrs"),
        *("ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert", "sslcertmode", "sslcompression", "sslcrl"),
        *("sslcrldir", "sslkey", "sslmode", "sslnegotiation", "sslpassword", "sslrootcert", "sslsni"),
    }
)
"""Parameters of libpq that a connection's extra may set: which server, and how both sides prove who they are."""
OWN_FIELDS = {"host": "Host", "port": "Port", "dbname": "Database", "user": "Login", "password": "Password"}
"""Parameters that Airflow's form has a field for; said twice, one of them would silently win."""
LINE = frozenset(
    {
        *("application_name", "client_encoding", "connect_timeout", "fallback_application_name", "options"),
        *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "tcp_user_timeout"),
    }
)
"""Parameters that the product has values of its own for; the extra's come first."""
SESSION_SETTINGS = frozenset(
    {
        *("timezone", "datestyle", "intervalstyle", "bytea_output", "extra_float_digits", "array_nulls"),
        *("standard_conforming_strings", "transform_null_equals", "search_path", "default_transaction_isolation"),
        *("default_transaction_read_only", "synchronous_commit", "statement_timeout", "idle_session_timeout"),
        *("lock_timeout", "idle_in_transaction_session_timeout", "random_page_cost", "promo.session"),
    }
)
"""Settings of the server that the product sets for every session, since its promises rest on them."""
TOKENS = frozenset({"iam", "aws_conn_id", "azure_conn_id"})
"""Extras by which the postgres provider's hook asks a cloud for a token in place of a password."""
OF_THE_HOOK = frozenset({"cursor", "sqlalchemy_query", "sqlalchemy_scheme"})
"""Extras that say how the provider's hook hands rows to code of yours; the store is read by the product's own."""
REFUSED = {
    "redshift": "Redshift cannot hold the store",
    "redshift-serverless": "Redshift cannot hold the store",
    "cluster-identifier": "it is one of Redshift, which cannot hold the store",
    "workgroup-name": "it is one of Redshift, which cannot hold the store",
    "replication": "it makes a session that takes no statements",
    "service": "its file would set what the connection does not show",
    "servicefile": "its file would set what the connection does not show",
    "sslkeylogfile": "it writes down the keys of the session",
}
_TYPE = "postgres"
_OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.-]*)\s*=")
"""A setting in libpq's ``options``: ``-c name=value`` or ``--name=value``."""


def store_dsn(connection: ConnectionSettings) -> str:
    """Return the database that a connection leads to, as a ``postgresql://`` URI. It holds secrets: never log it.

    Every extra that the postgres provider's hook takes is passed on, or refused by name; none is dropped. With ``iam``
    the address holds no password: ``store_tokens`` has it.

    :raises ConfigurationError: the connection is of another type, or has an extra that is refused
    """
    if connection.conn_type != _TYPE:
        connection.fail(f"has the type {connection.conn_type!r}; the store needs {_TYPE}")
    names = sorted(name for name in connection.extras if connection.text(name) and not _is_off(connection, name))
    for name in names:
        if problem := _problem(name):
            connection.fail(f"has the extra {name}; {problem}")
    _check_line(connection)
    told = {name: _libpq_text(connection, name) for name in names if name not in TOKENS | OF_THE_HOOK}
    if "iam" not in names or not connection.flag("iam"):
        return _uri(connection, told)
    dsn = _uri(replace(connection, password=""), told)
    remember_login(dsn, partial(provider_login, connection))
    return dsn


def _is_off(connection: ConnectionSettings, name: str) -> bool:
    """Tell whether an extra says no to what the store cannot do anyway."""
    return name.startswith("redshift") and connection.text(name).lower() == "false"


def _problem(name: str) -> str:
    """Return why an extra is refused; empty for one that is passed on."""
    if name in PASSED | LINE | TOKENS | OF_THE_HOOK:
        return ""
    if name in OWN_FIELDS:
        return f"write it in the connection's own field {OWN_FIELDS[name]}"
    return f"{REFUSED.get(name, 'it is not one of libpq')}; allowed are {', '.join(sorted(PASSED | LINE | TOKENS))}"


def _check_line(connection: ConnectionSettings) -> None:
    """Refuse what would take a promise away: an endless wait, another encoding, another setting of each session."""
    if connection.text("client_encoding", "utf8").lower().replace("-", "") not in {"utf8", "unicode"}:
        connection.fail("has an extra client_encoding that is not UTF8; codes may hold any letter")
    connection.number("connect_timeout", 10, least=1, most=60)
    for name in _OPTION.findall(connection.text("options")):
        plain = name.replace("-", "_").lower()
        if plain in SESSION_SETTINGS:
            connection.fail(f"has an extra options that sets {plain}; the product sets it itself for every session")


def _libpq_text(connection: ConnectionSettings, name: str) -> str:
    value = connection.extras[name]
    if isinstance(value, bool):
        return str(int(value))  # libpq says 1 and 0
    if isinstance(value, dict | list):
        connection.fail(f"has an extra {name} that is no text")
    return connection.text(name)


def _uri(connection: ConnectionSettings, settings: dict[str, str]) -> str:
    user = quote(connection.login, safe="")
    password = f":{quote(connection.password, safe='')}" if connection.password else ""
    bare = connection.host.removeprefix("[").removesuffix("]")
    host = f"[{bare}]" if ":" in bare else quote(connection.host, safe="")
    port = f":{connection.port}" if connection.port else ""
    at = "@" if user or password else ""
    query = f"?{urlencode(settings, quote_via=quote)}" if settings else ""
    return f"postgresql://{user}{password}{at}{host}{port}/{quote(connection.scheme, safe='')}{query}"
