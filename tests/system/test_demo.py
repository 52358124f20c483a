"""The newcomer's first command, as it is typed: in a terminal, interrupted in every way, and to its end."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.postgres.embedded.processes import session_members

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]
PARTS = ("bin", "dags", "include", "plugins")
SECONDS = 300.0


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy what the demo reads, so that the developer's own demo is left alone."""
    copy = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        shutil.copytree(CHECKOUT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    yield copy
    assert run_demo(copy, "--clean").returncode == 0


def environment() -> dict[str, str]:
    """Return what a newcomer's shell may hold: another Airflow, which must stay out of this."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    stranger = {"AIRFLOW_HOME": "/nonexistent", "AIRFLOW__CORE__EXECUTOR": "NoSuchExecutor"}
    return kept | stranger | {"PROMO_PYTHON": sys.executable}


def run_demo(checkout: Path, option: str) -> subprocess.CompletedProcess[str]:
    command = [str(checkout / "bin" / "demo"), option]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=2 * SECONDS)


def log_in() -> None:
    """Take the terminal over, and hear when it is closed, even if these tests run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A terminal of its own in which ``bin/demo`` was typed."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        self.text = ""
        self.screen, inside = pty.openpty()
        self.demo = subprocess.Popen(
            [str(checkout / "bin" / "demo")],
            env=environment(),
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=log_in,  # noqa: PLW1509  (two calls, and no threads here)
        )
        os.close(inside)

    def wait_for(self, pattern: str) -> None:
        """Read until the screen has shown this."""
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, self.text
            if select.select([self.screen], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.screen, 65536).decode(errors="replace")
                except OSError:  # its writer is gone
                    pytest.fail(f"bin/demo ended before it said {pattern}: {self.text}")

    def close(self) -> None:
        with suppress(OSError):
            os.close(self.screen)

    def sessions(self) -> list[int]:
        """Return what the demo has started, each with a session of its own."""
        state = self.checkout / ".demo"
        data = Path(json.loads((state / "postgres" / "server.json").read_text())["data"])
        postmaster = int((data / "postmaster.pid").read_text().split()[0])
        return [postmaster, *map(int, json.loads((state / "processes.json").read_text()))]

    def wait_until_gone(self, sessions: list[int]) -> None:
        """Wait until the demo and all it has started are gone."""
        self.demo.wait(SECONDS)
        deadline = time.monotonic() + SECONDS
        while left := [number for leader in sessions for number in session_members(leader)]:
            assert time.monotonic() < deadline, f"still running: {left}"
            time.sleep(0.05)


@pytest.fixture
def terminal(checkout: Path) -> Iterator[Terminal]:
    opened = Terminal(checkout)
    yield opened
    if opened.demo.poll() is None:
        opened.demo.terminate()
        opened.demo.wait(SECONDS)
    opened.close()


@pytest.fixture
def busy_port() -> Iterator[int]:
    """Hold the port the demo would like best; another holder serves as well."""
    with socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            busy.bind(("127.0.0.1", 8080))
            busy.listen()
        yield 8080


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ties a child to its parent")
def test_killed_while_it_sends_it_leaves_nothing_running(terminal: Terminal, busy_port: int) -> None:
    terminal.wait_for("sending|accepted|recorded")
    assert f"127.0.0.1:{busy_port}," not in terminal.text
    second = run_demo(terminal.checkout, "--once")
    assert second.returncode == 2
    assert f"process {terminal.demo.pid}" in second.stderr
    sessions = terminal.sessions()
    terminal.demo.kill()
    terminal.wait_until_gone(sessions)


def test_run_to_its_end_everything_is_as_promised_whatever_happened_before(checkout: Path) -> None:
    """After the kill above: who was sent a message is not sent another, and who was not is."""
    done = run_demo(checkout, "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All checks hold" in done.stdout
    codes = (CHECKOUT / "include" / "samples" / "promo_codes.csv").read_text().splitlines()[1:]
    shown = done.stdout + "".join(path.read_text(errors="replace") for path in (checkout / ".demo").rglob("*.log"))
    leaked = [number for number, line in enumerate(codes, 2) if re.split("[,;\t]", line)[0].strip('"') in shown]
    assert not leaked, f"the codes of these lines of the sample stand in a log: {leaked[:5]}"


def test_a_ctrl_c_stops_everything(terminal: Terminal) -> None:
    terminal.wait_for("Airflow starts on")
    sessions = terminal.sessions()
    os.write(terminal.screen, b"\x03")
    terminal.wait_for("Everything is stopped")
    terminal.wait_until_gone(sessions)
    assert terminal.demo.returncode == 130


def test_a_closed_terminal_stops_everything(terminal: Terminal) -> None:
    terminal.wait_for("Airflow starts on")
    sessions = terminal.sessions()
    terminal.close()
    terminal.wait_until_gone(sessions)
    assert terminal.demo.returncode != -signal.SIGHUP
