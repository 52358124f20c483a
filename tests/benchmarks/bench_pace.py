"""Four workers on one rate budget for a minute, one of them killed half-way; the receiver measures.

    python tests/benchmarks/bench_pace.py --seconds 60 --per-s 200

Exit status 1 when an aim is missed: at least 95 % of the budget used, and never more than the budget and one slice in
any second. For as long as the receiver stands still itself, it cannot tell when calls came; that much it is allowed.
"""

from __future__ import annotations

import argparse
import json
import sys
from bisect import bisect_left

from paced import counting_receiver, start_workers
from promo_campaigns.adapters.embedded_postgres import throwaway_postgres
from promo_campaigns.adapters.migrations import migrate
from promo_campaigns.core.pace import SLICE_S, Budget

LEAST_USED = 0.95
WORKERS = 4
SETTLED_S = 1.0


def main() -> int:
    """Measure, print, and judge."""
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
    start, end = seen.moments[0] + SETTLED_S, seen.moments[-1] - SETTLED_S
    used = (bisect_left(seen.moments, end) - bisect_left(seen.moments, start)) / (end - start) / given.per_s
    most = seen.most_in(1.0)
    allowed = given.per_s * (1 + SLICE_S + seen.stalled_s)
    figures = {
        "used": round(used, 4),
        "aim, at least": LEAST_USED,
        "most in one second": most,
        "aim, at most": round(allowed),
        "the receiver stood still for, ms": round(seen.stalled_s * 1000),
        "the store was asked by each worker, times a second": round(sum(trips) / len(trips) / given.seconds, 1),
        "shares": {worker: round(share, 3) for worker, share in sorted(seen.shares().items())},
    }
    print(json.dumps(figures, indent=2))  # noqa: T201  (the figures are what it is for)
    return 0 if used >= LEAST_USED and most <= allowed else 1


if __name__ == "__main__":
    sys.exit(main())
