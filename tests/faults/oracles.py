"""What must hold once a schedule is at rest, by what the receivers really got."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from faults.archived_books import broken_archives, read_archive
from faults.slotted_calls import broken_back_offs, broken_slots
from faults.small_scenario import DAY_S, SHARED_CODE, zone_of
from faults.stepped_limiter import crowded
from faults.virtual_clock import EPOCH_S
from promo_campaigns.ledger.invariants import invariants, run_invariants
from promo_campaigns.model.assignment_state import DELIVERED, MAYBE_DELIVERED
from promo_campaigns.model.limits import DAY, quiet_minutes
from promo_campaigns.model.run import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faults.receiver_truth import Copy, Receiver, Receivers
    from faults.restored_store import Restores
    from promo_campaigns.model.limits import Limits
    from promo_campaigns.postgres.connection import Connection

_BOOKS = """
select r.run_key, r.closed_at is not null as closed, r.records, a.contact_id, a.resend_counter, a.state::text as state,
       coalesce(a.reason, '') as reason,
       exists (select from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id
          and t.purpose = 'message' and t.lease_token < 0) as restored,
       p.code, p.issued_at is not null as issued, extract(epoch from r.send_by)::float8 as send_by,
       (select count(*) from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id
          and t.purpose = 'message' and t.outcome is null) as unknowns,
       (select count(*) from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id
          and t.purpose = 'message') as attempts,
       exists (select from promo.answer w join promo.attempt t using (run_id, contact_id, source)
          where w.run_id = a.run_id and w.contact_id = a.contact_id and w.resend_counter = a.resend_counter
            and (w.promo_code_id is null or w.promo_code_id = t.promo_code_id)
            and t.purpose = 'answer' and t.started_at > w.received_at) as asked_too_often
from promo.assignment a join promo.run r using (run_id) left join promo.promo_code p using (promo_code_id)
where r.archived_at is null
order by r.run_id, a.contact_id
"""
_POOL = """
select code, issued_at is not null or retired as gone, extract(epoch from expires_at)::float8 as expires_at
from promo.promo_code
"""

_TOO_EARLY = """
select r.run_key, t.contact_id from promo.run r join promo.attempt t using (run_id)
where r.archived_at is null and r.start_with is not null and t.lease_token > 0
  and t.started_at < coalesce(r.let_go_at, 'infinity') and not exists (
  select from promo.first_share f where f.run_id = t.run_id and f.contact_id = t.contact_id)
"""

_HELD_OUT = """
select r.run_key, a.contact_id from promo.run r
join (select run_id, contact_id from promo.assignment
      union select * from unnest(%(run_ids)s::bigint[], %(contact_ids)s::bigint[])) a using (run_id)
