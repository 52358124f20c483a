"""The books of archived runs, read back from their files, and what must hold of them.

What leaves the ledger is witnessed row by row by triggers of the harness, but told by the files alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]  # it has no types

from promo_campaigns.model.assignment_state import DELIVERED, WITH_REASON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from faults.receiver_truth import Receivers
    from promo_campaigns.postgres.connection import Connection

WITNESSED = ("assignment", "attempt", "audit")
_AT_REST = DELIVERED | {*WITH_REASON}
_TOLD = ("outcome", "detail", "finished_at")

_WITNESS = """
create schema witness;
create function witness.see() returns trigger language plpgsql as $$
begin
  execute format('insert into witness.%I select * from gone', tg_table_name);
  return null;
end $$
"""
_OF_TABLE = """
create unlogged table witness.{0} (like promo.{0});
create trigger {0}_witnessed after delete on promo.{0}
  referencing old table as gone for each statement execute function witness.see()
"""
_RUNS = """
select r.run_id, r.run_key, r.workflow, r.closed_at, r.records, r.start_with is not null as staged, r.let_go_at,
       r.archived_at, r.dropped_at, extract(epoch from r.archived_at)::float8 as archived_s,
       extract(epoch from r.send_by)::float8 as send_by, r.pool_types, r.pool_discounts, r.pool_given,
       array(select f.path from promo.archive_file f
             where f.run_id = r.run_id and f.kind = 'assignments' and f.verified_at is not null) as assignments,
       array(select f.path from promo.archive_file f
             where f.run_id = r.run_id and f.kind = 'attempts' and f.verified_at is not null) as attempts,
       array(select promo_code_id from promo.archived_code k where k.run_id = r.run_id order by 1) as codes
from promo.run r where r.archived_at is not null order by r.run_id
"""
_COUNTS = """
select run_id, sum(pending)::int as pending, sum(skipped)::int as skipped, sum(assigned)::int as assigned,
       sum(sending)::int as sending, sum(accepted)::int as accepted, sum(rejected)::int as rejected,
       sum(unknown)::int as unknown, sum(recorded)::int as recorded, sum(expired)::int as expired
from promo.run_count group by run_id
"""
_CODES = "select promo_code_id, code, type, discount, expires_at, issued_at, held_by, retired from promo.promo_code"
_GONE = {
    "assignments": (
        """
select run_id, contact_id, promo_code_id, state::text as state, reason, resend_counter, reused_at
from witness.assignment
""",
        ("run_id", "contact_id"),
    ),
    "attempts": (
        """
select run_id, attempt_id, contact_id, promo_code_id, purpose, source, shows_code::int as shows_code, outcome, detail,
       started_at, finished_at
from witness.attempt
""",
        ("run_id", "attempt_id"),
    ),
    "audit": (
        """
select audit_id, begun_at, finished_at, action, subject, actor, reason, row_count, revealed::int as revealed,
       broken_off::int as broken_off
