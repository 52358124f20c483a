"""Four workers on one rate budget for a minute, one of them killed half-way; the receiver measures.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_rate_limit.py --seconds 60 --per-s 200

Exit status 1 when an aim is missed: at least 95 % of the budget used, and never more than the budget and one batch in
any second. For as long as the receiver stands still itself, it cannot tell when calls came; that much it is allowed.
"""

from __future__ import annotations

import argparse
import sys
from bisect import bisect_left
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, keep
from promo_campaigns.http.rate_limit_port import TOKEN_BATCH_S, Budget
from promo_campaigns.postgres.embedded.server import throwaway_postgres
from promo_campaigns.postgres.migrations import migrate
from rate_limited_receiver import counting_receiver, start_workers

if TYPE_CHECKING:
    from rate_limited_receiver import Seen

LEAST_USED = 0.95
WORKERS = 4
SETTLED_S = 1.0


def figures_of(seen: Seen, trips: list[int], per_s: float, seconds: float) -> list[Figure]:
    """Return what the receiver saw, and how often the workers asked the store."""
    start, end = seen.moments[0] + SETTLED_S, seen.moments[-1] - SETTLED_S
    used = (bisect_left(seen.moments, end) - bisect_left(seen.moments, start)) / (end - start) / per_s
    allowed = per_s * (1 + TOKEN_BATCH_S + seen.stalled_s)
    return [
        Figure(
            name="used",
            value=round(used, 4),
            unit="of the budget",
            peer="the budget",
            ratio=used,
            least_ratio=LEAST_USED,
        ),
        Figure(name="busiest_second", value=seen.most_in(1.0), unit="calls", most=round(allowed)),
        Figure(name="stalled", value=round(seen.stalled_s * 1000), unit="ms that the receiver stood still itself"),
        Figure(name="trips", value=round(sum(trips) / len(trips) / seconds, 1), unit="trips a second of each worker"),
        *(
            Figure(name=f"share_{worker}", value=round(share, 3), unit="of all calls")
            for worker, share in sorted(seen.shares().items())
        ),
    ]


def main() -> int:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--per-s", type=float, default=200)
    given = parser.parse_args()
    with throwaway_postgres() as server, counting_receiver() as seen:
        dsn = server.dsn("postgres")
        migrate(dsn)
        workers = start_workers(WORKERS, dsn, seen.url, Budget(per_s=given.per_s), seconds=given.seconds)
        seen.wait_for(int(given.per_s * given.seconds / 2))
        workers.processes[0].kill()
        trips = workers.told()
    return keep("rate_limit", figures_of(seen, trips, given.per_s, given.seconds), given)


if __name__ == "__main__":
    sys.exit(main())
