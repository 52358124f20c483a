"""Closes channels because mails say so that came back: of mails that were sent from here, to the contact they name.

A report could be made up by anybody who can write to the mailbox. So it counts only for a mail of ours: its
``Message-ID`` holds a key that is made anew of the run and the contact, and compared. Who received the mail could make
up no more than a report about itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.contacts.closing import close_channels
from promo_campaigns.model.contact_rules import clean_locator
from promo_campaigns.model.contacts import ClosedFor, Closing
from promo_campaigns.model.run import Purpose
from promo_campaigns.model.run_key import idempotency_key
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from promo_campaigns.delivery.bounces.reports import MailReport
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_CHANNEL = "email"
_MOST_RUNS = 200
"""Runs of a contact that are looked at, the newest first: a report comes within days."""
_MOST_RESENDS = 20
_SPOKEN = {ClosedFor.BOUNCED: "bounce mail", ClosedFor.COMPLAINED: "complaint mail"}


@dataclass(slots=True)
class Heard:
    """What became of reports.

    :ivar closed: those by which a channel is closed now
    :ivar unchanged: those of channels that were closed before, or opened again since
    :ivar unknown: those of no mail of ours, or of an address that its contact has no more
    """

    closed: int = 0
    unchanged: int = 0
    unknown: int = 0


def hear_reports(connection: Connection, reports: Sequence[MailReport], *, by_address: bool = False) -> Heard:
    """Close the channels that reports are about; told twice, a report changes nothing.

    :param by_address: believe reports of mails that cannot be traced, by the address that they name
    """
    runs = _traced(connection, reports)
    closings = [_closing(one, runs.get(one.sent or ("", 0)), by_address=by_address) for one in reports]
    done = close_channels(connection, [one for one in closings if one is not None])
    heard = Heard(unknown=closings.count(None))
    for one in done:
        heard.closed += one.closed
        heard.unchanged += one.known and not one.closed
        heard.unknown += not one.known
    return heard


def _traced(connection: Connection, reports: Iterable[MailReport]) -> dict[tuple[str, int], int]:
    """Return the run of each mail of ours that reports are about, by its key and contact."""
    asked = {one.sent for one in reports if one.sent}
    told = {"contact_ids": sorted({contact_id for _, contact_id in asked}), "most_runs": _MOST_RUNS}
    rows = connection.execute(_SQL["sent_mails"], told).fetchall() if asked else []
    return {
        (key, row["contact_id"]): row["run_id"]
        for row in rows
        for key in _keys(row["run_key"], row["contact_id"], row["resend_counter"])
        if (key, row["contact_id"]) in asked
    }


def _keys(run_key: str, contact_id: int, resend_counter: int) -> list[str]:
    tries = range(max(0, resend_counter - _MOST_RESENDS), resend_counter + 1)
    return [idempotency_key(run_key, contact_id, Purpose.MESSAGE, number) for number in tries]


def _closing(report: MailReport, run_id: int | None, *, by_address: bool) -> Closing | None:
    """Return what is closed: of a bounce the address that it names, of a complaint whatever address its contact has."""
    by = " ".join(filter(None, (f"{_SPOKEN[report.reason]}:", report.status, f"run {run_id}" if run_id else "")))
    whose = report.sent[1] if report.sent and run_id else None
    if whose is not None and report.reason is ClosedFor.COMPLAINED:
        return Closing(type=_CHANNEL, reason=report.reason, by=by, contact_id=whose, at=report.at)
    try:
        address = clean_locator(_CHANNEL, report.recipient)
    except ValueError:
        return None
    if whose is None and not by_address:
        return None
    return Closing(type=_CHANNEL, reason=report.reason, by=by, contact_id=whose, value=address, at=report.at)
