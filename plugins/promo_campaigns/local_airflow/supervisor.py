"""Starts processes, notices when one ends, and stops them all, also after this process was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import DemoError
from promo_campaigns.postgres.embedded.processes import birth, dies_with_parent, session_members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from promo_campaigns.local_airflow.layout import Layout

_POLL_SECONDS = 0.05
_KILL_SECONDS = 10.0
_LOG_LINES = 15


@dataclass(frozen=True)
class Service:
    """A process that runs until it is stopped.

    :param rank: order of stopping: the lowest first, those of one rank together
    :param patience: seconds it may take to end before it is killed
    """

    name: str
    command: Sequence[str]
    rank: int
    patience: float = 5.0


@dataclass
class _Started:
    service: Service
    process: subprocess.Popen[bytes]
    log: Path


class Supervisor:
    """The processes of one layout. Each leads a session of its own, so that all processes it starts can be found."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._started: list[_Started] = []

    def start(self, service: Service, environment: Mapping[str, str]) -> None:
        """Start a service; on Linux the kernel ends it if this process dies first."""
        log = self._layout.logs / f"{service.name}.log"
        process = self._launch(service.command, environment, log)
        self._started.append(_Started(service, process, log))
        self._remember()

    def begin(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Job:
        """Start a command that ends by itself, to be waited for later."""
        log = self._layout.logs / f"{name}.log"
        process = self._launch(command, environment, log)
        started = _Started(Service(name, command, rank=0), process, log)
        self._started.append(started)
        self._remember()
        return Job(self, started)

    def check(self) -> None:
        """Raise :class:`DemoError` if a service ended, with the last lines of its log."""
        for started in self._started:
            if started.process.poll() is not None:
                raise DemoError(_ended(started))

    def stop(self, impatient: Callable[[], bool]) -> None:
        """Stop everything, the lowest rank first, and wait until it is gone.

        :param impatient: asked repeatedly; True kills what has not ended yet
        """
        for rank in sorted({started.service.rank for started in self._started}):
            _stop_together([each for each in self._started if each.service.rank == rank], impatient)
        self._started.clear()
        self._remember()

    def forget(self, started: _Started) -> None:
        """Stop watching a command that ended."""
        self._started.remove(started)
        self._remember()

    def sweep(self) -> None:
        """Kill what an earlier supervisor left running because it was killed itself."""
        try:
            left = json.loads(self._layout.processes.read_text())
        except (OSError, ValueError):
            return
        for number, born in left.items():
            if born and birth(int(number)) == born:  # else the id belongs to another process by now
                _kill_session(int(number))
        self._layout.processes.unlink()

    def _launch(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        log.touch(mode=0o600)
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603  (this product's and Airflow's own commands)
                command,
                cwd=self._layout.checkout,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # so that Ctrl-C reaches this process only, which stops the others in order
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509  (one prctl call; this process has one thread)
            )

    def _remember(self) -> None:
        numbers = {str(each.process.pid): birth(each.process.pid) for each in self._started}
        self._layout.processes.write_text(json.dumps(numbers))


class Job:
    """A command that was started and ends by itself."""

    def __init__(self, supervisor: Supervisor, started: _Started) -> None:
        self._supervisor = supervisor
        self._started = started

    def wait(self, seconds: float) -> None:
        """Wait until it has ended.

        :raises DemoError: it failed, or did not end in time
        """
        try:
            status = self._started.process.wait(seconds)
        except subprocess.TimeoutExpired:
            message = f"{self._started.service.name} is not done after {seconds:.0f} s. Its log is {self._started.log}"
            raise DemoError(message) from None
        if status != 0:
            raise DemoError(_ended(self._started))
        self._supervisor.forget(self._started)


def _stop_together(started: Sequence[_Started], impatient: Callable[[], bool]) -> None:
    for each in started:
        with suppress(ProcessLookupError):
            each.process.terminate()
    began = time.monotonic()
    for each in sorted(started, key=lambda each: each.service.patience):
        while each.process.poll() is None and time.monotonic() < began + each.service.patience and not impatient():
            time.sleep(_POLL_SECONDS)
        _kill_session(each.process.pid)
        each.process.wait()


def _kill_session(leader: int) -> None:
    """Kill what is left of a service, itself and the processes it started, until nothing is left."""
    deadline = time.monotonic() + _KILL_SECONDS
    while (members := session_members(leader)) and time.monotonic() < deadline:
        for number in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def _ended(started: _Started) -> str:
    last = started.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    said = "\n  ".join(last)
    return (
        f"{started.service.name} ended with status {started.process.returncode}. "
        f"Its log is {started.log}; it ends with:\n  {said}"
    )
