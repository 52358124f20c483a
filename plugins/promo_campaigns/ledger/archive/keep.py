"""How long what is old is kept, by kind."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.parameters import MAX_DAYS, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

FOREVER = "forever"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many days each kind is kept; None for ever.

    :ivar runs: contacts, attempts and answers of a run, from when it was closed
    :ivar events: keys and parameters of events, and what other databases told of contacts
    :ivar inbox: messages of the transport ``inbox``
    :ivar audit: entries of the audit, as long as runs at least
    """

    runs: int | None = 365
    events: int | None = 30
    inbox: int | None = 90
    audit: int | None = None

    def __post_init__(self) -> None:
        if self.audit is not None and (self.runs is None or self.audit < self.runs):
            msg = (
                f"keep: audit={self.audit} is shorter than runs={days_text(self.runs)}; keep the audit as long at least"
            )
            raise ConfigurationError(msg)


def parse_keep(given: str | Mapping[str, object]) -> Keep:
    """Return what a text such as ``runs=365 inbox=90 audit=forever`` says, or a mapping.

    Kinds that it does not name keep their defaults.

    :raises ConfigurationError: there is no such kind, or that is no number of days
    """
    pairs = given.items() if not isinstance(given, str) else map(_pair, given.replace(",", " ").split())
    named = {kind: _days(kind, days) for kind, days in pairs}
    kinds = [field.name for field in fields(Keep)]
    if unknown := set(named) - set(kinds):
        msg = f"keep: there is no kind {min(unknown)!r}; name {', '.join(kinds)}, such as runs=365"
        raise ConfigurationError(msg)
    return Keep(**named)


def days_text(days: int | None) -> str:
    """Return a number of days as ``parse_keep`` reads it."""
    return FOREVER if days is None else str(days)


def _pair(text: str) -> tuple[str, str]:
    kind, _, days = text.partition("=")
    return kind, days


def _days(kind: str, days: object) -> int | None:
    if days is None or str(days).strip() == FOREVER:
        return None
    return whole_number(f"keep: {kind}", days, least=1, most=MAX_DAYS)
