"""A store that is lost and brought back from a backup meanwhile, and the person who tells it what it forgot."""

from __future__ import annotations

import csv
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

from promo_campaigns.ledger.restores import restoring
from promo_campaigns.ledger.restores.deciding import decide
from promo_campaigns.ledger.restores.told_sends import reconcile_file
from promo_campaigns.model.errors import LedgerError
from promo_campaigns.model.oversight.decision import FreeCodes, Rest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet
    from uuid import UUID

    from faults.receiver_truth import Copy
    from faults.schedule import Schedule
    from faults.workers import Worker
    from promo_campaigns.postgres.connection import Connection

TRIES = 4

_MAKE = """
create schema kept;
do $$ declare t record; begin
  for t in select relname from pg_class where relnamespace = 'promo'::regnamespace and relkind in ('r', 'p') loop
    execute format('create unlogged table kept.%1$I (like promo.%1$I)', t.relname);
  end loop;
end $$;
create unlogged table kept.sequence (name text, at bigint, is_called boolean);
create function kept.columns(a_table text) returns text language sql stable as $$
  select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
  where attrelid = ('promo.' || quote_ident(a_table))::regclass and attnum > 0 and not attisdropped
    and attgenerated = ''
$$;
create function kept.copy(a_from text, a_to text) returns void language plpgsql as $$
declare t record; begin
  for t in select relname, kept.columns(relname) as columns from pg_class c
           where relnamespace = 'promo'::regnamespace and relkind in ('r', 'p') loop
    execute format('delete from %I.%I', a_to, t.relname);
    execute format('insert into %1$I.%3$I (%4$s) %5$s select %4$s from %2$I.%3$I', a_to, a_from, t.relname, t.columns,
                   case a_to when 'promo' then 'overriding system value' else '' end);
  end loop;
end $$;
create function kept.take() returns void language plpgsql as $$
declare s record; begin
  perform kept.copy('promo', 'kept');
  delete from kept.sequence;
  for s in select relname from pg_class where relnamespace = 'promo'::regnamespace and relkind = 'S' loop
    execute format('insert into kept.sequence select %L, last_value, is_called from promo.%I', s.relname, s.relname);
  end loop;
end $$;
create function kept.bring_back() returns void language plpgsql as $$
begin
  set local session_replication_role = replica;
  perform kept.copy('kept', 'promo');
  perform setval(format('promo.%I', name)::regclass, at, is_called) from kept.sequence;
end $$
"""


@dataclass(slots=True)
class Restores:
    """The backup of a schedule's store, and what is known of its restores.

    :ivar backup_at: when the backup was taken, None while there is none
    :ivar log: how large a share of the messages that arrived the receivers' logs tell of
    :ivar on_trust: somebody said that all of whom nobody told were sent to
    :ivar log_is_lost: some log did not tell of all messages that had arrived
    :ivar restored_at: when the store was brought back last
    :ivar answers_events: runs answer events, which a restore gives to others
    :ivar lost_events: what was heard since a backup, and is forgotten
    :ivar told: of whom logs told after the last restore
    :ivar count: how many restores there were
    :ivar calls: how many messages and questions had been begun when the store was restored
    """

    answers_events: bool = False
    backup_at: float | None = None
    restored_at: float | None = None
    log: float = 1.0
    on_trust: bool = False
    log_is_lost: bool = False
    calls: int = 0
    count: int = 0
    lost_events: set[UUID] = field(default_factory=set)
    told: set[tuple[str, int]] = field(default_factory=set)

    def dropped(self, who: tuple[str, int], opened: AbstractSet[str]) -> bool:
        """Whether a contact who was called for may be in no run: the run is forgotten, or answers other events now."""
        return (self.on_trust and who[0] not in opened) or (self.answers_events and self.count > 0)

    def hides(self, copy: Copy) -> bool:
        """Whether nobody can know of a message: the store has forgotten it, and no log told of it."""
        forgotten = self.restored_at is not None and copy.arrived_at <= self.restored_at
        return self.log_is_lost and forgotten and (copy.occurrence, copy.contact_id) not in self.told


def keep_backups(connection: Connection) -> None:
    """Make room for a copy of the store in its database."""
    connection.execute(_MAKE, prepare=False)


def take_backup(schedule: Schedule) -> None:
    """Keep the store as it is now."""
    schedule.stage.books.execute("select kept.take()")
    schedule.restores.backup_at = schedule.clock.now


def forgets(schedule: Schedule) -> bool:
    """Whether messages have arrived since the backup."""
    backup_at = schedule.restores.backup_at
    copies = schedule.receivers.messages.copies
    return backup_at is not None and any(copy.arrived_at > backup_at for copy in copies)


