"""What an opening, an End and a look at the stock cost beside a large store: the kept counts, in milliseconds.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_counts.py --codes 20000000 --pending 500000 --runs 100000

The store is made by set-based SQL: one pool of so many codes whose dates are spread over two years, an open run of so
many pending contacts, and so many closed runs. Each figure is the median of 21 reads, in turn with the same read in a
store of a hundredth of the size. PROMO_TEST_DSN names a server, else one is started.

The defaults are a tenth of these sizes, or a little more.

Exit status 1 when an aim is missed: 20 ms each.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.bench_send_path import options_of, store_dsn
from benchmarks.figures import Figure, keep
from promo_campaigns.code_files.stock import stock
from promo_campaigns.code_files.stock_levels import StockLevel, read_levels
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.ledger.stock_forecast import weigh
from promo_campaigns.model.run_spec import CodeRequest
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.postgres.connection import Connection

AIM_MS = 20.0
ROUNDS = 21
LESS = 100
POOL = CodeRequest(type="Welcome", discount=10, days=7)

FILL = """
set session_replication_role = replica;
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)
  values ('codes.csv', sha256('x'), 0, 0, 0, 0, 0);
insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line, issued_at, held_by)
  select 'CODE-' || n, 'Welcome', 10, now() + interval '1 day' + n * (interval '2 years' / {codes}), false, 1, n,
         case when n % 4 = 0 then now() end, case when n % 4 = 0 then n end
  from generate_series(1, {codes}) n;
insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
  select type, discount, promo.stock_hour(expires_at), count(*) filter (where issued_at is null), count(issued_at), 0,
         max(promo.json_bytes(code))
  from promo.promo_code group by 1, 2, 3;
insert into promo.run (run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records,
                       closed_at)
  select 'run/' || n, 'w', '{{}}', sha256('x'), 'm', 'mobilepush', 'Welcome', 10, 7, false,
         case when n < {runs} then now() end
  from generate_series(1, {runs}) n;
insert into promo.contact (first_name) select 'Name' from generate_series(1, {pending});
insert into promo.contact_channel (contact_id, type, value)
  select n, 'mobilepush', 'token-' || n from generate_series(1, {pending}) n;
insert into promo.assignment (run_id, contact_id, needs_code)
  select {runs}, n, true from generate_series(1, {pending}) n;
insert into promo.code_demand (run_id, codes) values ({runs}, {pending});
set session_replication_role = origin;
"""


def reads(connection: Connection, runs: int) -> dict[str, Callable[[], object]]:
    """Return what is measured, by name."""
    levels = [StockLevel("Welcome", "warning", 1_000)]
    return {
        "weigh": lambda: weigh(connection, POOL),
        "report": lambda: read_report(connection, runs - 1),
        "stock": lambda: stock(connection),
        "levels": lambda: read_levels(connection, levels),
    }


def measure(connections: dict[str, Connection], runs: dict[str, int]) -> dict[tuple[str, str], float]:
    """Return the median of each read in each store, in milliseconds, by the read's name and the store's."""
    taken: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for size, connection in connections.items():
            for name, read in reads(connection, runs[size]).items():
                begun = time.perf_counter()
                read()
                taken.setdefault((name, size), []).append(1000 * (time.perf_counter() - begun))
    return {what: statistics.median(each) for what, each in taken.items()}


def figures_of(taken: dict[tuple[str, str], float]) -> list[Figure]:
    """Return a figure for each read of the large store, beside the same read of the small one."""
    return [
        Figure(
            name=name,
            value=round(ms, 2),
            unit="ms",
            peer=f"a store of a {LESS}th of the size",
            ratio=taken[name, "small"] / ms,
            most=AIM_MS,
        )
        for (name, size), ms in taken.items()
        if size == "large"
    ]


def fill(connection: Connection, **sizes: int) -> None:
    """Make the store's rows behind the ledger's back."""
    connection.execute(FILL.format(**sizes))
    connection.execute("vacuum analyze")


def main() -> int:
    """Measure, and keep the figures."""
    options = vars(options_of(__doc__, codes=2_000_000, pending=200_000, runs=20_000))
    small = {name: max(2, size // LESS) for name, size in options.items()}
    with store_dsn() as large_dsn, store_dsn() as small_dsn, connect(large_dsn) as large, connect(small_dsn) as little:
        fill(large, **options)
        fill(little, **small)
        taken = measure({"large": large, "small": little}, {"large": options["runs"], "small": small["runs"]})
    return keep("counts", figures_of(taken), options)


if __name__ == "__main__":
    sys.exit(main())
