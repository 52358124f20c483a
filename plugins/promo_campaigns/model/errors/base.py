"""What every error of the product is, and those that belong to no room."""

from __future__ import annotations


class PromoError(Exception):
    """Base of every error raised on purpose by this product."""

    retryable = False
    """Whether the same call may succeed later with nothing changed by hand."""


class DemoError(PromoError):
    """The demo cannot be started, or one of its parts failed."""
