"""The command ``promo`` as tests see it: its commands by name, a command line taken apart, and one on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from promo_campaigns.cli.app import COMMANDS, load, root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROMO = [sys.executable, "-m", "promo_campaigns.cli"]


def all_commands() -> dict[str, Any]:
    """Return every command that does something, by its words."""
    found: dict[str, Any] = {}
    for name in COMMANDS:
        command = load(name)
        verbs = getattr(command, "commands", None)
        found |= {f"{name} {verb}": one for verb, one in verbs.items()} if verbs else {name: command}
    return found


def parse(words: Sequence[str]) -> Any:  # noqa: ANN401  (a context of Typer's)
    """Take a command line apart without carrying it out; what is wrong with it is raised."""
    command, context, rest = root(), None, list(words)
    name = "promo"
    while hasattr(command, "resolve_command"):
        context = command.context_class(command, info_name=name, parent=context)
        name, command, rest = command.resolve_command(context, rest)
    return command.make_context(name, rest, parent=context)


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment for a command of its own, on a terminal that has colours."""
    ours = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    return {**ours, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm-256color", **more}


class OnTerminal:
    """A command that runs on a terminal of its own.

    :ivar shown: what it wrote so far
    """

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process = process
        self._master = master
        self.shown = ""

    def read_until(self, text: str) -> None:
        """Read until a text was shown; fail if the command ends before."""
        while text not in self.shown:
            if not self._read():
                msg = f"the command ended without showing {text!r}: {self.shown!r}"
                raise AssertionError(msg)

    def end(self) -> int:
        """Read to the end, and return the exit status."""
        while self._read():
            pass
        return self._process.wait()

    def _read(self) -> bool:
        try:
            got = os.read(self._master, 65_536)
        except OSError:  # how Linux says that nobody has the terminal any more
            got = b""
        self.shown += got.decode("utf-8", "replace")
        return bool(got)


@contextmanager
def on_terminal(*words: str, columns: int = 120, variables: Mapping[str, str] | None = None) -> Iterator[OnTerminal]:
    """Start ``promo`` on a terminal.

    :param variables: more of its environment
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [*PROMO, *words], stdin=slave, stdout=slave, stderr=slave, env=environment(**(variables or {}))
    )
    os.close(slave)
    try:
        yield OnTerminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
