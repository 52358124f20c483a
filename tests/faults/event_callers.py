"""Callers who say that something has happened to a contact, and what must have become of what they said."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from faults.small_scenario import EVENT, RIVAL, WORKFLOW
from faults.workers import ConnectionDropped
from promo_campaigns.contacts.event_store import add_event
from promo_campaigns.model.events import Event, Identity, request_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from uuid import UUID

    from faults.receiver_truth import Copy
    from faults.schedule import Schedule
    from faults.workers import Worker
    from promo_campaigns.postgres.connection import Connection

TRIES = 3

_EVENTS = """
select e.token, count(*) as events, count(q.event_id) as queued, count(q.taken_at) as taken
from promo.event e left join promo.event_queue q using (event_id) group by e.token
"""
_ENTRIES = """
select q.contact_id, count(*) as entries from promo.event_queue q where q.run_id is not null group by q.contact_id
"""
_UNCALLED = """
select contact_id, a.run_id is null as missing
from (select run_id, contact_id from promo.event_queue where run_id is not null) q
full join (select run_id, contact_id from promo.assignment a join promo.run r using (run_id)
           where r.workflow = %(workflow)s and r.archived_at is null
           union select * from unnest(%(run_ids)s::bigint[], %(contact_ids)s::bigint[])) a using (run_id, contact_id)
where a.run_id is null or q.run_id is null
"""
WAITING = "select from promo.event_queue where taken_at is null limit 1"


def caller(schedule: Schedule) -> Callable[[Worker], None]:
    """Return somebody who tells of an event until it is heard, always under the same key; he may be killed before."""
    number = len(schedule.told) + 1
    contact_id = schedule.rng.randint(1, schedule.scenario.contacts)
    token = request_token(f"event {number}")
    schedule.told[token] = False
    schedule.events_of[contact_id] += 1
    event = Event(type=EVENT, key=str(contact_id), identity=Identity(contact_id=contact_id), params={}, token=token)

    def tell(worker: Worker) -> None:
        schedule.told[token] = any(_is_heard(worker, event) for _ in range(TRIES))

    return tell


def _is_heard(worker: Worker, event: Event) -> bool:
    try:
        worker.transact("add_event", lambda: add_event(worker.connection, event))
    except ConnectionDropped:
        worker.reconnect()
        return False
    return True


def broken_events(
    books: Connection, told: dict[UUID, bool], archived: Mapping[str, list[int]], *, once: bool
) -> Iterator[str]:
    """Find events that were heard and are lost, were taken for several, or were never decided.

    :param told: the key of each event that callers told of, and whether they were told that it was heard
    :param archived: who was in which run of the workflow that is archived
    :param once: a contact enters the workflow by the first of its events only
    """
    yield from _undecided(books, told)
    for row in books.execute(_UNCALLED, {"workflow": WORKFLOW, **archived}).fetchall():
        yield f"O23 contact {row['contact_id']} is {'in no run' if row['missing'] else 'in a run and has no event'}"
    for row in books.execute(_ENTRIES).fetchall() if once else ():
        if row["entries"] > 1:
            yield f"O23 contact {row['contact_id']} entered {row['entries']} times in place of once"


def answered_too_often(copies: Sequence[Copy], events_of: Mapping[int, int]) -> Iterator[str]:
    """Find contacts who got messages of more runs than there were events of theirs."""
    answers = {(copy.contact_id, copy.occurrence) for copy in copies if not copy.occurrence.startswith(RIVAL)}
    for who, count in Counter(contact_id for contact_id, _ in answers).items():
        if count > events_of[who]:
            yield f"O30 contact {who} got {count} answers to {events_of[who]} events"


def _undecided(books: Connection, told: dict[UUID, bool]) -> Iterator[str]:
    kept = {row["token"]: row for row in books.execute(_EVENTS).fetchall()}
    for token, heard in told.items():
        if heard and token not in kept:
            yield f"O23 the event {token} was heard and is lost"
    for token, row in kept.items():
        if token not in told or row["queued"] != row["events"]:
            yield f"O23 the event {token} waits {row['queued']} times, or nobody told of it"
        if row["taken"] != row["queued"]:
            yield f"O23 the event {token} still waits at rest"
