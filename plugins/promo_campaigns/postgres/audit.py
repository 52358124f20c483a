"""Who took codes out of the store, who erased whom, and who changed by hand what a campaign does."""

from __future__ import annotations

import getpass
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
NEWEST = 2**63 - 1
"""Comes after every entry there is."""


@dataclass(slots=True)
class Entry:
    """What was done so far.

    :ivar rows: how many rows left the store, or were changed
    """

    rows: int = 0


@contextmanager
def audited(  # noqa: PLR0913  (what an entry says, one keyword each)
    connection: Connection, action: str, subject: str, *, revealed: bool = False, actor: str = "", reason: str = ""
) -> Iterator[Entry]:
    """Note an action before it begins, and when it is over how many rows it was, even if it broke off.

    :param action: one of those that the table's constraint ``audit_action_check`` names
    :param subject: a run, workflow or contact, by key or id; never an address
    :param revealed: whether codes are shown in full
    :param actor: who does it; by default the account of this process
    :param reason: why, where somebody said it
    """
    row = connection.execute(
        _SQL["begin_entry"],
        {
            "action": action,
            "subject": subject,
            "revealed": revealed,
            "actor": actor or account(),
            "reason": reason or None,
        },
    ).fetchone()
    entry, whole = Entry(), False
    try:
        yield entry
        whole = True
    finally:
        if row is not None and not connection.broken:
            ended = {"audit_id": row["audit_id"], "rows": entry.rows, "broken_off": not whole}
            connection.execute(_SQL["finish_entry"], ended)


def list_audit(connection: Connection, limit: int = 50) -> list[dict[str, Any]]:
    """Return the newest entries: begun_at, action, subject, revealed, rows, finished, broken_off, actor, reason."""
    return connection.execute(_SQL["list_entries"], {"limit": limit}).fetchall()


def audit_page(connection: Connection, *, before: int, limit: int) -> list[dict[str, Any]]:
    """Return a page of the entries, newest first, each with its ``audit_id`` beside what ``list_audit`` returns.

    :param before: the ``audit_id`` of the last entry of the page before
    """
    return connection.execute(_SQL["entries_before"], {"before": before, "limit": limit}).fetchall()


def account() -> str:
    """Return the account of this process, and where it is."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        name = "somebody"
    return f"{name}@{socket.gethostname()}"
