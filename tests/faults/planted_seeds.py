"""Schedules that find the planted bugs, so that they need not be searched for in every test run.

One that finds nothing any more, because the product or the harness draws otherwise now, costs time and nothing else:
the search goes on with fresh seeds.
"""

from __future__ import annotations

SEEDS: dict[str, tuple[int, ...]] = {
    "a doubt gives its code back": (1_000_002,),
    "accepted before the call": (1_000_000,),
    "the intent is not committed": (1_000_000,),
    "a new key each try": (1_000_003,),
    "the run key is Airflow's run id": (1_000_000,),
    "a doubt is sent again though the receiver has no keys": (1_000_013,),
    "profiles are written on a doubt": (1_000_002,),
    "expiry is checked before the first attempt only": (1_000_093,),
    "the deadline is counted from after the intent": (1_000_005,),
}
