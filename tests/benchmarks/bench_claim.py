"""Claiming codes from a large pool, against the same claim from a small one.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_claim.py --codes 2000000 --than 200000

Two stores, each with one pool of free codes whose dates are spread over two years. In each round both give so many
contacts of a run of their own their codes, as the Get promo code block does, each store going first in every other
round; the median of the rounds' ratios counts. PROMO_TEST_DSN names a server, else one is started for each store, with
durable commits. The proof is ``--codes 20000000``.

Exit status 1 when the aim is missed: at most 1.5 times the time of the small pool.
"""

from __future__ import annotations

import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.bench_send_path import SPEC, options_of, store_dsn
from benchmarks.figures import Figure, keep
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import open_run
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

MOST_TIMES = 1.5
FILL = """
set session_replication_role = replica;
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)
  values ('codes.csv', sha256('x'), 0, 0, 0, 0, 0);
insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)
  select 'CODE-' || n, 'Bench', 10, now() + interval '8 days' + n * (interval '2 years' / {codes}), false, 1, n
  from generate_series(1, {codes}) n;
insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
  select type, discount, promo.stock_hour(expires_at), count(*), 0, 0, max(promo.json_bytes(code))
  from promo.promo_code group by 1, 2, 3;
set session_replication_role = origin;
"""
PEOPLE = """
with new as (insert into promo.contact (first_name) select 'Name' from generate_series(1, %s) returning contact_id)
insert into promo.contact_channel (contact_id, type, value)
select contact_id, 'mobilepush', 'token-' || contact_id from new
"""


def fill(connection: Connection, codes: int, contacts: int) -> list[int]:
    """Make a pool of so many codes and return so many contacts."""
    connection.execute(FILL.format(codes=codes))
    connection.execute(PEOPLE, [contacts])
    connection.execute("vacuum analyze")
    rows = connection.execute("select contact_id from promo.contact order by contact_id").fetchall()
    return [int(row["contact_id"]) for row in rows]


def claim_s(connection: Connection, people: list[int], number: int) -> float:
    """Give everybody a code of a new run; return how long that took."""
    run = open_run(connection, SPEC, run_key=f"bench/edition/{number}")
    connection.execute("checkpoint")
    began = time.perf_counter()
    assigned = PostgresLedger(connection).assign_codes(run.run_id, people, SPEC.codes)
    took = time.perf_counter() - began
    assert len(assigned) == len(people)
    return took


def compare(sizes: tuple[int, int], contacts: int, rounds: int) -> list[tuple[float, float]]:
    """Claim from both pools in turns; return what each round took, the large pool's time first."""
    pairs = []
    with store_dsn() as large_dsn, store_dsn() as small_dsn, connect(large_dsn) as large, connect(small_dsn) as small:
        stores = (large, small)
        people = [fill(store, codes, contacts) for store, codes in zip(stores, sizes, strict=True)]
        for number in range(rounds):
            took = [0.0, 0.0]
            for which in sorted((0, 1), reverse=bool(number % 2)):
                took[which] = claim_s(stores[which], people[which], number)
            pairs.append((took[0], took[1]))
    return pairs


def main() -> int:
    """Compare, and keep the figures."""
    options = options_of(__doc__, codes=2_000_000, than=200_000, contacts=10_000, rounds=7)
    if options.contacts * options.rounds > options.than:
        sys.stderr.write("The small pool has too few codes: --contacts times --rounds must not exceed --than.\n")
        return 2
    pairs = compare((options.codes, options.than), options.contacts, options.rounds)
    large_s, small_s = (median(each) for each in zip(*pairs, strict=True))
    figures = [
        Figure(name="small_pool", value=round(options.contacts / small_s), unit="codes/s"),
        Figure(
            name="large_pool",
            value=round(options.contacts / large_s),
            unit="codes/s",
            peer="the small pool",
            ratio=median(small / large for large, small in pairs),
            least_ratio=1 / MOST_TIMES,
        ),
    ]
    return keep("claim", figures, options)


if __name__ == "__main__":
    sys.exit(main())
