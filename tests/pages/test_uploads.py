"""Code files that a browser brings: in the inbox whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pages.pages_site import serving, token
from promo_campaigns.hooks.code_inbox import LOADED, REJECTED, look, put_away
from promo_campaigns.postgres.audit import list_audit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection

CODES = b"code,expirationDate,discount,type,inUse\nA-1,2030-01-01,10,Welcome,false\n"
BYTES = {"Content-Type": "application/octet-stream"}
DAY_S = 86_400
MEGABYTE = 1_000_000


def put(site: Site, content: bytes, name: str = "codes.csv") -> Response:
    return site.op.ask("PUT", "codes/uploads", params={"name": name}, content=content, headers=BYTES)


def state(site: Site, name: str = "codes.csv") -> dict[str, Any]:
    [told] = site.viewer.get("codes/uploads", names=name)
    return dict(told)


@contextmanager
def upload_under_way(port: int, size: int, name: str = "codes.csv") -> Iterator[socket.socket]:
    """Begin an upload as a browser does, with its head alone."""
    head = (
        f"PUT /promo/api/codes/uploads?name={name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Sec-Fetch-Site: same-origin\r\nAuthorization: Bearer {token('op')}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(head.encode())
        yield line


def answer_of(line: socket.socket) -> tuple[int, dict[str, Any]]:
    """Read an answer to its end."""
    told = b""
    while piece := line.recv(65_536):
        told += piece
    head, _, body = told.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_an_upload_is_in_the_inbox_whole_and_audited(site: Site, store: Connection, inbox: Path) -> None:
    answer = put(site, CODES)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["bytes"], told["sha256"]) == (len(CODES), hashlib.sha256(CODES).hexdigest())
    assert [path.name for path in inbox.iterdir()] == ["codes.csv"]
    assert (inbox / "codes.csv").read_bytes() == CODES
    assert list(look(str(inbox), "*", done_marker=False)) == [str(inbox / "codes.csv")]
    [entry] = list_audit(store)
    assert (entry["action"], entry["subject"], entry["finished"]) == ("upload", "code file codes.csv", True)
    assert state(site)["state"] == "waiting"


def test_a_page_is_told_what_became_of_its_file(site: Site, inbox: Path) -> None:
    for number, (folder, error) in enumerate([(REJECTED, "no row is right"), (LOADED, None), (REJECTED, "again")]):
        put(site, CODES)
        report = {"file": "codes.csv", "rows": number, "error": error, "code_file_id": number}
        put_away(str(inbox / "codes.csv"), folder, report)
        moved = max((inbox / folder).iterdir(), key=lambda path: path.stat().st_mtime)
        later = 1_900_000_000 + number
        for path in (inbox / folder).glob(f"{moved.name.partition('.')[0]}*.report.json"):
            os.utime(path, (later, later))
        told = state(site)
        assert (told["state"], told["error"], told["code_file_id"]) == (folder, error, number)
    assert state(site, "another.csv")["state"] == "unknown"


@pytest.mark.parametrize(
    "name",
    [
        "../codes.csv",
        "a/b.csv",
        ".hidden.csv",
        "codes.csv.part",
        "codes.csv.done",
        "~codes.csv",
        "a\nb.csv",
        " a.csv",
        "x" * 250,
    ],
)
def test_a_name_that_the_inbox_would_leave_alone_is_refused(site: Site, inbox: Path, name: str) -> None:
    answer = put(site, CODES, name)
    assert (answer.status_code, list(inbox.iterdir())) == (400, [])


def test_an_upload_does_not_replace_a_file_that_waits(site: Site, inbox: Path) -> None:
    put(site, CODES)
    answer = put(site, b"code\nother\n")
    assert answer.status_code == 409
    assert "waits in the inbox" in answer.json()["detail"]
    assert (inbox / "codes.csv").read_bytes() == CODES
    assert len(list(inbox.iterdir())) == 1


def test_an_empty_file_is_refused(site: Site, inbox: Path) -> None:
    assert put(site, b"").status_code == 400
    assert list(inbox.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_named(site: Site, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_PROMO_CODE_INBOX", str(inbox / "not" / "there"))
    answer = put(site, CODES)
    assert answer.status_code == 503
    assert "promo_code_inbox" in answer.json()["detail"]


def test_nothing_is_in_the_inbox_that_the_audit_does_not_know(site: Site, store: Connection, inbox: Path) -> None:
    store.execute("alter table promo.audit rename to audit_away")
    assert put(site, CODES).status_code >= 500
    assert list(inbox.iterdir()) == []


def test_what_a_killed_server_left_is_never_taken_and_goes_after_a_day(site: Site, inbox: Path) -> None:
    old, new = inbox / ".old.csv.0123.upload", inbox / ".new.csv.0123.upload"
    for path in (old, new):
        path.write_bytes(CODES[:20])
    os.utime(old, (old.stat().st_mtime - DAY_S - 60,) * 2)
    assert look(str(inbox), "*", done_marker=False) == {}
    put(site, CODES)
    assert sorted(path.name for path in inbox.iterdir()) == [new.name, "codes.csv"]


@pytest.mark.usefixtures("airflow_database")
def test_a_hundred_megabytes_arrive_while_other_pages_are_served(dsn: str, inbox: Path) -> None:
    piece = os.urandom(MEGABYTE)
    with serving(dsn) as port, upload_under_way(port, 100 * MEGABYTE) as line:
        for _ in range(50):
            line.sendall(piece)
        with socket.create_connection(("127.0.0.1", port)) as other:
            head = "GET /promo/api/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            other.sendall(f"{head}Authorization: Bearer {token('viewer')}\r\n\r\n".encode())
            assert answer_of(other)[0] == 200
        for _ in range(50):
            line.sendall(piece)
        status, told = answer_of(line)
    assert (status, told["bytes"]) == (201, 100 * MEGABYTE)
    assert [(path.name, path.stat().st_size) for path in inbox.iterdir()] == [("codes.csv", 100 * MEGABYTE)]


@pytest.mark.usefixtures("airflow_database")
def test_a_tab_that_is_closed_leaves_nothing(dsn: str, inbox: Path) -> None:
    with serving(dsn) as port, upload_under_way(port, 5 * MEGABYTE) as line:
        line.sendall(bytes(3 * MEGABYTE))
    assert list(inbox.iterdir()) == []


@pytest.mark.usefixtures("airflow_database")
def test_of_two_servers_that_bring_one_name_one_has_it(dsn: str, inbox: Path) -> None:
    bodies = [bytes([number]) * (2 * MEGABYTE) for number in (1, 2)]
    with (
        serving(dsn) as first,
        serving(dsn) as second,
        upload_under_way(first, len(bodies[0])) as one,
        upload_under_way(second, len(bodies[1])) as other,
    ):
        for line, body in zip((one, other), bodies, strict=True):
            line.sendall(body[:MEGABYTE])
        for line, body in zip((one, other), bodies, strict=True):
            line.sendall(body[MEGABYTE:])
        answers = [answer_of(line)[0] for line in (one, other)]
    assert sorted(answers) == [201, 409]
    [kept] = inbox.iterdir()
    assert kept.read_bytes() == bodies[answers.index(201)]


@pytest.mark.parametrize("told", [True, False])
def test_what_is_too_large_is_refused_and_leaves_nothing(
    site: Site,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: bool,  # noqa: FBT001  (one of two cases)
) -> None:
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__UPLOAD_LIMIT_MB", "1")
    body = bytes(MEGABYTE + 1)
    pieces = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
    headers = {**BYTES, "Content-Length": str(len(body))} if told else BYTES
    answer = site.op.ask("PUT", "codes/uploads", params={"name": "a.csv"}, content=pieces, headers=headers)
    assert answer.status_code == 413
    assert "upload_limit_mb" in answer.json()["detail"]
    assert list(inbox.iterdir()) == []
    assert put(site, bytes(MEGABYTE)).status_code == 201
