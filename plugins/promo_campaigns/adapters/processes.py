"""What this machine says about a process, and ties between a child's life and its parent's."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
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
    shown = subprocess.run(  # noqa: S603  (fixed command, a number as argument)
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip()


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
