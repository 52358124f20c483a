"""A profile API on a real socket, for tests."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn

from promo_campaigns.web.profile_api import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "a-key-for-tests"


@contextmanager
def serving(dsn: str) -> Iterator[httpx.Client]:
    """Serve the store and yield a client that knows the key; stop as SIGTERM would."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(dsn, KEY), log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
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


def contact(*channels: tuple[str, str], **more: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON as a caller writes it)
    """Return the body of a contact."""
    return {"channels": [{"type": kind, "value": value} for kind, value in channels], **more}


def finished(client: httpx.Client, session_id: str) -> dict[str, Any]:
    """Ask until an import is done, and return how it ended."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        status: dict[str, Any] = client.get(f"/importstatus/{session_id}").json()
        if status["status"] != "QUEUED":
            return status
        time.sleep(0.02)
    pytest.fail("the import was not done within a minute")
