"""What partitions would bring: today's tables beside a store whose ledger and codes are partitioned, as history grows.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_partitions.py --shortest 200000 --longest 4000000

Two stores of the same history: closed runs over the same contacts, a code, an assignment and two attempts each. One has
today's tables; in the other the assignments and attempts of each campaign are a partition, and the codes four by a hash
of type and discount (``--codes 0`` leaves them whole). At three lengths of the history both claim, begin, record and
close new runs of so many contacts, in turns, through the product's own code; at last each removes its oldest run.
PROMO_TEST_DSN names a server, else one is started for each store, with durable commits.

The figures are for docs/scale.md. Exit status 1 when the aim is missed: today's tables cost at the longest history at
most 1.5 times as much a step as at the shortest.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.bench_send_path import SPEC, options_of, store_dsn
from benchmarks.figures import Figure, keep
from benchmarks.partitioned_store import SQL, add_partition, partition_ledger, partition_of, told_the_run
from promo_campaigns.ledger.invariants import require_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_spec import Audience, CodeRequest
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

POOLS = 4
MOST_TIMES = 1.5
LEASE_S = 600.0
STEPS = ("open", "claim", "begin", "record", "check")
NEW_RUNS = 1_000
"""So many ids of runs are kept for the new ones at each length of the history."""


@dataclass
class Store:
    """A store of either kind, and what its steps took: seconds by step and length of the history."""

    connection: Connection
    is_cut: bool
    contacts: int
    history: int = 0
    codes: int = 0
    next_run: int = 1
    took: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    wal: dict[tuple[str, int], list[int]] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Take the time and the log's bytes of a step."""
        before, began = self.written(), time.perf_counter()
        yield
        self.took.setdefault((name, self.history), []).append(time.perf_counter() - began)
        self.wal.setdefault((name, self.history), []).append(self.written() - before)

    def written(self) -> int:
        """Return how far the write-ahead log has come."""
        return self.number("written")

    def number(self, query: str, **parameters: object) -> int:
        """Return the one number that a statement of partitions.sql reads."""
        row = self.connection.execute(SQL[query], parameters).fetchone()
        return int(row["bytes"]) if row else 0

    def median_s(self, step: str, history: int) -> float:
        """Return the median of a step's rounds."""
        return median(self.took[step, history])

    def bytes_of(self, table: str) -> int:
        """Return the size of a table and its indexes."""
        return self.number("sizes", table=f"promo.{table}")


def grow(store: Store, history: int, free: int) -> None:
    """Add closed runs until so many contacts are in the history, and free codes behind them."""
    connection, runs = store.connection, (history - store.history) // store.contacts
    connection.execute("set session_replication_role = replica")
    first, last = store.next_run, store.next_run + runs - 1
    add_codes(store, issued=runs * store.contacts, free=free)
    connection.execute(SQL["runs"], {"first": first, "last": last})
    for number, run_id in enumerate(range(first, last + 1)):
        if store.is_cut:
            add_partition(connection, run_id, run_id)
        whose = {"run_id": run_id, "contacts": store.contacts, "codes": store.codes + number * store.contacts}
        connection.execute(SQL["assignments"], whose)
        connection.execute(SQL["attempts"], whose)
    if store.is_cut:
        add_partition(connection, last + 1, last + NEW_RUNS)
    connection.execute(SQL["sequences"], {"run_id": last})
    connection.execute("set session_replication_role = origin")
    store.history, store.next_run = history, last + NEW_RUNS + 1
    store.codes += runs * store.contacts + free
    connection.execute("vacuum analyze")


def add_codes(store: Store, *, issued: int, free: int) -> None:
    """Add codes that were issued, and free ones."""
    terms = {
        "first": store.codes,
        "last": store.codes + issued + free,
        "issued": store.codes + issued,
        "contacts": store.contacts,
        "pools": POOLS,
    }
    store.connection.execute(SQL["codes"], terms)
    store.connection.execute(SQL["stock"], terms)


def one_run(store: Store, number: int, contacts: int) -> None:
    """Take a new run of so many contacts through its steps."""
    connection, ledger = store.connection, PostgresLedger(store.connection)
    audience = Audience(name="some", sql=SQL["some"].format(contacts=contacts))
    codes = CodeRequest(type="Pool0", discount=10, days=7)
    spec = replace(SPEC, audience=audience, codes=codes, data_sources=())
    connection.execute("checkpoint")
    people = list(range(1, contacts + 1))
    with store.step("open"):
        run = open_run(connection, spec, run_key=f"bench/{store.history}/{number}")
    with store.step("claim"):
        assert len(ledger.assign_codes(run.run_id, people, codes)) == contacts
    with store.step("begin"):
        lease = ledger.begin_messages(run.run_id, people, lease_s=LEASE_S, resend_within_s=0.0)
    assert len(lease.recipients) == contacts
    results = [DeliveryResult(contact_id=who, outcome=Outcome.OK, detail="") for who in people]
    with store.step("record"):
        ledger.record_message_outcomes(lease, results)
    with store.step("check"):
        close_run(connection, run.run_id)
        require_invariants(connection, run.run_id)