def restore(schedule: Schedule) -> None:
    """Lose the store with all who work on it; bring the backup back once nothing is on its way, and say so."""
    known, books = schedule.restores, schedule.stage.books
    assert known.backup_at is not None
    schedule.end_all()
    for receiver in schedule.receivers.all:
        receiver.arrive_at_last()
    books.execute("select kept.bring_back()")
    to = datetime.fromtimestamp(known.backup_at, timezone.utc)
    restoring.say_restored(books, to, by="ops")
    known.restored_at, known.calls = schedule.clock.now, _calls(schedule)
    known.log = schedule.rng.choice((1.0, 1.0, 0.5, 0.0))
    known.backup_at = None
    known.told.clear()
    kept = {row["token"] for row in books.execute("select token from promo.event").fetchall()}
    known.lost_events |= schedule.told.keys() - kept
    known.log_is_lost |= known.log < 1
    known.count += 1


def operator(schedule: Schedule) -> Callable[[Worker], None]:
    """Return the person who reconciles a restored store and decides the rest, as the logs allow."""

    def act(worker: Worker) -> None:
        unread = sum(_told(worker, file, rows) for file, rows in _logs(schedule))
        for deed in _deeds(schedule, complete=schedule.restores.log >= 1 and not unread):
            with suppress(LedgerError):  # another one has decided it
                deed(worker)

    return act


def _told(worker: Worker, file: str, rows: bytes) -> int:
    """Tell the store what a file says, and return how many rows of it were refused."""
    told = worker.transact("reconcile", partial(reconcile_file, worker.connection, BytesIO(rows), file=file, by="ops"))
    return told.rejected_count


def _deeds(schedule: Schedule, *, complete: bool) -> list[Callable[[Worker], None]]:
    """Say what became of the free codes and of the rest, in any order."""
    rng, known = schedule.rng, schedule.restores
    rest = rng.choice((Rest.UNSENT, Rest.UNSENT, Rest.SENT)) if complete else Rest.SENT
    free = rng.choice((FreeCodes.RELEASE, FreeCodes.WITHDRAW)) if complete else FreeCodes.WITHDRAW

    def of_codes(worker: Worker) -> None:
        _see_nobody_called(schedule)
        worker.transact("decide", partial(decide, worker.connection, free_codes=free, by="ops"))

    def of_each_run(worker: Worker) -> None:
        known.on_trust |= rest is Rest.SENT
        for run in restoring.read_left(worker.connection).runs:
            worker.transact("decide", partial(decide, worker.connection, run_key=run.run_key, rest=rest, by="ops"))

    def of_the_rest(worker: Worker) -> None:
        known.on_trust |= rest is Rest.SENT
        worker.transact("decide", partial(decide, worker.connection, rest=rest, by="ops"))

    runs = [of_each_run, of_the_rest] if rng.random() < 0.5 else [of_the_rest]
    return [of_codes, *runs] if rng.random() < 0.5 else [*runs, of_codes]


def waits(schedule: Schedule) -> bool:
    """Whether something of a restore is left to be decided."""
    found = restoring.read_restore(schedule.stage.books)
    return found is not None and found.lifted_at is None


def _see_nobody_called(schedule: Schedule) -> None:
    found = restoring.read_restore(schedule.stage.books)
    if found and found.free_codes is None and _calls(schedule) != schedule.restores.calls:
        schedule.report.violations.append("O25 somebody was called for before the free codes were decided on")


def _calls(schedule: Schedule) -> int:
    return schedule.receivers.messages.calls + schedule.receivers.answers.calls


def _logs(schedule: Schedule) -> Iterator[tuple[str, bytes]]:
    """Yield what receivers tell: who got the message, and whose code a data source was told of."""
    receivers, share = schedule.receivers, schedule.restores.log
    yield "messages.csv", _log(schedule, receivers.messages.copies, share, "")
    if schedule.scenario.asks == "tells":
        yield "answers.csv", _log(schedule, receivers.answers.copies, share, "assigned")


def _log(schedule: Schedule, copies: list[Copy], share: float, state: str) -> bytes:
    keys = {occurrence: key for key, occurrence in sorted(schedule.occurrences.items())}
    text = StringIO()
    rows = csv.writer(text)
    rows.writerow(("contact_id", "code", "run_key", "sent_at", "state"))
    for copy in copies:
        if copy.code and schedule.rng.random() < share:
            sent_at = datetime.fromtimestamp(copy.called_at, timezone.utc).isoformat()
            schedule.restores.told.add((copy.occurrence, copy.contact_id))
            rows.writerow((copy.contact_id, copy.code, keys[copy.occurrence], sent_at, state))
    return text.getvalue().encode()
