"""A place where workers are killed for real, and Postgres is stopped for real, at sync points that the code names."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING

from faults.kill_points import Point
from faults.kill_scenario import Scenario, Truth, jump, make_scenario, violations
from faults.kill_worker import BROKEN, FAILED, Job, work
from promo_campaigns.model.run import LEASE_S
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.embedded.server import EmbeddedPostgres
from promo_campaigns.postgres.migrations import migrate
from receiver import running_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection as Pipe

    from receiver import Receiver

PATIENCE_S = 60.0
ROUNDS = 4
OVERLAP_S = 0.5
_FORKS = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One kill: where, how, and what is done about it."""

    way: str
    point: Point
    fault: str
    follow_up: str
    seed: int

    def __str__(self) -> str:
        """Return what a replay takes."""
        return f"{self.way} {self.point} {self.fault} {self.follow_up.replace(' ', '-')} {self.seed}"

    @classmethod
    def parse(cls, text: str) -> Plan:
        """Read that form; a call may hold a blank."""
        way, *point, fault, follow_up, seed = text.split(" ")
        follow_up = follow_up.replace("-", " ")
        return cls(way=way, point=Point.parse(" ".join(point)), fault=fault, follow_up=follow_up, seed=int(seed))


@dataclass(slots=True)
class Worker:
    """A worker process and what it says."""

    job: Job
    pipe: Pipe = field(init=False)
    process: multiprocessing.process.BaseProcess = field(init=False)

    def start(self) -> Worker:
        self.pipe, theirs = _FORKS.Pipe()
        self.process = _FORKS.Process(target=work, args=(self.job, theirs), daemon=True)
        self.process.start()
        theirs.close()
        return self

    def hear(self, seconds: float = PATIENCE_S) -> str:
        """Return what the worker says next, or nothing: it ended, or the time is over."""
        try:
            return str(self.pipe.recv()) if self.pipe.poll(seconds) else ""
        except EOFError:
            return ""

    def end(self) -> list[str]:
        """Wait for its end and return what was wrong with it."""
        said = []
        while word := self.hear():
            said.append(word)
        self.process.join(PATIENCE_S)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            return ["a worker never came to rest"]
        return said[-1:] if code == BROKEN else [f"exit status {code}"] * (code not in {0, FAILED, -signal.SIGKILL})


class Site:
    """A server that may be stopped, a receiver, and the store between them."""

    def __init__(self, server: EmbeddedPostgres, receiver: Receiver, folder: Path) -> None:
        self._server, self._receiver, self._folder = server, receiver, folder
        self._dsn = server.dsn("promo")
        self._count = 0
        self.done: Counter[str] = Counter()

    def scenario(self, way: str) -> tuple[Scenario, Truth]:
        """Make a scenario of its own."""
        self._count += 1
        with connect(self._dsn) as connection:
            scenario = make_scenario(connection, way, f"K{self._count}")
        truth = Truth(way=way, refused=scenario.refused if way != "inbox" else 0)
        self._receiver.answer = truth.answer
        return scenario, truth

    def job(self, scenario: Scenario) -> Job:
        """Return the whole batch of a scenario, with nothing done yet."""
        return Job(
            dsn=self._server.dsn("promo"),
            receiver_url=self._receiver.url,
            way=scenario.way,
            spec=scenario.spec,
            run_key=scenario.run_key,
            progress=self._folder / scenario.run_key.replace("/", "-"),
        )

    def points(self, way: str) -> list[Point]:
        """Return every sync point that a worker passes when nothing goes wrong."""
        scenario, _ = self.scenario(way)
        worker = Worker(replace(self.job(scenario), listing=True)).start()
        listed = []
        while word := worker.hear():
            listed.append(word)
        worker.process.join(PATIENCE_S)
        assert worker.process.exitcode == 0, listed[-1:]
        return [Point.parse(word) for word in listed]

    def suffer(self, plan: Plan) -> list[str]:
        """Do what the plan says, let everything come to rest, and return what does not hold."""
        chance = random.Random(plan.seed)  # noqa: S311  (a choice that can be made again)
        scenario, truth = self.scenario(plan.way)
        job = replace(self.job(scenario), loses_server=plan.fault == "postgres")
        victim = Worker(replace(job, stop_at=plan.point)).start()
        if victim.hear() != "here":
            return [f"the point was not reached: {victim.end()}"]
        rival = self._rival(plan, job, chance)
        wrong = self._strike(plan, victim)
        wrong += victim.end() + (rival.end() if rival else [])
        wrong += self._follow_up(plan, job, chance)
        wrong += self._heal(job)
        self.done[plan.fault] += 1
        with connect(self._server.dsn("promo")) as connection:
            return wrong + violations(connection, scenario, truth)

    def _rival(self, plan: Plan, job: Job, chance: random.Random) -> Worker | None:
        """Start a second run of the same occurrence and let it come some way, as far as the victim's locks allow."""
        if plan.fault == "pause":
            self.jump()
        elif plan.follow_up != "second run":
            return None
        way = 10_000 if plan.fault == "pause" else chance.randint(1, 120)
        rival = Worker(replace(job, progress=self._fresh(job, "rival"), pass_by=way)).start()
        rival.hear(OVERLAP_S)
        return rival

    def _strike(self, plan: Plan, victim: Worker) -> list[str]:
        if plan.fault == "sigkill":
            victim.process.kill()
            return []
        if plan.fault == "postgres":
            self._crash_server()
        victim.pipe.send("go on")
        return []

    def _crash_server(self) -> None:
        """Stop Postgres as ``pg_ctl stop -m immediate`` does, and start it again."""
        data = Path(json.loads((self._server.directory / "server.json").read_text())["data"])
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        self._server.start()

    def _follow_up(self, plan: Plan, job: Job, chance: random.Random) -> list[str]:
        if plan.follow_up == "retry later":
            self.jump()
        progress = job.progress if plan.follow_up.startswith("retry") else self._fresh(job, f"clear-{chance.random()}")
        return Worker(replace(job, dsn=self._server.dsn("promo"), progress=progress)).start().end()

    def _heal(self, job: Job) -> list[str]:
        """Clear the whole batch once leases are over, until the run is closed."""
        for heal in range(ROUNDS):
            self.jump()
            worker = Worker(replace(job, dsn=self._server.dsn("promo"), progress=self._fresh(job, f"heal-{heal}")))
            wrong = worker.start().end()
            if wrong or worker.process.exitcode == 0:
                return wrong
        return ["it does not come to rest"]

    def jump(self) -> None:
        """Put the clock past every lease."""
        with connect(self._server.dsn("promo")) as connection:
            jump(connection, LEASE_S + 1)

    def _fresh(self, job: Job, name: str) -> Path:
        return job.progress.with_name(f"{job.progress.name}-{name}")


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """Run a server whose commits are real: one that is stopped at once may lose nothing it has confirmed."""
    _warm_up()
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server", tied=True)
    try:
        server.start()
        migrate(server.dsn("promo"))
        with running_receiver() as receiver:
            yield Site(server, receiver, folder)
    finally:
        server.remove()


def _warm_up() -> None:
    """Start the process that workers are forked from, with everything imported; it finds modules where we do."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    _FORKS.set_forkserver_preload(["faults.kill_site"])
    forkserver.ensure_running()
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before
