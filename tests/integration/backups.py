"""A dump of a store, the store that is made of it, and a receiver that remembers what was sent in between."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from databases import database_of, new_database
from integration.test_fallback_code import SHARED
from promo_campaigns.ledger.answered_ledger import make_ledger
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run import Batch
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.embedded.binaries import find_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection


@dataclass(frozen=True)
class Backup:
    """A dump.

    :ivar taken_at: the moment that it knows last
    """

    file: Path
    taken_at: datetime
    server: str

    @contextmanager
    def restored(self) -> Iterator[tuple[str, Connection]]:
        """Restore it into a database of its own; yields its address, and a connection to it."""
        with ExitStack() as stack:
            address = database_of(self.server, stack.enter_context(new_database(self.server, "promo_restored")))
            run_program("pg_restore", f"--dbname={address}", self.file)
            yield address, stack.enter_context(connect(address))


def take_backup(store: Connection, dsn: str, server: str, folder: Path) -> Backup:
    """Dump a store."""
    file = folder / "promo.dump"
    [row] = store.execute("select promo.clock() as at").fetchall()
    run_program("pg_dump", "--format=custom", f"--file={file}", dsn)
    return Backup(file, row["at"], server)


def run_program(name: str, *words: object) -> None:
    """Run a program of Postgres."""
    subprocess.run([find_binaries().bin / name, *map(str, words)], check=True)


@dataclass
class Phone:
    """Everybody's receiver, which remembers what it took: run key, contact and code.

    :ivar took: whatever store it came from
    """

    took: list[tuple[str, int, str]] = field(default_factory=list)

    def send(self, store: Connection, run: Run, contacts: Sequence[int], outcome: Outcome = Outcome.OK) -> None:
        """Give contacts of a run codes, and send to those who are due."""
        ledger = make_ledger(store, run.spec)
        ledger.reachable_contacts(Batch(run_id=run.run_id, first=min(contacts), last=max(contacts)))
        ledger.assign_codes(run.run_id, contacts, run.spec.codes)
        lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
        if outcome is Outcome.OK:
            self.took += [(run.run_key, to.contact_id, to.code) for to in lease.recipients]
        told = [DeliveryResult(contact_id=to.contact_id, outcome=outcome) for to in lease.recipients]
        ledger.record_message_outcomes(lease, told)

    def log(self, run_key: str = "") -> list[dict[str, object]]:
        """Return what it took, as rows of a file."""
        took = [one for one in self.took if run_key in {"", one[0]}]
        return [{"run_key": key, "contact_id": contact, "code": code} for key, contact, code in took]

    def heard_once(self) -> bool:
        """Tell whether nobody was sent to twice in a run, and no code came to two contacts."""
        sends = {(key, contact) for key, contact, _ in self.took}
        owners: dict[str, set[int]] = {}
        for _, contact, code in self.took:
            owners.setdefault(code, set()).add(contact if code != SHARED.code else 0)
        return len(sends) == len(self.took) and all(len(each) == 1 for each in owners.values())
