"""Quiet hours and deadline in a preview, by time zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.ledger.claiming import OPEN_S
from promo_campaigns.ledger.start_checks import NEWER_ZONES, knows_zone
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
TOO_LATE = "send-by passed"
TOO_QUIET = "quiet hours past the deadline"


class PreviewHours:
    """Answers whether it is too early or too late to send, asking the store once for each time zone.

    :param limits: as a compiled campaign has them
    :param at: when it is to be sent, if that is later than now
    :param send_by: nothing is sent after it
    """

    def __init__(
        self, connection: Connection, limits: Mapping[str, Any], *, at: datetime | None, send_by: datetime | None
    ) -> None:
        self._connection = connection
        self._quiet: Any = limits["quiet_hours"]
        self._send_by = send_by
        self._zones: dict[str | None, tuple[str, str]] = {}
        self._at: datetime = connection.execute(_SQL["moment"], {"at": at}).fetchall()[0]["at"]

    @property
    def too_late(self) -> bool:
        """Whether the deadline has passed."""
        return self._send_by is not None and self._send_by <= self._at

    def of(self, zone: str | None) -> tuple[str, str]:
        """Return why contacts of a time zone would be sent nothing, and a warning if they wait; both mostly empty."""
        if zone not in self._zones:
            self._zones[zone] = self._ask(zone)
        return self._zones[zone]

    def _ask(self, zone: str | None) -> tuple[str, str]:
        if self.too_late:
            return TOO_LATE, ""
        if self._quiet is None:
            return "", ""
        asked = {"quiet_hours": self._quiet, "zone": zone, "at": self._at, "open_s": OPEN_S}
        if not knows_zone(self._connection, zone):
            msg = f"the time zone {zone!r} is not known to the promo database's server; {NEWER_ZONES}"
            raise ConfigurationError(msg)
        opens: datetime = self._connection.execute(_SQL["opens_at"], asked).fetchall()[0]["opens"]
        if self._send_by is not None and opens >= self._send_by:
            return TOO_QUIET, ""
        return "", f"waits for the end of quiet hours in {zone}" if opens > self._at else ""
