"""The settings of an Airflow Connection as plain values, and how each kind of setting is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


LIMITS = ("messages_per_s", "requests_per_s")
"""Extras that any connection may have: what all tasks together may ask of its receiver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """A connection as its owner wrote it. It holds secrets: never logged.

    :ivar name: what errors, rate limiter and breaker call it: ``connection`` and its id
    :ivar conn_type: as Airflow knows it, such as ``postgres`` or ``promo_http``
    :ivar scheme: the field that Airflow calls Schema: of a database its name, of a receiver ``http`` or ``https``
    :ivar extras: the settings that Airflow's form has no field of its own for
    """

    name: str
    conn_type: str = ""
    host: str = ""
    scheme: str = ""
    port: int | None = None
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    extras: Mapping[str, object] = field(default_factory=dict, repr=False)

    def allow_extras(self, allowed: Collection[str]) -> None:
        """Refuse every extra that is neither one of these nor a limit, unless it is empty.

        :raises ConfigurationError: there is another
        """
        known = sorted({*allowed, *LIMITS})
        if unknown := sorted(name for name in self.extras if self.text(name) and name not in known):
            self.fail(f"has the extra {', '.join(unknown)}; allowed are {', '.join(known)}")

    def text(self, extra: str, default: str = "") -> str:
        """Return an extra as text."""
        value = self.extras.get(extra)
        return default if value in (None, "") else str(value).strip()

    def flag(self, extra: str) -> bool:
        """Return a yes or no; no where there is none.

        :raises ConfigurationError: it is neither true nor false
        """
        word = self.text(extra, "false").lower()
        if word not in {"true", "false"}:
            self.fail(f"has an extra {extra} that is neither true nor false")
        return word == "true"

    def choice(self, extra: str, allowed: Collection[str], default: str) -> str:
        """Return an extra that must be one of some words.

        :raises ConfigurationError: it is another
        """
        value = self.text(extra, default)
        if value not in allowed:
            self.fail(f"has an extra {extra} that is not {' or '.join(allowed)}")
        return value

    def number(self, extra: str, default: float, *, least: float, most: float) -> float:
        """Return an extra that must be a number within bounds.

        :raises ConfigurationError: it is none, or out of bounds
        """
        try:
            number = float(self.text(extra, str(default)))
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            self.fail(f"has an extra {extra} that is not between {least:g} and {most:g}")
        return number

    def fail(self, problem: str) -> NoReturn:
        """Raise the ConfigurationError that names this connection.

        :param problem: a verb and what follows it, without a secret
        """
        msg = f"{self.name} {problem}"
        raise ConfigurationError(msg)
