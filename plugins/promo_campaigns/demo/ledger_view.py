"""Reads the sample run from the ledger, and checks it against what was promised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from datetime import datetime

WITH_CODE = 1000
"""Contacts of the sample that can be reached."""

WITHOUT_CHANNEL = 10
"""Contacts of the sample that cannot."""

_SQL = queries(__name__)


class LedgerView:
    """One run as the store has it.

    :param dsn: the store
    :param run_key: run key of the run
    :param field_id: the contact field its codes are recorded in
    """

    def __init__(self, dsn: str, run_key: str, field_id: int) -> None:
        self._dsn = dsn
        self._parameters: dict[str, object] = {"run_key": run_key, "field_id": field_id}

    def progress(self) -> str:
        """Return its progress, in a line."""
        rows = self._read("read_states")
        return " · ".join(f"{row['state']} {row['contacts']:,}" for row in rows) or "not begun"

    def accepted_since(self, instant: datetime) -> tuple[int, float]:
        """Return how many messages were accepted since then, and how many seconds after it the first was."""
        row = self._read("read_accepted_since", since=instant)[0]
        return row["messages"], (row["first_at"] - instant).total_seconds() if row["messages"] else 0.0

    def in_flight(self) -> tuple[int, int]:
        """Return how many contacts are leased, and for how many more seconds."""
        row = self._read("read_leases")[0]
        return row["contacts"], row["seconds"]

    def counts(self) -> dict[str, int]:
        """Return the counts of ``read_counts``."""
        return {name: int(count) for name, count in self._read("read_counts")[0].items()}

    def fingerprint(self) -> str:
        """Return a digest of everything a run can change."""
        return str(self._read("read_fingerprint")[0]["digest"])

    def table(self) -> list[str]:
        """Return a few of its contacts as the lines of a table; codes are masked."""
        head = ("contact", "channel", "code", "state", "profile value")
        rows = [head, *(_cells(row) for row in self._read("read_samples"))]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]

    def _read(self, query: str, **more: object) -> list[dict[str, Any]]:
        with connect(self._dsn) as connection:
            return connection.execute(_SQL[query], self._parameters | more).fetchall()


def failed_checks(counts: dict[str, int]) -> list[str]:
    """Return a sentence for each check that fails; empty when all hold."""
    expected = {
        "audience": (WITH_CODE + WITHOUT_CHANNEL, "contacts in the audience"),
        "distinct_codes": (WITH_CODE, "distinct codes given out"),
        "accepted": (WITH_CODE, "messages accepted"),
        "messages_received": (WITH_CODE, "messages received"),
        "contacts_with_one_message": (WITH_CODE, "contacts who received exactly one message"),
        "profiles_with_their_code": (WITH_CODE, "profiles that show their contact's code"),
        "without_channel": (WITHOUT_CHANNEL, "contacts skipped with the reason 'no channel'"),
        "skipped_without_code": (WITHOUT_CHANNEL, "skipped contacts that cost no code"),
    }
    return [
        f"{counts[name]:,} {what}, and {number:,} are right"
        for name, (number, what) in expected.items()
        if counts[name] != number
    ]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    state = f"{row['state']} ({row['reason']})" if row["reason"] else row["state"]
    code, value = (mask(row[name]) if row[name] else "-" for name in ("code", "value"))
    return (row["contact"], row["channel"], code, state, value)
