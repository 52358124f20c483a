"""A profile API on a real socket, for tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from promo_campaigns.profile_api.limits import Limits
from promo_campaigns.profile_api.server import make_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEY = "a-key-for-tests"


COMMAND = [sys.executable, "-c", "import sys; from promo_campaigns.cli import main; sys.exit(main())", "profile-api"]
UNSLOWED = Limits(wrong_keys=1_000_000, upload_hosts=("127.0.0.1",))


@contextmanager
def serving(dsn: str, limits: Limits = UNSLOWED, *, notice_keys: Sequence[bytes] = ()) -> Iterator[httpx.Client]:
    """Serve the store and yield a client that knows the key; stop as SIGTERM would."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = make_server(dsn, KEY, limits, log_config=None, notice_keys=notice_keys)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/api/v1"
        with httpx.Client(base_url=url, auth=("anybody", KEY), timeout=30, trust_env=False) as client:
            client.get("/addressbooks")
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def running(dsn: str, *options: str, descriptors: int = 0) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Start the command on a free port and yield it with a client once it says that it serves.

    :param descriptors: most open files it may have
    """
    limit = f"ulimit -n {descriptors}; " if descriptors else ""
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'{limit}exec "$@"', "sh", *COMMAND, "--port", "0", "--dsn", dsn, *options],
        env={**os.environ, "PROMO_PROFILE_API_KEY": KEY, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    # Its log goes on after the line that is waited for; a pipe that nobody reads would stop it.
    rest = threading.Thread(target=process.stderr.read)
    try:
        url = next(line.split()[-1] for line in process.stderr if "profile API listens on" in line)
        rest.start()
        with httpx.Client(base_url=f"{url}/api/v1", auth=("x", KEY), timeout=30, trust_env=False) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        if rest.ident:
            rest.join()
        process.stderr.close()


def contact(*channels: tuple[str, str], **more: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON as a caller writes it)
    """Return the body of a contact."""
    return {"channels": [{"type": kind, "value": value} for kind, value in channels], **more}


def finished(client: httpx.Client, session_id: str) -> dict[str, Any]:
    """Ask until an import is done, and return how it ended."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        status: dict[str, Any] = client.get(f"/importstatus/{session_id}").json()
        if status["status"] != "STARTED":
            return status
        time.sleep(0.02)
    pytest.fail("the import was not done within a minute")
