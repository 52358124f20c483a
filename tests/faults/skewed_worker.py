"""A worker on a machine whose clock is wrong: run as ``python -m faults.skewed_worker SECONDS`` with a job on stdin.

The clock is set before anything of the product is imported, so that whatever asks Python for the time is misled.
"""

from __future__ import annotations

import datetime as dt
import pickle
import sys
import time

SHIFT_S = float(sys.argv[1])
_RIGHT_TIME = time.time


class _Skewed(dt.datetime):
    """Tells the wrong time."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> _Skewed:
        return cls.fromtimestamp(_RIGHT_TIME() + SHIFT_S, tz)

    @classmethod
    def utcnow(cls) -> _Skewed:
        return cls.now(dt.timezone.utc).replace(tzinfo=None)


dt.datetime = _Skewed  # type: ignore[misc]  # that is the point
time.time = lambda: _RIGHT_TIME() + SHIFT_S

from faults.kill_worker import FAILED, PASSING, do  # noqa: E402  (after the clock)

if __name__ == "__main__":
    job = pickle.load(sys.stdin.buffer)  # noqa: S301  (from the test that started this)
    print(time.time() - _RIGHT_TIME())  # noqa: T201  (shows that the clock is wrong)
    try:
        do(job)
    except PASSING:
        sys.exit(FAILED)
