"""The transport of docs/how-to/own-transport.md, built from that page as a distribution, carries a campaign."""

from __future__ import annotations

import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from integration.scenario import add_codes, add_contacts
from line_transport import LINE_PROJECT, LINE_TRANSPORT
from promo_campaigns.postgres.connection import connect
from receiver import Answer
from system.campaign_process import run_campaign
from wheels import find_uv, run

if TYPE_CHECKING:
    from pathlib import Path

    from receiver import Received, Receiver

MESSAGE = """\
channel: line
body: "Code: $promocode"
"""


def test_it_is_shorter_than_forty_lines() -> None:
    assert len(LINE_TRANSPORT.splitlines()) < 40


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return a folder with the distribution unpacked in it, as an installer would, and nothing else."""
    source, wheels, target = tmp_path / "source", tmp_path / "wheels", tmp_path / "installed"
    source.mkdir()
    (source / "pyproject.toml").write_text(LINE_PROJECT)
    (source / "promo_transport_line.py").write_text(LINE_TRANSPORT)
    run([find_uv(), "build", "--quiet", "--wheel", "--out-dir", wheels, source])
    (wheel,) = wheels.glob("*.whl")
    assert "promo_transport_line.py" in zipfile.ZipFile(wheel).namelist()
    run([find_uv(), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", target, wheel])
    return target


def test_it_is_found_by_its_entry_point_and_sends_to_everybody_once(
    installed: Path, tmp_path: Path, dsn: str, receiver: Receiver
) -> None:
    def answer(request: Received) -> Answer:
        known = [one for one in receiver.received[:-1] if one.headers["X-Line-Retry-Key"] == key(request)]
        return Answer(status=409 if known else 503 if request.json["to"] == lost else 200, body=b"{}")

    def key(request: Received) -> str:
        return request.headers["X-Line-Retry-Key"]

    with connect(dsn) as store:
        contacts = add_contacts(store, 5, channel="line")
        codes = add_codes(store, 5)
    lost = f"token-{contacts[2]}"
    receiver.answer = answer
    line = {
        "conn_type": "promo_http",
        "host": "127.0.0.1",
        "port": receiver.port,
        "password": "channel-access-token",
        "extra": {"auth": "bearer", "allow_insecure": True, "allow_private": True},
    }
    way = {"message": "line", "transport": "line", "transport_conn_id": "line"}
    ran = run_campaign(tmp_path / "campaign", MESSAGE, way, {"promo_db": dsn, "line": line}, path=[installed])
    assert ran.state == "success"
    assert "channel-access-token" not in ran.printed

    taken = {one.json["to"]: one.json["messages"][0]["text"] for one in receiver.received}
    assert sorted(taken) == sorted(f"token-{contact}" for contact in contacts)
    assert sorted(taken.values()) == sorted(f"Code: {code}" for code in codes)
    assert len({key(one) for one in receiver.received}) == 5
    assert len(receiver.received) == 6, "the one that was lost is sent again under its key, and nobody else"
    with connect(dsn) as store:
        states = store.execute("select distinct state::text as state from promo.assignment").fetchall()
    assert states == [{"state": "accepted"}]
