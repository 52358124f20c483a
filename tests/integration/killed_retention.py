"""Archives old runs in a process that kills itself: ``python killed_retention.py DSN FOLDER STATEMENT``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg

from promo_campaigns.ledger.archive import old_runs
from promo_campaigns.ledger.archive.old_runs import archive_old_runs
from promo_campaigns.ledger.archive.shelf import LocalShelf
from promo_campaigns.postgres.connection import connect

DAYS = 365


def main(dsn: str, folder: str, number: str) -> None:
    setattr(old_runs, "CONTACTS_AT_ONCE", 2)  # noqa: B010  (several batches)
    left, execute = int(number), psycopg.Connection.execute

    def killing(self: Any, *asked: Any, **how: Any) -> Any:  # noqa: ANN401  (a driver's)
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, *asked, **how)

    with connect(dsn) as connection:
        setattr(psycopg.Connection, "execute", killing)  # noqa: B010  (every statement of the ledger is one)
        archive_old_runs(connection, DAYS, LocalShelf(Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
