"""The queries of the archive."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from plans.cases import BATCH, ONE, RUN, Case, case

if TYPE_CHECKING:
    from plans.scenario import Scenario

_UNGUARDED = "alter table promo.run disable trigger run_archived_once"
_CLOSED = "update promo.run set closed_at = now() where run_id = %(run_id)s"
_ARCHIVED = "update promo.run set closed_at = now(), archived_at = now() where run_id = %(run_id)s"
_NOTED = "insert into promo.archive_file (kind, run_id, path) values ('attempts', %(run_id)s, 'there')"
_ALL_ENTRIES = (
    "insert into promo.archive_file (kind, first_id, last_id, path, verified_at, row_count, digest)"
    " values ('audit', 0, 1000000000, 'there', now(), 1, sha256('x'))"
)
_NO_KEY = "00000000-0000-0000-0000-000000000000"


def archive_cases(scenario: Scenario) -> dict[str, Case]:
    """Return a case for each of them."""
    return {**_old_runs(scenario), **_others(scenario)}


def _old_runs(scenario: Scenario) -> dict[str, Case]:
    runs = "ledger.archive.old_runs."
    file = {"kind": "attempts", "folder": "here/", "name": "file"}
    told = {"path": "there", "rows": 1, "digest": b"x" * 32}
    before = min(scenario.contact_ids, default=0) - 1
    return {
        f"{runs}lock_archive": case(ONE),
        f"{runs}list_due": case(50, days=58, after=scenario.now - timedelta(days=90), after_id=0, limit=50),
        f"{runs}list_undropped": case(ONE, _UNGUARDED, _ARCHIVED),
        f"{runs}lock_run": case(ONE, _CLOSED, closed_at=scenario.now),
        f"{runs}count_leased": case(RUN),
        f"{runs}note_file": case(ONE, **file),
        f"{runs}read_assignments": case(RUN),
        f"{runs}read_attempts": case(RUN),
        f"{runs}keep_file": case(ONE, _NOTED, **file, **told),
        f"{runs}mark_archived": case(ONE, _UNGUARDED, _CLOSED),
        f"{runs}next_contacts": case(BATCH, after=0, limit=BATCH),
        f"{runs}drop_contacts": case(BATCH, _UNGUARDED, _ARCHIVED, after=before),
        f"{runs}finish_drop": case(ONE, _UNGUARDED, _ARCHIVED),
        f"{runs}files_of_runs": case(ONE, _UNGUARDED, _ARCHIVED),
        "ledger.reports.count_kept": case(ONE),
    }


def _others(scenario: Scenario) -> dict[str, Case]:
    inbox, trail = "ledger.archive.inbox.", "ledger.archive.audit_trail."
    # A message was received each second.
    first = {"after": scenario.now - timedelta(days=90), "after_key": _NO_KEY}
    ends = {"last": scenario.now - timedelta(days=60) + timedelta(seconds=BATCH), "last_key": _NO_KEY}
    return {
        f"{inbox}next_messages": case(BATCH, **first, days=30, limit=BATCH),
        f"{inbox}drop_messages": case(RUN, **first, **ends),
        f"{inbox}count_messages": case(scenario.people, inbox_days=30, event_days=30),
        f"{trail}old_entries": case(BATCH, days=0, limit=BATCH),
        f"{trail}note_entries": case(ONE, path="there"),
        f"{trail}read_entries": case(BATCH, first=1, last=BATCH),
        f"{trail}keep_entries": case(ONE, archive_file_id=1, rows=1, digest=b"x" * 32),
        f"{trail}drop_entries": case(BATCH, _ALL_ENTRIES, first=1, last=BATCH),
    }
