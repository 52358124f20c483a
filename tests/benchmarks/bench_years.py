"""A store of many closed runs beside an empty one: what each step of a new run costs, and what archiving it does.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_years.py --runs 20 --contacts 100000

Both stores have the same contacts. One has so many closed runs over all of them besides, made by set-based SQL: a code,
an assignment and an attempt each. In each round both open a new run of so many contacts, claim, begin, record, close,
archive and drop it, in turns, through the product's own code; the median of the rounds counts. PROMO_TEST_DSN names a
server, else one is started for each store, with durable commits.

An opening samples its table for the planner, which takes as long for a small run as for a large one: a new run should
be as large as those of the history.

Exit status 1 when the aim is missed: a step in the long history costs at most 1.5 times as much as in the empty store.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from benchmarks.bench_send_path import SPEC, options_of, store_dsn
from benchmarks.figures import Figure, keep
from promo_campaigns.ledger.archive.old_runs import DueRun, archive_run, drop_archived
from promo_campaigns.ledger.archive.shelf import LocalShelf
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from promo_campaigns.model.run import Lease, Run
    from promo_campaigns.postgres.connection import Connection

Done = TypeVar("Done")

MOST_TIMES = 1.5
BATCH = 2_000
LEASE_S = 600.0
STEPS = ("open", "claim", "begin", "record", "close", "archive", "drop")
PEOPLE = """
with new as (
  insert into promo.contact (first_name) select 'Name' from generate_series(1, {contacts}) returning contact_id
)
insert into promo.contact_channel (contact_id, type, value)
select contact_id, 'mobilepush', 'token-' || contact_id from new;
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)
  values ('codes.csv', sha256('x'), 0, 0, 0, 0, 0);
insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)
  select 'NEW-' || n, 'Bench', 10, now() + interval '60 days', false, 1, n from generate_series(1, {codes}) n
"""
YEARS = """
set session_replication_role = replica;
insert into promo.promo_code
  (promo_code_id, code, type, discount, expires_at, retired, code_file_id, line, issued_at, held_by)
overriding system value
  select {codes} + n, 'OLD-' || n, 'Bench', 10, now() - interval '300 days', false, 1, n, now() - interval '400 days',
         1 + (n - 1) % {contacts}
  from generate_series(1, {runs} * {contacts}) n;
insert into promo.run
  (run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records, opened_at, closed_at)
  select 'years/edition/' || n, 'years', '{{}}', sha256('x'), 'm', 'mobilepush', 'Bench', 10, 7, false,
         now() - interval '400 days', now() - interval '399 days'
  from generate_series(1, {runs}) n;
insert into promo.assignment (run_id, contact_id, promo_code_id, state)
  select r.run_id, c, {codes} + (r.run_id - 1) * {contacts} + c, 'accepted'
  from promo.run r cross join generate_series(1, {contacts}) c;
insert into promo.attempt
  (run_id, contact_id, promo_code_id, lease_token, started_at, finished_at, purpose, outcome)
  select run_id, contact_id, promo_code_id, run_id, now() - interval '400 days', now() - interval '400 days', 'message',
         'ok'
  from promo.assignment;
insert into promo.run_count
  (run_id, pending, skipped, assigned, sending, accepted, rejected, unknown, recorded, expired)
  select run_id, 0, 0, 0, 0, {contacts}, 0, 0, 0, 0 from promo.run;
select setval('promo.promo_code_promo_code_id_seq', (select max(promo_code_id) from promo.promo_code));
insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
  select type, discount, promo.stock_hour(expires_at), 0, count(*), 0, max(promo.json_bytes(code))
  from promo.promo_code where issued_at is not null group by 1, 2, 3;
