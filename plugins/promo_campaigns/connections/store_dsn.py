"""The address of the store that a connection leads to, for libpq."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

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
SET_HERE = frozenset(
    {
        *("application_name", "client_encoding", "connect_timeout", "fallback_application_name", "options"),
        *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "tcp_user_timeout"),
    }
)
"""Parameters that the product sets for every session, since its promises rest on them."""
REFUSED = {
    "replication": "it makes a session that takes no statements",
    "service": "its file would set what the connection does not show",
    "servicefile": "its file would set what the connection does not show",
    "sslkeylogfile": "it writes down the keys of the session",
}
_TYPE = "postgres"


def store_dsn(connection: ConnectionSettings) -> str:
    """Return the database that a connection leads to, as a ``postgresql://`` URI. It holds secrets: never log it.

    Every parameter of libpq in the extra is either passed on or refused by name; none is dropped.

    :raises ConfigurationError: the connection is of another type, or has an extra that is refused
    """
    if connection.conn_type != _TYPE:
        connection.fail(f"has the type {connection.conn_type!r}; the store needs {_TYPE}")
    names = sorted(name for name in connection.extras if connection.text(name))
    for name in names:
        if problem := _problem(name):
            connection.fail(f"has the extra {name}; {problem}")
    return _uri(connection, {name: _libpq_text(connection, name) for name in names})


def _problem(name: str) -> str:
    """Return why an extra is refused; empty for one that is passed on."""
    if name in PASSED:
        return ""
    if name in OWN_FIELDS:
        return f"write it in the connection's own field {OWN_FIELDS[name]}"
    if name in SET_HERE:
        return "the product sets it itself for every session; remove it"
    return f"{REFUSED.get(name, 'it is not one of libpq')}; allowed are {', '.join(sorted(PASSED))}"


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
