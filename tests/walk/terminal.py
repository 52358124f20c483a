"""A shell in which a person types one command after the other."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING

from promo_campaigns.postgres.embedded.processes import session_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Typed:
    """What became of a command.

    :ivar shown: what it printed
    """

    command: str
    status: int
    shown: str
    seconds: float


@contextmanager
def terminal_in(folder: Path, environment: Mapping[str, str], seconds: float) -> Iterator[Terminal]:
    """Open a terminal; what is still running in it when it is left is killed.

    :param seconds: after so many it is killed, whatever it does
    """
    terminal = Terminal(folder, environment)
    end = Timer(seconds, terminal.kill)
    end.start()
    try:
        terminal.type("set -m")
        yield terminal
    finally:
        end.cancel()
        terminal.kill()
        terminal.close()


class Terminal:
    """A bash with job control, in a session of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],  # noqa: S607  (a reader's shell is the one on the PATH)
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            text=True,
            start_new_session=True,
            preexec_fn=_as_a_terminal_does,  # noqa: PLW1509  (two system calls, and no thread holds a lock of theirs)
        )

    def type(self, command: str) -> Typed:
        """Type a command, and read what is shown until the shell asks for the next one."""
        began, mark = time.monotonic(), f"status-{secrets.token_hex(8)}"
        assert self._shell.stdin
        # Without an input of its own a command would read the next ones.
        self._shell.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '\\n%s %s\\n' {mark} $?\n")
        self._shell.stdin.flush()
        shown, status = self._read_until(mark)
        assert status, f"the shell was ended, since this took too long: {command}\n{shown}"
        return Typed(command, int(status), shown, time.monotonic() - began)

    def end_background(self, command: str, at_last: str) -> None:
        """Type what ends the job in the background, and what ends it at last if it is still there after a while."""
        self.type(command)
        patient_until = time.monotonic() + _PATIENCE_S
        while self.type("kill -0 $! 2> /dev/null").status == 0 and time.monotonic() < patient_until:
            self.type("sleep 0.5")
        self.type(f"{at_last} 2> /dev/null; wait $!")

    def _read_until(self, mark: str) -> tuple[str, str]:
        """Return what was shown before the mark, and what stands behind it; nothing there if the shell has ended."""
        assert self._shell.stdout
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(mark):
                return "".join(lines), line.removeprefix(mark).strip()
            lines.append(line)
        return "".join(lines), ""

    def kill(self) -> None:
        """Kill all that was started here, again until nothing new is seen."""
        while members := session_members(self._shell.pid):
            for number in members:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            self._shell.poll()

    def close(self) -> None:
        """Let go of a shell that has ended."""
        self._shell.communicate()


def _as_a_terminal_does() -> None:
    """Let Ctrl-C end what is started here, even where the tests themselves run in the background and ignore it."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