from witness.audit
""",
        ("audit_id",),
    ),
}
"""What left the ledger, as the files have it, and by which columns it is found there."""
_AUDIT_FILES = "select path from promo.archive_file where kind = 'audit' and verified_at is not null order by path"

_FORGET = "delete from witness.assignment; delete from witness.attempt; delete from witness.audit"

Row = dict[str, Any]


@dataclass(slots=True)
class ArchivedRun:
    """What the store still says of a run, and what its files say of its contacts.

    :ivar told: of the run itself
    :ivar unread: files that are noted and cannot be read
    """

    told: Row
    assignments: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Archive:
    """All archived runs of a store.

    :ivar codes: every code of the store by its id
    """

    runs: dict[int, ArchivedRun]
    codes: Mapping[int, Row]

    @cached_property
    def books(self) -> list[Row]:
        """Return what the oracles ask of each contact, in the form in which they read it from the ledger."""
        return [entry for run in self.runs.values() for entry in self._entries(run)]

    @property
    def members(self) -> dict[str, list[int]]:
        """Return who was in which run, as two arrays."""
        return self.members_of("")

    def members_of(self, workflow: str) -> dict[str, list[int]]:
        """Return who was in which run of a workflow; of any, without one."""
        pairs = [
            (run_id, row["contact_id"])
            for run_id, run in self.runs.items()
            if workflow in {"", run.told["workflow"]}
            for row in run.assignments
        ]
        return {"run_ids": [run_id for run_id, _ in pairs], "contact_ids": [contact_id for _, contact_id in pairs]}

    def too_early(self) -> Iterator[Row]:
        """Yield the contacts beyond a first share for whom calls were begun before they were let go on."""
        for run in self.runs.values():
            first = {row["contact_id"] for row in run.assignments if row["first_share"]}
            let_go_at = run.told["let_go_at"]
            for row in run.attempts if run.told["staged"] else ():
                if row["contact_id"] not in first and (let_go_at is None or row["started_at"] < let_go_at):
                    yield {"run_key": run.told["run_key"], "contact_id": row["contact_id"]}

    def _entries(self, run: ArchivedRun) -> Iterator[Row]:
        messages: dict[int, list[Row]] = defaultdict(list)
        for one in run.attempts:
            if one["purpose"] == "message":
                messages[one["contact_id"]].append(one)
        for row in run.assignments:
            code, attempts = self.codes.get(row["promo_code_id"], {}), messages[row["contact_id"]]
            yield {
                "run_key": run.told["run_key"],
                "closed": run.told["closed_at"] is not None,
                "records": run.told["records"],
                "contact_id": row["contact_id"],
                "resend_counter": row["resend_counter"],
                "state": row["state"],
                "code": code.get("code"),
                "reason": row["reason"] or "",
                "restored": False,  # restores and archives are drawn apart
                "issued": code.get("issued_at") is not None,
                "send_by": run.told["send_by"],
                "unknowns": sum(one["outcome"] is None for one in attempts),
                "attempts": len(attempts),
                "asked_too_often": False,
            }


def witness(connection: Connection) -> None:
    """Have every row noted that leaves the ledger."""
    connection.execute(_WITNESS.encode(), prepare=False)
    for table in WITNESSED:
        connection.execute(_OF_TABLE.format(table).encode(), prepare=False)


def forget(connection: Connection) -> None:
    """Forget what left the ledger in earlier schedules."""
    connection.execute(_FORGET, prepare=False)


def read_archive(books: Connection) -> Archive:
    """Read all archived runs from their files."""
    codes = {row["promo_code_id"]: row for row in books.execute(_CODES).fetchall()}
    runs = {row["run_id"]: ArchivedRun(row) for row in books.execute(_RUNS).fetchall()}
    for run in runs.values():
        run.assignments = _rows(run, run.told["assignments"])
        run.attempts = _rows(run, run.told["attempts"])
    return Archive(runs, codes)


def broken_archives(
    books: Connection, archive: Archive, occurrences: Mapping[str, str], receivers: Receivers
) -> Iterator[str]:
    """Find archived runs that are not what they were, and rows that left the ledger and are in no file."""
    counts = {row.pop("run_id"): row for row in books.execute(_COUNTS).fetchall()} if archive.runs else {}
    for run_id, run in archive.runs.items():
        key = run.told["run_key"]
        for broken in (
            *_changed(run, counts.get(run_id, {}), archive.codes),
            *_called_for(run, occurrences[key], receivers),
        ):
            yield f"O27 {broken} of the archived run {key}"
        yield from (f"O28 the file {file} of run {key} cannot be read" for file in run.unread)
    yield from _lost(books, archive)


def _changed(run: ArchivedRun, counts: Row, codes: Mapping[int, Row]) -> Iterator[str]:
    """Compare what the store says with the files."""
    told, states = run.told, Counter(row["state"] for row in run.assignments)
    if told["closed_at"] is None:
        yield "the closing time is gone: it was opened again,"
    if {state: count for state, count in counts.items() if count} != dict(states):
        yield f"the counts are {counts}, and the states in the file {dict(states)},"
    yield from _unended(run)
    yield from _free(run, codes)
    yield from _uncounted(run, codes)


def _unended(run: ArchivedRun) -> Iterator[str]:
    for row in run.assignments:
        if row["state"] not in _AT_REST or (run.told["records"] and row["state"] == "accepted"):
            yield f"contact {row['contact_id']} is {row['state']}, which is no end,"
        if (row["state"] in DELIVERED) != (row["promo_code_id"] is not None):
            yield f"contact {row['contact_id']} is {row['state']} with code {row['promo_code_id']},"


def _free(run: ArchivedRun, codes: Mapping[int, Row]) -> Iterator[str]:
    """Find codes that are not their contact's for ever, or had not run out: they could be given again."""
    for row in run.assignments:
        code = codes.get(row["promo_code_id"])
        if code is None:
            continue
        if code["issued_at"] is None or code["held_by"] != row["contact_id"]:
            yield f"the code {code['code']} of contact {row['contact_id']} is free, or another's,"
        if code["expires_at"] > run.told["archived_at"] and not code["retired"]:
            yield f"the code {code['code']} of contact {row['contact_id']} was valid when it went,"


