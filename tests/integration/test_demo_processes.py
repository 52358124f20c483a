"""The demo's hold on its processes, with real ones."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.demo.__main__ import main
from promo_campaigns.local_airflow.layout import Layout
from promo_campaigns.local_airflow.supervisor import Service, Supervisor
from promo_campaigns.model.errors import DemoError
from promo_campaigns.postgres.embedded.processes import birth, command_line, session_members

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)  # as Airflow's tasks do
print("ready", os.getpid(), flush=True)
time.sleep(600)
"""
WRITES_WHEN_ASKED_TO_END = """
import signal, sys, time
def end(*_):
    with open(sys.argv[1], "a") as order: order.write(sys.argv[2] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    made.make()
    return made


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def said(layout: Layout, name: str, *, times: int = 1) -> None:
    """Wait until a service has said that it is ready."""
    log = layout.logs / f"{name}.log"
    wait_until(lambda: log.exists() and log.read_text().count("ready") >= times)


def never() -> bool:
    return False


def test_a_service_that_will_not_end_is_killed_with_all_it_started(layout: Layout) -> None:
    supervisor = Supervisor(layout)
    supervisor.start(Service("stubborn", python(STUBBORN), rank=1, patience=0.1), dict(os.environ))
    said(layout, "stubborn", times=2)
    leader = int(next(iter(json.loads(layout.processes.read_text()))))
    assert len(session_members(leader)) == 2
    supervisor.stop(never)
    assert session_members(leader) == []


def test_a_stop_that_cannot_wait_kills_at_once(layout: Layout) -> None:
    supervisor = Supervisor(layout)
    supervisor.start(Service("stubborn", python(STUBBORN), rank=1, patience=600), dict(os.environ))
    said(layout, "stubborn", times=2)
    supervisor.stop(lambda: True)


def test_services_end_in_the_order_of_their_rank(layout: Layout, tmp_path: Path) -> None:
    order = tmp_path / "order"
    supervisor = Supervisor(layout)
    for name, rank in (("last", 2), ("first", 1)):
        command = python(WRITES_WHEN_ASKED_TO_END, str(order), name)
        supervisor.start(Service(name, command, rank=rank), dict(os.environ))
        said(layout, name)
    supervisor.stop(never)
    assert order.read_text().split() == ["first", "last"]


def test_a_service_that_ends_by_itself_is_noticed_with_its_last_words(layout: Layout) -> None:
    supervisor = Supervisor(layout)
    supervisor.check()
    supervisor.start(Service("frail", python("raise SystemExit('no database')"), rank=1), dict(os.environ))

    def noticed() -> bool:
        try:
            supervisor.check()
        except DemoError as error:
            return "frail ended with status 1" in str(error) and "no database" in str(error)
        return False

    wait_until(noticed)
    supervisor.stop(never)


def test_a_command_that_fails_says_so(layout: Layout) -> None:
    supervisor = Supervisor(layout)
    with pytest.raises(DemoError, match="migration ended with status 3"):
        supervisor.begin("migration", python("raise SystemExit(3)"), dict(os.environ)).wait(30)
    supervisor.stop(never)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can tie a child to its parent")
def test_what_a_killed_demo_leaves_is_ended_by_the_next(layout: Layout) -> None:
    """The kernel asks the children to end; one that will not is found again."""
    code = (
        "import os, sys; from pathlib import Path; from promo_campaigns.local_airflow.layout import Layout;"
        "from promo_campaigns.local_airflow.supervisor import Service, Supervisor;"
        "s = Supervisor(Layout(Path(sys.argv[1])));"
        "s.start(Service('stubborn', [sys.executable, '-c', sys.argv[2]], rank=1), dict(os.environ)); input()"
    )
    demo = subprocess.Popen([*python(code), str(layout.checkout), STUBBORN], stdin=subprocess.PIPE)
    said(layout, "stubborn", times=2)
    demo.kill()
    demo.communicate()
    leader = int(next(iter(json.loads(layout.processes.read_text()))))
    assert session_members(leader)
    Supervisor(layout).sweep()
    wait_until(lambda: not session_members(leader))


def test_a_number_that_is_another_process_by_now_is_left_alone(layout: Layout) -> None:
    bystander = subprocess.Popen(python("input()"), stdin=subprocess.PIPE, start_new_session=True)
    try:
        layout.processes.write_text(json.dumps({str(bystander.pid): "another birth"}))
        Supervisor(layout).sweep()
        assert birth(bystander.pid)
        assert command_line(bystander.pid)
    finally:
        bystander.communicate()


@pytest.mark.parametrize("option", ["--once", "--clean"])
def test_a_second_demo_in_the_same_folder_is_refused(
    option: str, layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(layout.checkout)
    with layout.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("4711")
        held.flush()
        assert main([option]) == 2
    assert "runs already in this folder (process 4711)" in capsys.readouterr().err


def test_clean_removes_everything_the_demo_made(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(layout.checkout)
    assert main(["--clean"]) == 0
    assert list(layout.checkout.iterdir()) == []
