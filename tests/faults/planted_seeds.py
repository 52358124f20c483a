"""Schedules that find the planted bugs, so that they need not be searched for in every test run.

One that finds nothing any more, because the product or the harness draws otherwise now, costs time and nothing else:
the search goes on with fresh seeds.
"""

from __future__ import annotations

SEEDS: dict[str, tuple[int, ...]] = {
    "an unknown send gives its code back": (2_000_006,),
    "accepted before the call": (2_000_000,),
    "the intent is not committed": (2_000_000,),
    "a new key each try": (2_000_000,),
    "the run key is Airflow's run id": (2_000_000,),
    "an unknown send is sent again though the receiver has no keys": (2_000_046,),
    "the receiver's window is ignored": (2_000_128,),
    "profiles are written on an unknown send": (2_000_014,),
    "expiry is never checked": (2_000_010,),
    "expiry is checked before the first attempt only": (2_000_172,),
    "calls begin after their deadline": (2_000_010,),
    "the deadline is counted from after the intent": (2_000_042,),
    "a refusal after an unknown outcome gives the code back": (2_000_086,),
    "a late ok is dropped": (2_000_026,),
    "runs share codes": (2_000_000,),
    "a lapsed lease is simply tried again": (2_000_046,),
    "a lapsed lease is never folded": (2_000_003,),
    "a lease is shorter than its calls": (2_000_003,),
    "a refused code is not given back": (2_000_002,),
    "unknown sends are reopened with the missing": (2_000_014,),
    "a late refusal for now leaves a send unknown for ever": (2_000_026,),
    "a closed run stays closed while its unknown sends are sent again": (2_000_022,),
    "unsubscribed contacts are never recorded": (2_000_016,),
    "each of two workers takes as many as both may": (2_000_006,),
    "the run key leaves its workflow out": (2_000_004,),
    "the mode of a re-run is ignored": (2_000_001,),
    "a data source is asked under a new key each try": (2_000_000,),
    "a code that a data source was told goes back to the pool": (2_000_030,),
    "a code that was told goes back when it is too late": (2_000_003,),
    "a code that was told is exchanged": (2_000_010,),
    "a data source is asked about two codes under one key": (2_000_415,),
    "a message does not wait for its answer": (2_000_042,),
    "answered contacts are asked for again": (2_000_003,),
    "a run is closed while somebody is in flight": (2_000_003,),
    "a refusal frees a code that another run gave too": (1_000_006,),
    "a code is given again and not counted": (2_000_006,),
    "contacts an answer names as refused are recorded": (2_000_084,),
    "contacts an answer does not name are recorded": (2_000_244,),
    "an unknown send does not count towards the cap": (2_000_000,),
    "a code that is about to be sent does not count towards the cap": (2_000_015,),
    "the HTTP client repeats what is idempotent": (2_000_022,),
    "a halted run goes on": (2_000_137,),
    "a cancelled run gives back what may have arrived": (2_000_088,),
    "others do not wait for the first share": (2_000_004,),
}
