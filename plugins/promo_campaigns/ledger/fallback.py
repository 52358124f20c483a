"""The one code that all those share for whom the pool has none, in a workflow that allows it.

It is no code of the pool: nothing takes it from there, and nothing of it is ever free. Each contact holds a copy of it,
a row of its own that is marked as ``shared``, so that whatever holds of a code that was given holds of it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from promo_campaigns.code_files.expiration_date import expires_at, pool_time_zone
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.masking import is_placeholder
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from datetime import datetime

    from promo_campaigns.model.run_spec import CodeRequest, FallbackCode
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.postgres.reconnecting import Store

_SQL = queries(__name__)
_FILE = b"promo_campaigns fallback codes\n"


def require_fallback(fallback: FallbackCode, codes: CodeRequest) -> FallbackCode:
    """Return a fallback code, if it is one.

    :raises ConfigurationError: it says nothing, ends on no day, or has the type of the pool
    """
    if not fallback.code.strip() or is_placeholder(fallback.code):
        msg = "the fallback code is empty, or begins like the placeholder of a test"
        raise ConfigurationError(msg)
    if fallback.type in {pool.type for pool in codes.pools}:
        msg = f"the fallback code has the type {fallback.type!r} of a pool; give it one by which reports tell it apart"
        raise ConfigurationError(msg)
    end_of(fallback)
    return fallback


def end_of(fallback: FallbackCode) -> datetime:
    """Return from when the code is no longer valid.

    :raises ConfigurationError: it ends on no day
    """
    try:
        return expires_at(fallback.expires, pool_time_zone(fallback.time_zone))
    except ValueError:
        msg = f"the fallback code expires on no day: {fallback.expires!r}; write it as 2027-03-31"
        raise ConfigurationError(msg) from None


def open_fallback(connection: Connection, fallback: FallbackCode | None, codes: CodeRequest) -> None:
    """Keep what copies of the code refer to, when a run is opened.

    :raises ConfigurationError: it cannot be given to several contacts
    """
    if problem := fallback_problem(connection, fallback, codes):
        raise problem
    if fallback is not None:
        connection.execute(_SQL["keep_file"], _terms(fallback) | {"days": codes.days})


def fallback_problem(
    connection: Connection, fallback: FallbackCode | None, codes: CodeRequest
) -> ConfigurationError | None:
    """Return why the code cannot be given to several contacts; None if it can, or there is none."""
    if fallback is None:
        return None
    asked = {**_terms(fallback), "days": codes.days}
    found = connection.execute(_SQL["weigh_fallback"], asked).fetchall()[0]
    if found["is_in_pool"]:
        msg = "the fallback code is one of the pool, which is given to one contact only; take another"
        return ConfigurationError(msg)
    if found["ends_too_soon"]:
        msg = f"the fallback code expires {fallback.expires}, and codes must be valid for {codes.days} more days"
        return ConfigurationError(msg)
    return None


def give_fallback(store: Store, fallback: FallbackCode, claim: dict[str, object]) -> None:
    """Give the code to those of a claim's contacts who still wait.

    :param claim: what the claim of the pool's codes was asked with
    """
    store.execute(_SQL["give_fallback"], {**claim, **_terms(fallback)})


def count_fallback(connection: Connection, run_id: int) -> int:
    """Return how many contacts whose message was accepted hold a fallback code."""
    return int(connection.execute(_SQL["count_fallback"], {"run_id": run_id}).fetchall()[0]["contacts"])


def _terms(fallback: FallbackCode) -> dict[str, Any]:
    return {
        "fallback_code": fallback.code,
        "fallback_type": fallback.type,
        "fallback_discount": fallback.discount,
        "fallback_expires_at": end_of(fallback),
        "fallback_zone": fallback.time_zone,
        "fallback_file": sha256(_FILE + fallback.time_zone.encode()).digest(),
    }