set session_replication_role = origin;
"""


class Campaign:
    """A new run in one of the stores, and what each of its steps takes."""

    def __init__(self, connection: Connection, name: str, people: list[int], folder: Path) -> None:
        self.connection, self.people, self.key = connection, people, f"new/edition/{name}"
        self.shelf = LocalShelf(folder)
        sql = f"select contact_id from promo.contact where contact_id <= {people[-1]}"  # noqa: S608  (a number)
        self.spec = replace(SPEC, workflow="new", audience=Audience(name="some", sql=sql), data_sources=())
        self.ledger = PostgresLedger(connection)
        self.took: dict[str, float] = {}

    def play(self) -> dict[str, float]:
        """Do every step, and return what each took in microseconds a contact."""
        run = self._timed("open", lambda: open_run(self.connection, self.spec, run_key=self.key))
        parts = [self.people[first : first + BATCH] for first in range(0, len(self.people), BATCH)]
        self._timed("claim", lambda: [self.ledger.assign_codes(run.run_id, one, self.spec.codes) for one in parts])
        leases = self._timed("begin", lambda: [self._begin(run, one) for one in parts])
        self._timed("record", lambda: self._record(leases))
        self._timed("close", lambda: close_run(self.connection, run.run_id))
        due = DueRun(
            run_id=run.run_id,
            run_key=self.key,
            closed_at=self._closed_at(run),
            contacts=len(self.people),
            waits=None,
        )
        self._timed("archive", lambda: archive_run(self.connection, due, self.shelf))
        dropped = self._timed("drop", lambda: drop_archived(self.connection))
        assert dropped == (len(self.people), 1)
        return self.took

    def _begin(self, run: Run, people: list[int]) -> Lease:
        return self.ledger.begin_messages(run.run_id, people, lease_s=LEASE_S, resend_within_s=0)

    def _record(self, leases: list[Lease]) -> None:
        for lease in leases:
            told = [DeliveryResult(contact_id=to.contact_id, outcome=Outcome.OK) for to in lease.recipients]
            self.ledger.record_message_outcomes(lease, told)

    def _closed_at(self, run: Run) -> datetime:
        rows = self.connection.execute("select closed_at from promo.run where run_id = %s", [run.run_id]).fetchall()
        closed_at: datetime = rows[0]["closed_at"]
        return closed_at

    def _timed(self, step: str, do: Callable[[], Done]) -> Done:
        began = time.perf_counter()
        done = do()
        self.took[step] = (time.perf_counter() - began) * 1e6 / len(self.people)
        return done


def fill(connection: Connection, *, contacts: int, codes: int, runs: int) -> None:
    """Make contacts and free codes, and so many closed runs over all of them."""
    connection.execute(PEOPLE.format(contacts=contacts, codes=codes))
    if runs:
        connection.execute(YEARS.format(contacts=contacts, codes=codes, runs=runs))
    connection.execute("vacuum analyze")


def compare(*, runs: int, contacts: int, new: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Play new runs in both stores in turns; return what each step took, the long history's first."""
    pairs: dict[str, list[tuple[float, float]]] = {step: [] for step in STEPS}
    with (
        store_dsn() as long_dsn,
        store_dsn() as empty_dsn,
        connect(long_dsn) as long,
        connect(empty_dsn) as empty,
        tempfile.TemporaryDirectory() as folder,
    ):
        stores = (long, empty)
        for store, past in zip(stores, (runs, 0), strict=True):
            fill(store, contacts=contacts, codes=new * (rounds + 1), runs=past)
        people = list(range(1, new + 1))
        for number in range(rounds):
            took: list[dict[str, float]] = [{}, {}]
            for which in sorted((0, 1), reverse=bool(number % 2)):
                place = Path(folder) / str(which)
                took[which] = Campaign(stores[which], str(number), people, place).play()
            for step in STEPS:
                pairs[step].append((took[0][step], took[1][step]))
    return pairs


def main() -> int:
    """Compare, and keep the figures."""
    options = options_of(__doc__, runs=20, contacts=50_000, new=50_000, rounds=5)
    pairs = compare(**vars(options))
    figures = [
        Figure(
            name=step,
            value=round(median(long for long, _ in each), 1),
            unit="us/contact",
            peer="an empty store",
            ratio=median(empty / long for long, empty in each),
            least_ratio=1 / MOST_TIMES,
        )
        for step, each in pairs.items()
    ]
    return keep("years", figures, options)


if __name__ == "__main__":
    sys.exit(main())
