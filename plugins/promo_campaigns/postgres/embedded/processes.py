"""What this machine says about a process, and ties between a child's life and its parent's."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

PROC = Path("/proc")
_PR_SET_PDEATHSIG = 1


def command_line(pid: int) -> str:
    """Return the command line of a live process; empty when there is none, or only a zombie."""
    if PROC.joinpath("self").exists():
        try:
            return PROC.joinpath(str(pid), "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    return _ps(pid, "command=")


def birth(pid: int) -> str:
    """Return when a process was started, in no certain form: a number that is used again has another birth."""
    if PROC.joinpath("self").exists():
        try:
            return PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()[19]
        except OSError:
            return ""
    return _ps(pid, "lstart=")


def dies_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return a ``preexec_fn`` by which the kernel sends the child ``number`` when its parent dies, however it dies.

    The signal comes when the *thread* that started the child ends, so start such children from the main thread.
    Does nothing where the kernel has no such call (macOS).
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and the call
            os._exit(1)

    return tie


def session_members(leader: int) -> list[int]:
    """Return the live processes of the session that ``leader`` leads, itself included; its children's children too."""
    found = []
    for number in _all_processes():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(number) == leader and command_line(number):
                found.append(number)
    return found


def _all_processes() -> list[int]:
    if PROC.joinpath("self").exists():
        return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    shown = subprocess.run(["/bin/ps", "-A", "-o", "pid="], capture_output=True, text=True, check=False)
    return [int(number) for number in shown.stdout.split()]


def _ps(pid: int, column: str) -> str:
    shown = subprocess.run(  # noqa: S603  (fixed command, a number as argument)
        ["/bin/ps", "-o", column, "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip()
