"""Postgres' own recovery to a moment, by base backup and archived log: what came after is not sent again."""

from __future__ import annotations

import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from integration.backups import Phone, run_program
from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome, states
from integration.test_restores import decision, reconcile
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.contacts.load import load_contact_file
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.restores.restoring import say_restored
from promo_campaigns.model.errors import RunHaltedError
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.embedded.server import EmbeddedPostgres
from promo_campaigns.postgres.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE_ONLY = replace(SPEC, data_sources=())
ANNA = b"externalId,firstName\nC-1,Anna\n"


class Archived:
    """A server whose log is archived.

    :ivar server: it keeps its folder, and is another one after a recovery
    """

    def __init__(self, folder: Path) -> None:
        self._archive, self._base = folder / "archive", folder / "base"
        self.server = EmbeddedPostgres(folder / "server", tied=True)
        self.server.start()
        self._owner = self._data.stat()
        self._archive.mkdir()
        self._own(self._archive)
        self._set({"archive_mode": "on", "archive_command": f"cp %p {self._archive}/%f"})
        self.server.stop()
        self.server.start()
        migrate(self.server.dsn())

    def back_up(self) -> None:
        """Copy the whole server as Postgres' own program does."""
        address = self.server.dsn("postgres")
        run_program(
            "pg_basebackup", f"--dbname={address}", f"--pgdata={self._base}", "--wal-method=fetch", "--checkpoint=fast"
        )

    def recover(self, moment: object) -> None:
        """Lose the server, and bring it back to a moment."""
        with connect(self.server.dsn("postgres")) as connection:
            connection.execute("select pg_switch_wal()")
        self.server.stop()  # which archives what is left
        shutil.rmtree(self._data)
        shutil.move(self._base, self._data)
        wanted = {
            "archive_mode": "off",
            "hot_standby": "off",  # nobody is let in before it is done
            "restore_command": f"cp {self._archive}/%f %p",
            "recovery_target_time": str(moment),
            "recovery_target_action": "promote",
        }
        with (self._data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in wanted.items())
        (self._data / "recovery.signal").touch()
        for path in (self._data, *self._data.rglob("*")):
            self._own(path)
        self.server.start()

    @property
    def _data(self) -> Path:
        return Path(json.loads((self.server.directory / "server.json").read_text(encoding="utf-8"))["data"])

    def _own(self, path: Path) -> None:
        """Give a path to the account of the server."""
        os.chown(path, self._owner.st_uid, self._owner.st_gid)

    def _set(self, settings: dict[str, str]) -> None:
        with connect(self.server.dsn("postgres")) as connection:
            for name, value in settings.items():
                connection.execute(f"alter system set {name} = '{value}'".encode())


@pytest.fixture
def archived() -> Iterator[Archived]:
    """Return such a server, in a folder that its account may enter."""
    with TemporaryDirectory(prefix="promo-archived-") as name:
        Path(name).chmod(0o755)
        archived = Archived(Path(name))
        yield archived
        archived.server.remove()


def test_what_was_sent_after_the_moment_is_not_sent_again(archived: Archived) -> None:
    phone = Phone()
    with connect(archived.server.dsn()) as store:
        load_contact_file(store, io.BytesIO(ANNA), file="contacts.csv")
        erase_contact(store, 1)
        contacts = add_contacts(store, 9)
        add_codes(store, 20)
        run = open_welcome(store, spec=MESSAGE_ONLY)
        archived.back_up()
        phone.send(store, run, contacts[:3])
        PostgresLedger(store).assign_codes(run.run_id, contacts[3:5], CODES)
        [row] = store.execute("select clock_timestamp() as at").fetchall()
        phone.send(store, run, contacts[3:7])
        erase_contact(store, contacts[8])
    archived.recover(row["at"])
    with connect(archived.server.dsn()) as store:
        say_restored(store, row["at"], by="anna")
        assert states(store, run) == {"accepted": 3, "unknown": 2, "pending": 4}
        assert check_invariants(store) == []
        with pytest.raises(RunHaltedError):
            phone.send(store, run, contacts)
        assert load_contact_file(store, io.BytesIO(ANNA), file="contacts.csv").rejected == 1
        erase_contact(store, contacts[8])  # which the store has forgotten
        assert reconcile(store, phone.log()).accepted == 4
        decision(store)
        add_codes(store, 5, prefix="NEW")
        phone.send(store, run, contacts)
        assert states(store, run) == {"accepted": 8, "skipped": 1}
        assert check_invariants(store) == []
    assert phone.heard_once()
    assert len(phone.took) == 8
