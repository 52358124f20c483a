"""What is older than it is kept: personal data that is erased, and runs, messages and the audit that go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.contacts.audience_values import erase_match_values, erase_values
from promo_campaigns.contacts.event_store import purge_events
from promo_campaigns.ledger.archive.audit_trail import archive_old_entries, count_old_entries
from promo_campaigns.ledger.archive.inbox import count_old_messages, drop_old_messages
from promo_campaigns.ledger.archive.old_runs import Gone, archive_old_runs, due_runs
from promo_campaigns.model.parameters import MAX_DAYS
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.ledger.archive.keep import Keep
    from promo_campaigns.ledger.archive.shelf import Shelf
    from promo_campaigns.postgres.connection import Connection

DAYS = 30
_ANSWER = queries("promo_campaigns.ledger.answers")


@dataclass(frozen=True, slots=True)
class Due:
    """What of a kind is older than it is kept.

    :ivar days: for how long it is kept; None for ever
    :ivar count: how many runs, events, messages or entries would go
    :ivar contacts: of runs, how many contacts
    :ivar waiting: of runs, how many stay although they are as old
    :ivar why: what they wait for
    """

    kind: str
    days: int | None
    count: int
    contacts: int = 0
    waiting: int = 0
    why: tuple[str, ...] = ()


def erase_old(connection: Connection, *, days: int = DAYS) -> dict[str, int]:
    """Erase data that is no longer needed, and return how many rows of each kind.

    Answers of data sources go once their run is closed, but for a contact whose send is unknown: it may be sent the
    same again. They go in any case after so many days, and so do keys and parameters of events, see ``purge_events``,
    what audiences of other databases told of contacts, and by what codes matched them, so many days after their run was
    opened.
    Doing it again changes nothing.

    :return: ``answers``, ``audience_values``, ``match_values``, and ``refused``, ``erased`` and ``deleted`` events
    :raises ConfigurationError: fewer than one day
    """
    events = purge_events(connection, days=days)
    answers = connection.execute(_ANSWER["erase_answers"], {"days": days}).rowcount
    values = {
        "audience_values": erase_values(connection, days=days),
        "match_values": erase_match_values(connection, days=days),
    }
    return {"answers": answers, **values, **events}


def run_retention(connection: Connection, keep: Keep, shelf: Shelf | None, *, drop: bool = False) -> dict[str, int]:
    """Do away with what is older than it is kept, and return how many rows of each kind.

    Doing it again goes on where it was killed, and else changes nothing. Runs and the audit stay without a shelf.

    :param shelf: where files of runs and of the audit go before anything of them is dropped
    :param drop: without a shelf, drop runs all the same; the audit stays
    :return: what ``erase_old`` returns, and ``runs``, ``contacts`` of them, runs ``waiting``, ``messages``, ``entries``
    :raises LedgerError: another archiver is at work, or a file that was read back is not what was written
    """
    erased = erase_old(connection, days=keep.events or MAX_DAYS)
    runs = Gone(0, 0, 0, 0)
    if keep.runs is not None and (shelf or drop):
        runs = archive_old_runs(connection, keep.runs, shelf)
    messages = 0 if keep.inbox is None else drop_old_messages(connection, keep.inbox)
    entries = 0 if keep.audit is None or shelf is None else archive_old_entries(connection, keep.audit, shelf)
    told = {"runs": runs.dropped, "contacts": runs.contacts, "waiting": runs.waiting}
    return {**erased, **told, "messages": messages, "entries": entries}


def due_now(connection: Connection, keep: Keep) -> Iterator[Due]:
    """Yield what of each kind is older than it is kept; the cost follows what would go."""
    runs = [] if keep.runs is None else list(due_runs(connection, keep.runs))
    going, waiting = [run for run in runs if not run.waits], [run for run in runs if run.waits]
    yield Due(
        "runs",
        keep.runs,
        len(going),
        contacts=sum(run.contacts for run in going),
        waiting=len(waiting),
        why=tuple(sorted({run.waits for run in waiting if run.waits})),
    )
    forever = MAX_DAYS
    messages, events = count_old_messages(
        connection, inbox_days=keep.inbox or forever, event_days=keep.events or forever
    )
    yield Due("events", keep.events, events)
    yield Due("inbox", keep.inbox, messages)
    yield Due("audit", keep.audit, 0 if keep.audit is None else count_old_entries(connection, keep.audit))