where promo.held_out(r.workflow, a.contact_id, r.hold_out)
"""

NO_CODE = ""
FORGOTTEN = "sent before a restore"
"""Of whom a person or a receiver says that they were sent to, with a code that is not known or not theirs here."""
_CAP_S = 7 * DAY_S - LEASE_S / 2
"""A cap looks back from when a code is claimed, to when a message was intended; calls are later by half a lease."""

Books = dict[tuple[str, int], dict[str, Any]]


@cache
def _every_invariant(*, of_run: bool) -> str:
    """Return the packaged invariants as one statement, for they are asked thousands of times."""
    return "\nunion all\n".join(
        f"select invariant, broken from (\n{query.rstrip().rstrip(';')}\n) {name}"  # noqa: S608  (the product's own)
        for name, query in (run_invariants() if of_run else invariants()).items()
    )


def broken_invariants(connection: Connection, run_id: int | None = None) -> list[str]:
    """Return what breaks the invariants of the store or of one run, each in one line."""
    rows = connection.execute(_every_invariant(of_run=run_id is not None), {"run_id": run_id}).fetchall()
    return [f"{row['invariant']}: {row['broken']}" for row in rows]


def broken_promises(  # noqa: PLR0913  (what a schedule knows, one argument each)
    books: Connection,
    receivers: Receivers,
    occurrences: Mapping[str, str],
    risks: Mapping[tuple[str, int], int],
    *,
    limits: Limits,
    restores: Restores,
) -> list[str]:
    """Return the promises that are broken, each in one line.

    :param limits: of all runs; with a cap nobody may be sent messages of two occurrences
    :param restores: what was forgotten, and told or decided afterwards
    :param occurrences: what each run key stands for
    :param risks: how often a person had an unknown send of this occurrence and contact sent again
    """
    archive = read_archive(books)
    rows = [*books.execute(_BOOKS).fetchall(), *archive.books]
    ledger: Books = {(occurrences[row["run_key"]], row["contact_id"]): row for row in rows}
    pool = {row["code"]: row for row in books.execute(_POOL).fetchall()}
    all_copies, told = receivers.messages.copies, receivers.answers.copies
    written = receivers.profiles.copies
    if restores.log_is_lost:  # of whom nobody told, a profile may be written though the message never arrived
        reached = {(copy.occurrence, copy.contact_id) for copy in all_copies}
        written = [each for each in written if (each.occurrence, each.contact_id) in reached]
    strangers = {who for receiver in receivers.all for who in receiver.keys} - ledger.keys()
    opened = {occurrence for occurrence, _ in ledger}
    strangers = {who for who in strangers if not restores.dropped(who, opened)}
    archives = list(broken_archives(books, archive, occurrences, receivers))
    if strangers:
        return archives + [f"O17 contact {who} was called for and is in no run of this" for who in sorted(strangers)]
    copies = [copy for copy in all_copies if (copy.occurrence, copy.contact_id) in ledger]
    return [
        *archives,
        *_codes_and_people([*all_copies, *told, *written]),
        *_texts(all_copies),
        *_copies(all_copies, risks),
        *(_beyond_the_cap(copies) if limits.frequency_cap else ()),
        *(_in_quiet_hours(copies, limits.quiet_hours) if limits.quiet_hours else ()),
        *_held_out(books, archive.members, occurrences, receivers),
        *_agreement(copies, ledger, restores),
        *_free_codes([*all_copies, *told], pool),
        *_lateness(copies, pool, ledger),
        *_profile_writes(receivers.profiles.copies, copies, ledger, on_trust=restores.on_trust),
        *_answers(copies, told, ledger),
        *_rest(rows),
        *_first_shares([*books.execute(_TOO_EARLY).fetchall(), *archive.too_early()]),
        *(broken for receiver in receivers.all for broken in _calls(receiver, ledger, forgets=bool(restores.count))),
    ]


def _first_shares(early: list[dict[str, Any]]) -> Iterator[str]:
    for row in early:
        yield f"O20 contact {row['contact_id']} of {row['run_key']} was called for before it was let go on"


def _codes_and_people(copies: list[Copy]) -> Iterator[str]:
    """Count what a data source was told for a contact, or what its profile shows, as put before that contact."""
    people: dict[str, set[int]] = defaultdict(set)
    for copy in copies:
        people[copy.code].add(copy.contact_id)
    for nobodys in (NO_CODE, SHARED_CODE):
        people.pop(nobodys, None)
    yield from (f"O1 code {code} reached contacts {sorted(who)}" for code, who in people.items() if len(who) > 1)


def _texts(copies: list[Copy]) -> Iterator[str]:
    codes: dict[tuple[str, int], set[str]] = defaultdict(set)
    said: dict[tuple[str, int], set[str]] = defaultdict(set)
    for copy in copies:
        codes[copy.occurrence, copy.contact_id].add(copy.code)
        said[copy.occurrence, copy.contact_id].add(copy.said)
    yield from (f"O2 contact {who} got codes {sorted(got)}" for who, got in codes.items() if len(got) > 1)
    yield from (f"O14 contact {who} got answers {sorted(got)}" for who, got in said.items() if len(got) > 1)


def _copies(copies: list[Copy], risks: Mapping[tuple[str, int], int]) -> Iterator[str]:
    counts = Counter((copy.occurrence, copy.contact_id) for copy in copies)
    for who, count in counts.items():
        if count > 1 + risks.get(who, 0):
            yield f"O3 contact {who} got {count} copies"


def _beyond_the_cap(copies: list[Copy]) -> Iterator[str]:
    got: dict[int, list[Copy]] = defaultdict(list)
    for copy in copies:
        got[copy.contact_id].append(copy)
    for who, theirs in got.items():
        for one, other in combinations(theirs, 2):
            if one.occurrence != other.occurrence and abs(one.called_at - other.called_at) < _CAP_S:
                yield f"O18 contact {who} was sent messages of {one.occurrence} and {other.occurrence} in place of one"


def _in_quiet_hours(copies: list[Copy], quiet: str) -> Iterator[str]:
    minutes = quiet_minutes(quiet)
    for copy in copies:
        there = datetime.fromtimestamp(copy.called_at, ZoneInfo(zone_of(copy.contact_id)))
        minute = there.weekday() * DAY + there.hour * 60 + there.minute
        if any(first <= minute < end for first, end in minutes):
            yield f"O21 contact {copy.contact_id} was sent to at {there:%a %H:%M}, in its quiet hours"


def _held_out(
    books: Connection, archived: Mapping[str, list[int]], occurrences: Mapping[str, str], receivers: Receivers
) -> Iterator[str]:
    for row in books.execute(_HELD_OUT, archived).fetchall():
        who = occurrences[row["run_key"]], row["contact_id"]
        if any(who in receiver.keys for receiver in receivers.all):
            yield f"O22 contact {who} is held out and was called for"


def _agreement(copies: list[Copy], ledger: Books, restores: Restores) -> Iterator[str]:
    """Compare; a person may have said that those were sent to of whom nobody told, and some of them may have been."""
    arrived = {(copy.occurrence, copy.contact_id): copy for copy in copies}
    for who, row in ledger.items():
        if row["state"] in DELIVERED and who not in arrived and not (restores.on_trust and row["restored"]):
            yield f"O4 contact {who} is {row['state']} and got nothing"
    for who, copy in arrived.items():
        row = ledger[who]
        if row["reason"] == FORGOTTEN or restores.hides(copy):
            continue
        if row["state"] not in MAYBE_DELIVERED or row["code"] != copy.code:
            yield f"O5 contact {who} got {copy.code} and is {row['state']} with {row['code']}"


def _free_codes(copies: list[Copy], pool: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    for code in {copy.code for copy in copies} - {NO_CODE}:
        if not pool[code]["gone"]:
            yield f"O7 code {code} was put before somebody and is free"


def _lateness(copies: list[Copy], pool: Mapping[str, dict[str, Any]], ledger: Books) -> Iterator[str]:
    """No call begins after half a lease from its intent, so that is how late one may be."""
    for copy in copies:
        late_s = copy.called_at - LEASE_S / 2 - pool[copy.code]["expires_at"]
        if late_s >= 0:
            yield f"O8 contact {copy.contact_id} was sent {copy.code} {late_s:.0f} s too late"
        send_by = ledger[copy.occurrence, copy.contact_id]["send_by"]
        if send_by is not None and copy.called_at - LEASE_S / 2 >= send_by:
            yield f"O8 contact {copy.contact_id} was sent to after {send_by - EPOCH_S:.0f} s, the send-by"


def _profile_writes(writes: list[Copy], copies: list[Copy], ledger: Books, *, on_trust: bool) -> Iterator[str]:
    first: dict[tuple[str, int], float] = {}
    for copy in copies:
        who = copy.occurrence, copy.contact_id
        first[who] = min(copy.arrived_at, first.get(who, copy.arrived_at))
    written: dict[tuple[str, int], str] = {}
    for write in writes:
        who = write.occurrence, write.contact_id
        if who not in ledger or ledger[who]["reason"] == FORGOTTEN:
            continue
        written[who] = write.code
        if write.code != ledger[who]["code"]:
            yield f"O9 profile {who} says {write.code}, the ledger {ledger[who]['code']}"
        early = who not in first or write.called_at < first[who]
        if early and not (on_trust and ledger[who]["restored"]):
            yield f"O10 profile {who} was written before anything arrived"
    for who, row in ledger.items():
        if row["state"] == "recorded" and who not in written:
            yield f"O9 profile {who} is recorded and was never written"


def _answers(copies: list[Copy], told: list[Copy], ledger: Books) -> Iterator[str]:
    """Compare what messages say with what their data source answered before, and of which code."""
    answered = {(copy.occurrence, copy.contact_id, copy.said): copy for copy in told}
    for copy in copies:
        answer = answered.get((copy.occurrence, copy.contact_id, copy.said))
        if copy.said and (answer is None or answer.arrived_at > copy.called_at):
            yield f"O14 contact {copy.contact_id} was sent {copy.said}, which is no answer for it"
        if answer is not None and answer.code not in {NO_CODE, copy.code}:
            yield f"O14 contact {copy.contact_id} was sent {copy.code} with an answer about {answer.code}"
    for who, row in ledger.items():
        if row["asked_too_often"]:
            yield f"O14 contact {who} was asked for though there was an answer"


def _calls(receiver: Receiver, ledger: Books, *, forgets: bool) -> Iterator[str]:
    yield from (f"O12 contact {who} was called for under no lease" for who in receiver.stale_calls)
    if receiver.per_s and crowded(receiver.permits, receiver.per_s):
        yield f"O24 {receiver.name} were called for more often than {receiver.per_s} times a second"
    if receiver.concurrency:
        yield from broken_slots(receiver)
    yield from broken_back_offs(receiver)
    yield from (f"O13 {count} contacts were under way at once" for count in receiver.crowds)
    yield from (f"O15 contact {who} was called for under the key of another code" for who in receiver.reused_keys)
    for who, keys in receiver.keys.items() if not forgets else ():
        if len(keys) > 1 + ledger[who]["resend_counter"]:
            yield f"O15 contact {who} was called for under {len(keys)} keys"


def _rest(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        who = f"contact {row['contact_id']} of {row['run_key']}"
        if not row["closed"]:
            yield f"O6 {who} is {row['state']} and its run cannot be closed"
        if row["state"] == "unknown" and not row["unknowns"]:
            yield f"O11 {who} is unknown though every attempt has an outcome: forgotten"
