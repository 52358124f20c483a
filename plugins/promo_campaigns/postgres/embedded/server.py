"""A Postgres server of our own in a folder: made on first use, started, found again and stopped.

It listens on 127.0.0.1 only, behind a random password. Its folder holds ``server.json`` (how to reach it, readable
by its owner only), ``server.log`` and the data in ``data-<major>``.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from promo_campaigns.model.errors import ServerError
from promo_campaigns.postgres.embedded.account import Account, home_of_data, scratch_folder, server_account
from promo_campaigns.postgres.embedded.binaries import SETTING, PostgresBinaries, find_binaries
from promo_campaigns.postgres.embedded.cluster import Secret, make_cluster
from promo_campaigns.postgres.embedded.processes import command_line, dies_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASES = ("airflow", "promo")
USER = "promo"

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_RETRY_SECONDS = 20.0
_POLL_SECONDS = 0.05

_SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",  # its path may be too long, and other accounts may reach it
    "max_connections=200",
    "timezone=UTC",
    "logging_collector=off",
    # A statement or a detail line in the log could hold a code or an address.
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
)
_PASSING_PROBLEMS = (
    "shared memory block",  # after a kill, until the last of the old server's processes has noticed
    'lock file "postmaster.pid"',  # the same, until the kernel has buried it
    "TCP/IP sockets",  # somebody took the port since it was found free
)
_THROWAWAY_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class _Place:
    """What ``server.json`` keeps."""

    port: int
    password: str = field(repr=False)
    data: str


class EmbeddedPostgres:
    """One server in one folder.

    :param directory: its folder; made when missing
    :param durable: False for data that nobody will miss, which is faster
    :param tied: True to have the kernel stop the server when the process that started it ends, where it can
    """

    def __init__(self, directory: Path, *, durable: bool = True, tied: bool = False) -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "server.log"
        self._place_file = self.directory / "server.json"
        self._durable = durable
        self._tied = tied
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until its databases accept connections; one that runs already is kept.

        :raises ServerError: it cannot be made or started; the message says why and where its log is
        """
        with self._alone():
            place = self._adopt()
            if place is None:
                place = self._launch()
            for database in DATABASES:
                self._create_database(place, database)

    def stop(self) -> None:
        """Stop the server cleanly and wait until it is gone; nothing happens when it does not run."""
        if not self.directory.is_dir():
            return
        with self._alone():
            place = self._read_place()
            if place is not None:
                self._stop(place)

    def remove(self) -> None:
        """Stop the server and delete its data for good."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(scratch_folder(self.directory), ignore_errors=True)

    def is_running(self) -> bool:
        """Tell whether the server of this folder accepts connections."""
        place = self._read_place()
        return place is not None and self._postmaster(place) != 0 and _accepts(place)

    def dsn(self, database: str = "promo") -> str:
        """Return the address of one of its databases, password included.

        :raises ServerError: it was never started
        """
        place = self._read_place()
        if place is None:
            message = f"There is no Postgres in {self.directory}. Start it: promo db start --dir {self.directory}"
            raise ServerError(message)
        return _dsn(place, database)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time start or stop the server."""
        self._make_directory()
        try:
            held = (self.directory / "lock").open("a")
        except PermissionError:
            raise ServerError(self._foreign()) from None
        with held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def _make_directory(self) -> None:
        if not self.directory.is_dir():
            self.directory.mkdir(parents=True)
            self.directory.chmod(0o755)  # the server's account must get through; every file in it guards itself

    def _read_place(self) -> _Place | None:
        try:
            return _Place(**json.loads(self._place_file.read_text()))
        except FileNotFoundError:
            return None
        except PermissionError:
            raise ServerError(self._foreign()) from None

    def _foreign(self) -> str:
        return f"{self.directory} belongs to another account. Use the account that made it, or another folder"

    def _write_place(self, place: _Place) -> None:
        partial = self._place_file.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.chmod(0o600)
        partial.write_text(json.dumps(asdict(place)))
        partial.replace(self._place_file)

    def _adopt(self) -> _Place | None:
        """Return the place of a server that runs, once it accepts connections; None when there is none.

        One that is recovering is waited for, and so is the end of one that is stopping.
        """
        place = self._read_place()
        deadline = time.monotonic() + _START_SECONDS
        while place is not None and self._postmaster(place):
            if _accepts(place):
                return place
            if time.monotonic() > deadline:
                raise ServerError(self._silent())
            time.sleep(_POLL_SECONDS)
        return None

    def _silent(self) -> str:
        return f"Postgres runs but accepts no connection after {_START_SECONDS:.0f} s. Its log is {self.log}"

    def _launch(self) -> _Place:
        """Make the data folder if it is missing, and start a server on it."""
        known = self._read_place()
        account = server_account(Path(known.data) if known else self.directory / "data")
        binaries = find_binaries()
        home = home_of_data(self.directory, account, made=Path(known.data) if known else None)
        if not account.can_run(binaries.bin / "postgres"):
            binaries = binaries.copied_to(home)
        known = self._prepare(known, binaries, account, home / f"data-{binaries.major}")
        deadline = time.monotonic() + _RETRY_SECONDS
        while True:
            place = replace(known, port=_free_port(known.port))
            self._write_place(place)
            problem = self._try_launch(binaries, account, place)
            if not problem:
                return place
            if time.monotonic() > deadline or not any(passing in problem for passing in _PASSING_PROBLEMS):
                message = f"Postgres did not start: {problem}. Its log is {self.log}"
                raise ServerError(message)
            time.sleep(_POLL_SECONDS * 10)

    def _prepare(self, known: _Place | None, binaries: PostgresBinaries, account: Account, data: Path) -> _Place:
        """Return the place of a cluster at ``data``, made now unless it is there."""
        if known and known.data != str(data) and Path(known.data).exists():
            message = (
                f"The data of {self.directory} is in {known.data}, and the programs found are Postgres "
                f"{binaries.major}. Set {SETTING} to the programs it was made with, or use another folder"
            )
            raise ServerError(message)
        if not known and data.exists():
            self._set_aside(data)
        if not known or known.data != str(data):
            known = _Place(0, secrets.token_urlsafe(24), str(data))
        if not data.exists():
            self._write_place(known)  # first, or an interruption would leave a cluster whose password nobody has
            make_cluster(binaries, account, data, Secret(USER, known.password), durable=self._durable)
        return known

    def _set_aside(self, data: Path) -> None:
        """Keep data whose password went with the folder that was deleted, where it is in nobody's way.

        :raises ServerError: a server runs on it
        """
        if process := self._postmaster(_Place(0, "", str(data))):
            message = (
                f"{self.directory} was deleted while its Postgres ran on {data}. Stop that first: kill -INT {process}"
            )
            raise ServerError(message)
        data.rename(data.with_name(f"{data.name}-left-{secrets.token_hex(4)}"))

    def _try_launch(self, binaries: PostgresBinaries, account: Account, place: _Place) -> str:
        """Start the server once; return why it ended at once, or nothing when it lives on."""
        settings = _SETTINGS if self._durable else _SETTINGS + _THROWAWAY_SETTINGS
        command = [str(binaries.bin / "postgres"), "-D", place.data, "-p", str(place.port)]
        for setting in settings:
            command += ["-c", setting]
        tie = dies_with_parent(signal.SIGINT) if self._tied else None
        if self._child is not None:
            self._child.wait(_STOP_SECONDS)  # killed a moment ago, or there would be no launch
        self.log.touch(mode=0o600)
        seen = self.log.stat().st_size
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603  (the programs found above)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal is for the one who started us to handle
                preexec_fn=tie,  # noqa: PLW1509  (a prctl call only, and servers are started before any thread)
                **account.process_options(),
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                return _reason(self.log, seen)
            if _accepts(place):
                return ""
            time.sleep(_POLL_SECONDS)
        raise ServerError(self._silent())

    def _create_database(self, place: _Place, name: str) -> None:
        with psycopg.connect(_dsn(place, "postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _postmaster(self, place: _Place) -> int:
        """Return the process number of the server on this data, 0 when there is none."""
        if self._child is not None:
            self._child.poll()  # a child that ended stays a zombie until it is asked
        try:
            number = int((Path(place.data) / "postmaster.pid").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            return 0
        return number if place.data in command_line(number) else 0  # the number may be another process's by now

    def _stop(self, place: _Place) -> None:
        process = self._postmaster(place)
        for number, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, _STOP_SECONDS / 4)):
            if not process or not command_line(process):
                break
            with suppress(ProcessLookupError):
                os.kill(process, number)
            deadline = time.monotonic() + seconds
            while command_line(process) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        if process and command_line(process):
            message = f"Postgres (process {process}) does not stop. Its log is {self.log}"
            raise ServerError(message)
        if self._child is not None:
            self._child.wait(_STOP_SECONDS)
            self._child = None


@contextmanager
def throwaway_postgres(within: Path | None = None) -> Iterator[EmbeddedPostgres]:
    """Run a server that is deleted afterwards, and dies with this process.

    :param within: the folder to keep its data in; by default that of temporary files
    """
    folder = Path(tempfile.mkdtemp(prefix="promo-postgres-", dir=within))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server", durable=False, tied=True)
    try:
        server.start()
        yield server
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _dsn(place: _Place, database: str) -> str:
    return f"postgresql://{USER}:{place.password}@127.0.0.1:{place.port}/{database}"


def _accepts(place: _Place) -> bool:
    """Tell whether a connection with our own password succeeds."""
    try:
        psycopg.connect(_dsn(place, "postgres"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _free_port(wanted: int) -> int:
    """Return ``wanted`` when nobody listens there, else a free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # else the server's own old connections block it
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    message = "No free port on 127.0.0.1"
    raise ServerError(message)


def _reason(log: Path, seen: int) -> str:
    """Return why a server ended, from what its log says past ``seen`` bytes."""
    lines = log.read_bytes()[seen:].decode(errors="replace").splitlines()
    reasons = [line for line in lines if re.search(r"\b(FATAL|PANIC|postgres):", line)]
    told = [line for line in reasons if "the database system is" not in line]  # said to clients, not of itself
    return re.sub(r"^.*?(?:FATAL|PANIC):\s*", "", told[-1]) if told else "it gave no reason"
