"""A real PgBouncer that gives a session of the server away after each transaction."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SESSIONS = 2
_START_S = 20.0


@contextmanager
def running_pooler(server: str, **settings: str) -> Iterator[str]:
    """Run one before all databases of a server, with two sessions for each; yields its address of the same database.

    :param server: DSN of the server
    :param settings: of its configuration file, beside those it needs
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed; .ci/run installs it")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        written = _configuration(Path(folder), server, port, settings)
        account = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        with subprocess.Popen([program, "--quiet", str(written)], stderr=subprocess.PIPE, **account) as process:  # type: ignore[call-overload]
            address = urlsplit(server)
            through = urlunsplit(address._replace(netloc=f"anybody@127.0.0.1:{port}"))
            try:
                _wait_for(through, process)
                yield through
            finally:
                process.terminate()


def _configuration(folder: Path, server: str, port: int, settings: dict[str, str]) -> Path:
    address = urlsplit(server)
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": str(_SESSIONS),
        "max_client_conn": "200",
        **settings,
    }
    login = f"host={address.hostname} port={address.port} user={address.username} password={address.password}"
    text = f"[databases]\n* = {login}\n[pgbouncer]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())
    written = folder / "pgbouncer.ini"
    folder.chmod(0o755)
    written.write_text(text, encoding="utf-8")
    return written


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while not _answers(address):
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