def retire(store: Store) -> None:
    """Get rid of the oldest run: rows are deleted and vacuumed away, partitions are dropped."""
    store.connection.execute("set session_replication_role = replica")  # today no statement may remove evidence
    store.connection.execute("checkpoint")
    with store.step("retire"):
        for table in ("attempt", "assignment"):
            if store.is_cut:
                store.connection.execute(f"drop table {partition_of(table, 1)}")
            else:
                store.connection.execute(SQL[f"delete_{table}s"], {"run_id": 1})
                store.connection.execute(f"vacuum promo.{table}")
    store.connection.execute("set session_replication_role = origin")


def measure(stores: tuple[Store, Store], lengths: list[int], options: argparse.Namespace) -> None:
    """Let both histories grow, and measure new runs at each length, each store going first in every other round."""
    sys.stdout.write(f"{'step':8}{'history':>12}{'today':>12}{'cut':>12}  us a contact\n")
    for history in lengths:
        for store in stores:
            grow(store, history, POOLS * options.contacts * (options.rounds + 1))
        for number in range(options.rounds + 1):
            for store in sorted(stores, key=lambda each: each.is_cut, reverse=bool(number % 2)):
                with told_the_run() if store.is_cut else nullcontext():
                    one_run(store, number, options.contacts)
        for store in stores:  # the first round has read the pages that vacuum had not left in memory
            for step in STEPS:
                del store.took[step, history][0], store.wal[step, history][0]
        tell(stores, history, options.contacts)


def figures_of(today: Store, cut: Store, lengths: list[int], contacts: int) -> list[Figure]:
    """Return what each step takes at the longest history: today beside the shortest, and partitioned beside today."""
    shortest, longest = lengths[0], lengths[-1]
    figures = []
    for step in STEPS:
        then_s, now_s = today.median_s(step, shortest), today.median_s(step, longest)
        peers = (
            (f"today_{step}", now_s, then_s, f"{shortest:,} in the history", 1 / MOST_TIMES),
            (f"cut_{step}", cut.median_s(step, longest), now_s, "today's tables", None),
        )
        figures += [
            Figure(
                name=name,
                value=round(seconds / contacts * 1e6, 1),
                unit="us a contact",
                peer=peer,
                ratio=peer_s / seconds,
                least_ratio=least,
            )
            for name, seconds, peer_s, peer, least in peers
        ]
    return figures


def retirement_figures(today: Store, cut: Store, longest: int) -> list[Figure]:
    """Return what the end of the oldest run takes, in seconds and in bytes of the log."""
    (deleted_s,), (dropped_s,) = today.took["retire", longest], cut.took["retire", longest]
    (deleted,), (dropped,) = today.wal["retire", longest], cut.wal["retire", longest]
    peer, ratio = "today's tables", deleted_s / dropped_s
    return [
        Figure(name="today_retire", value=round(deleted_s, 2), unit="s to delete a run and vacuum"),
        Figure(name="cut_retire", value=round(dropped_s, 3), unit="s to drop it", peer=peer, ratio=ratio),
        Figure(name="today_retire_log", value=deleted, unit="bytes of log"),
        Figure(name="cut_retire_log", value=dropped, unit="bytes of log"),
    ]


def byte_figures(store: Store, name: str, longest: int, contacts: int) -> list[Figure]:
    """Return the bytes of a contact, on disk and in the log."""
    rows = {"assignment": longest, "attempt": longest, "promo_code": store.codes}
    units = {"assignment": "bytes a contact", "attempt": "bytes a contact", "promo_code": "bytes a code"}
    sizes = [
        Figure(name=f"{name}_{table}", value=round(store.bytes_of(table) / count), unit=units[table])
        for table, count in rows.items()
    ]
    log = sum(median(store.wal[step, longest]) for step in STEPS) / contacts
    return [*sizes, Figure(name=f"{name}_log", value=round(log), unit="bytes of log a contact, its message alone")]


def tell(stores: tuple[Store, Store], history: int, contacts: int) -> None:
    """Print every step at a length of the history: the run as a whole takes minutes."""
    for step in STEPS:
        today, cut = (store.median_s(step, history) / contacts * 1e6 for store in stores)
        sys.stdout.write(f"{step:8}{history:>12,}{today:>12.1f}{cut:>12.1f}\n")
    sys.stdout.flush()


def main() -> int:
    """Compare, and keep the figures."""
    options = options_of(__doc__, shortest=100_000, longest=1_000_000, past=50_000, contacts=10_000, rounds=5, codes=1)
    middle = int((options.shortest * options.longest) ** 0.5) // options.past * options.past
    lengths = sorted({options.shortest, middle, options.longest})
    with store_dsn() as one, store_dsn() as other, connect(one) as whole, connect(other) as parted:
        partition_ledger(parted, codes=bool(options.codes))
        stores = (Store(whole, is_cut=False, contacts=options.past), Store(parted, is_cut=True, contacts=options.past))
        for store in stores:
            store.connection.execute(SQL["people"], {"contacts": options.past})
            store.connection.execute(SQL["file"])
        measure(stores, lengths, options)
        figures = figures_of(*stores, lengths, options.contacts)
        for store, name in zip(stores, ("today", "cut"), strict=True):
            figures += byte_figures(store, name, options.longest, options.contacts)
        for store in stores:
            retire(store)
        figures += retirement_figures(*stores, options.longest)
    return keep("partitions", figures, options)


if __name__ == "__main__":
    sys.exit(main())
