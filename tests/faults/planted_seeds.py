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
    "the receiver's window is ignored": (1_000_234,),
    "profiles are written on a doubt": (1_000_002,),
    "expiry is never checked": (1_000_012,),
    "expiry is checked before the first attempt only": (1_000_093,),
    "calls begin after their deadline": (1_000_005,),
    "the deadline is counted from after the intent": (1_000_005,),
    "a refusal after a doubt gives the code back": (1_000_002,),
    "two may lease one contact": (
        1_000_224,
        1_003_077,
    ),
    "a late ok is dropped": (1_000_015,),
    "runs share codes": (1_000_000,),
    "a lapsed lease is simply tried again": (1_000_013,),
    "a lapsed lease is never folded": (1_000_002,),
    "a lease is shorter than its calls": (1_000_003,),
    "a refused code is not given back": (1_000_001,),
    "doubts are reopened with the missing": (1_000_002,),
    "a late refusal for now leaves a doubt for ever": (1_000_015,),
    "a closed run stays closed while its doubts are sent again": (1_000_252,),
    "whoever unsubscribed is never recorded": (1_000_032,),
    "each of two lanes takes as many as both may": (1_000_004,),
    "a run is closed while somebody is in flight": (1_000_015,),
    "a refusal frees a code that another run gave too": (1_000_006,),
    "a code is given again and not counted": (1_000_003,),
}