def _uncounted(run: ArchivedRun, codes: Mapping[int, Row]) -> Iterator[str]:
    told, held = run.told, sorted(filter(None, (row["promo_code_id"] for row in run.assignments)))
    if told["dropped_at"] is not None and told["codes"] != held:
        yield f"the codes {told['codes']} are kept, and {held} were given,"
    pools = Counter((codes[one]["type"], codes[one]["discount"]) for one in held)
    if told["pool_types"] is not None:
        given = [pools[pool] for pool in zip(told["pool_types"], told["pool_discounts"], strict=True)]
        if told["pool_given"] != given:
            yield f"the counts by pool are {told['pool_given']}, and {given} were given,"


def _called_for(run: ArchivedRun, occurrence: str, receivers: Receivers) -> Iterator[str]:
    for receiver in receivers.all:
        for row in run.assignments:
            called_at = receiver.last_call.get((occurrence, row["contact_id"]), 0.0)
            if called_at > run.told["archived_s"]:
                yield f"{receiver.name} were called for contact {row['contact_id']} afterwards,"


def _lost(books: Connection, archive: Archive) -> Iterator[str]:
    """Look for each row that left the ledger in the files, as it was when it went."""
    kept: dict[str, dict[tuple[Any, ...], Row]] = {
        "assignments": {
            (run_id, row["contact_id"]): row for run_id, run in archive.runs.items() for row in run.assignments
        },
        "attempts": {(run_id, row["attempt_id"]): row for run_id, run in archive.runs.items() for row in run.attempts},
        "audit": {(row["audit_id"],): row for row in _audit(books)},
    }
    for kind, (query, key) in _GONE.items():
        for gone in books.execute(query.encode()).fetchall():
            row = kept[kind].get(tuple(gone[name] for name in key))
            if row is None or not _is_kept(gone, row):
                yield f"O28 {kind}: {gone} left the ledger and is in no file"


def _audit(books: Connection) -> Iterator[Row]:
    for file in books.execute(_AUDIT_FILES).fetchall():
        yield from _table(file["path"])


def _is_kept(gone: Row, row: Row) -> bool:
    """Compare a row that went with one of a file; who stood still since its lease may have told an outcome since."""
    late = _TOLD if "outcome" in row and row["outcome"] is None else ()
    return all(row[name] == value for name, value in gone.items() if name not in late and name != "run_id")


def _rows(run: ArchivedRun, paths: Sequence[str | None]) -> list[Row]:
    """Return what the one file of a kind holds."""
    try:
        (path,) = paths
        return _table(path or "")
    except (ValueError, OSError, ArrowException):
        run.unread.append(str(paths))
        return []


def _table(path: str) -> list[Row]:
    with Path(path).open("rb") as stream:
        rows: list[Row] = parquet.read_table(stream).to_pylist()
    return rows
