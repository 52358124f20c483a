"""A stranger's first real send, by the page alone: an environment, a Postgres and an Airflow of their own."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg
import pytest

from promo_campaigns.local_airflow.ports import free_port
from promo_campaigns.postgres.embedded.server import throwaway_postgres
from receiver import running_receiver
from walk.environment import environment
from walk.stranger import AT_LAST, END, LOGIN, MOST_COMMANDS, MOST_SECONDS, POSTGRES, RECEIVER, Stranger
from walk.terminal import terminal_in
from wheels import build_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from receiver import Received, Receiver

SENT = [
    ("anna@mail.example", "Anna, 15 % off", "Your promo code is SPRING-7KQ2-M4XD. Use it until 29 December 2037."),
    ("ben@mail.example", "Ben, 15 % off", "Your promo code is SPRING-9TRB-5WHN. Use it until 30 December 2037."),
]
RECORDED: list[tuple[str, dict[str, Any]]] = [
    ("/customers/C-1/offer", {"code": "SPRING-7KQ2-M4XD", "discount": 15}),
    ("/customers/C-2/offer", {"code": "SPRING-9TRB-5WHN", "discount": 15}),
]


@pytest.fixture
def administrator() -> Iterator[str]:
    """Return the address of a server whose administrator is ``postgres``, and that has no database yet."""
    with throwaway_postgres() as server:
        ours = urlsplit(server.dsn("postgres"))
        address = f"postgresql://{{}}@{ours.hostname}:{ours.port}/postgres"
        named = f"postgres:{ours.password}"
        _run_sql(
            server.dsn("postgres"),
            "drop database airflow",
            "drop database promo",
            "create role helper superuser login password 'h'",
        )
        _run_sql(address.format("helper:h"), "alter role promo rename to postgres")
        _run_sql(address.format(named), "drop role helper")
        yield address.format(named)


def _run_sql(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return the receiver that is the reader's own."""
    with running_receiver() as receiver:
        yield receiver


def test_a_stranger_really_sends_by_the_page_alone(
    administrator: str, receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels, folder, port = tmp_path / "wheels", tmp_path / "shop", free_port(18200)
    build_wheel(wheels)
    folder.mkdir()
    places = {
        RECEIVER: receiver.url,
        POSTGRES: f"127.0.0.1:{urlsplit(administrator).port}",
        LOGIN: f'{LOGIN}, "allow_insecure": true, "allow_private": true',
    }
    with terminal_in(folder, environment(wheels, administrator, port), MOST_SECONDS) as terminal:
        stranger = Stranger(folder, terminal, places)
        try:
            stranger.follow()
        finally:
            _tell(stranger, capsys)
        assert _runs_on_pages(folder, port) == ["first_send"]
        checked = terminal.type("promo check && promo doctor")
        assert checked.status == 0, checked.shown
        _require_sent(receiver.received)
        terminal.end_background(END, AT_LAST)
    assert len(stranger.typed) <= MOST_COMMANDS
    assert stranger.compared


def _tell(stranger: Stranger, capsys: pytest.CaptureFixture[str]) -> None:
    """Print how long each command took; the page names the sum."""
    whole = sum(done.seconds for done in stranger.typed)
    with capsys.disabled():
        sys.stdout.write("\n")
        for number, done in enumerate(stranger.typed, 1):
            sys.stdout.write(f"{number:>3}  {done.seconds:6.1f} s  {done.command.splitlines()[0]}\n")
        sys.stdout.write(f"     {whole:6.1f} s  in all\n")


def _runs_on_pages(folder: Path, port: int) -> list[str]:
    """Return the runs that the pages in Airflow list for who signs in with the password of ``airflow.log``."""
    (password,) = re.findall(r"Password for user 'admin': (\S+)", (folder / "airflow.log").read_text(encoding="utf-8"))
    token = _ask(port, "/auth/token", json.dumps({"username": "admin", "password": password}).encode())["access_token"]
    found = _ask(port, "/promo/api/runs", Authorization=f"Bearer {token}")
    return [run["workflow"] for run in found["items"]]


def _ask(port: int, path: str, body: bytes | None = None, **headers: str) -> Any:  # noqa: ANN401  (JSON)
    request = Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json", **headers})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def _require_sent(received: list[Received]) -> None:
    """Look for exactly the messages and the requests to profiles, each profile after its message."""
    messages = [request.json for request in received if request.path == "/messages"]
    assert sorted((sent["to"], sent["subject"], sent["text"].strip()) for sent in messages) == SENT
    assert sorted((request.path, request.json) for request in received if request.path != "/messages") == RECORDED
    assert {request.headers["Authorization"] for request in received} == {"Bearer the token"}
    assert len({request.headers["Idempotency-Key"] for request in received}) == len(received) == 4
    for (_, _, text), (path, offer) in zip(SENT, RECORDED, strict=True):
        assert offer["code"] in text
        first = next(at for at, request in enumerate(received) if offer["code"].encode() in request.body)
        assert received[first].path == "/messages", path
