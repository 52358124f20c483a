"""What the store, and the Postgres under it, cannot do."""

from __future__ import annotations

from promo_campaigns.model.errors.base import PromoError


class DatabaseUnavailableError(PromoError):
    """The store cannot be reached just now."""

    retryable = True


class StoreError(PromoError):
    """The database refused a statement. The message holds its error code and no value."""


class StoreUnavailableError(StoreError):
    """The database does not answer, or other writers were faster; the same call may succeed later."""

    retryable = True


class ContactHeldError(StoreUnavailableError):
    """Another transaction holds the row to be written for longer than the time-out of a lock."""


class ServerError(PromoError):
    """The embedded Postgres cannot be started, reached or stopped."""
