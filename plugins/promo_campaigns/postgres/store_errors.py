"""What the server says, as one line that says what happened and what to do. It holds no value, password or address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg

from promo_campaigns.model.errors import ConfigurationError, DatabaseUnavailableError

if TYPE_CHECKING:
    from promo_campaigns.model.errors import PromoError

OLD_SCHEMA = "the promo database has no (or an old) schema; run: promo db migrate"
NO_URI = "the address of the promo database is no URI that Postgres understands; write postgresql://user:password@host:port/name"

_HOST_WITH_AT = "that has an @ in it"
_QUOTED_AT = re.compile(r"'[^']*@[^']*'")
_AGAIN = "a retry goes on where this stopped"
_PRIMARY = "name the primary in the connection promo_db, or wait until the failover is over"

# A failed connection has no SQLSTATE, only a text, which a server may write in another language: then the last line of
# this table holds.
_REFUSALS: tuple[tuple[tuple[str, ...], type[PromoError], str], ...] = (
    (
        ("authentication failed", "no password supplied"),
        ConfigurationError,
        "correct the login and the password of the connection promo_db or the DSN",
    ),
    (
        ("does not exist",),
        ConfigurationError,
        "create it, or correct the name in the connection promo_db or the DSN",
    ),
    (
        ("no pg_hba.conf entry", "permission denied for database"),
        ConfigurationError,
        "have the server's administrator let this account in, or set sslmode",
    ),
    (
        ("server does not support SSL", "certificate", "SSL error"),
        ConfigurationError,
        "correct sslmode, sslrootcert or the host's name",
    ),
    (
        ("unrecognized configuration parameter", "unsupported startup parameter"),
        ConfigurationError,
        "use Postgres 15 or newer; what a pooler refuses, take out of the connection, or have the pooler ignore it",
    ),
    (
        ("invalid ", "definition of service", "Servname not supported", _HOST_WITH_AT),
        ConfigurationError,
        "correct the connection promo_db or the DSN; in a URI a password has / ? # @ : as %2F %3F %23 %40 %3A",
    ),
    (
        ("too many", "remaining connection slots"),
        DatabaseUnavailableError,
        "let fewer tasks run at once, or raise max_connections or the account's connection limit",
    ),
    (
        ("starting up", "shutting down", "recovery", "not accepting connections", "not yet accepting"),
        DatabaseUnavailableError,
        "try again when the server is up; nothing was done",
    ),
    (
        ("read-only",),
        DatabaseUnavailableError,
        _PRIMARY,
    ),
    (("",), DatabaseUnavailableError, "check the DSN or the connection promo_db, and whether the server runs"),
)

_STATES: dict[str, tuple[type[PromoError], str]] = {
    "25006": (
        DatabaseUnavailableError,
        f"the promo database is read-only: it is a standby, or was made one; {_PRIMARY}",
    ),
    "53100": (
        DatabaseUnavailableError,
        f"the disk of the promo database is full; make room on the server, then {_AGAIN}",
    ),
    "53200": (DatabaseUnavailableError, f"the server of the promo database has no memory left; {_AGAIN}"),
    "53300": (DatabaseUnavailableError, f"the server of the promo database has no connection left; {_AGAIN}"),
    "55P03": (
        DatabaseUnavailableError,
        f"others kept what this needs locked in the promo database for too long; {_AGAIN}",
    ),
    "57014": (DatabaseUnavailableError, f"somebody cancelled a statement in the promo database; {_AGAIN}"),
    "58030": (DatabaseUnavailableError, "the server of the promo database cannot read or write its disk; see its log"),
}
_INVALID = "invalid "
_VALUE = re.compile(r'(?<!option )"[^"]*"')
_LOST = f"the connection to the promo database was lost; {_AGAIN}"


def unreachable(error: psycopg.Error) -> PromoError:
    """Say why the server cannot be reached, and what to do.

    :param error: what an attempt to connect raised
    """
    if not isinstance(error, psycopg.OperationalError):
        return ConfigurationError(NO_URI)
    told = _QUOTED_AT.sub(_HOST_WITH_AT, str(error))
    kind, advice = next((kind, advice) for texts, kind, advice in _REFUSALS if any(text in told for text in texts))
    return kind(f"cannot connect to the promo database: {_reason(told)}; {advice}")


def explained(error: psycopg.Error) -> PromoError | None:
    """Say what a failed statement means for the person who ran it, and what to do; None if only its author can tell.

    :param error: what a statement raised
    """
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return ConfigurationError(OLD_SCHEMA)
    if isinstance(error, psycopg.errors.UndefinedFunction) and "promo." in (error.diag.message_primary or ""):
        return ConfigurationError(OLD_SCHEMA)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        problem = error.diag.message_primary or "permission denied"
        return ConfigurationError(f"the account of the promo database lacks a right: {problem}; have it granted")
    if error.sqlstate in _STATES:
        kind, problem = _STATES[error.sqlstate]
        return kind(f"{problem} (SQLSTATE {error.sqlstate})")
    if isinstance(error, psycopg.OperationalError):
        return DatabaseUnavailableError(f"{_LOST} ({error.sqlstate or type(error).__name__})")
    return None


def _reason(told: str) -> str:
    """Return the line of a failed connection that says most: the last one, if several addresses were tried.

    A password that is not encoded breaks an address apart, so that a part of it stands where a port, a host or an
    option should; such a value is not said.
    """
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    tried = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    reason = (tried[-1] if tried else lines[0] if lines else "the server said nothing").removeprefix(
        "connection failed: "
    )
    broken = reason.partition(_INVALID)
    if broken[1]:
        return " ".join(f"{_INVALID}{_VALUE.sub('', broken[2])}".split()).rstrip(":")
    return reason
