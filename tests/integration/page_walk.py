"""A page of ``docs/`` done as a reader would do it: its files are written, its commands run, what they print compared.

``promo`` is run as it stands. What ``airflow`` is told is done with the workflow's own blocks, one after the other as
Airflow would run them, on a real store and real sockets; that Airflow itself does so is tested in ``tests/system``.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from doc_pages import commands, first_line_missing, lines, read_blocks
from integration.blocks_by_hand import DagRun, answer_events, run_batches, start
from integration.scenario import pass_days
from promo_campaigns.cli import main
from promo_campaigns.definitions.workflow_files import IncludeFolder, read_workflow
from promo_campaigns.ledger.event_queue import listen
from promo_campaigns.postgres.embedded.binaries import find_binaries
from promo_campaigns.workflows import PromoWorkflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx
    import pytest

    from doc_pages import Block
    from promo_campaigns.postgres.connection import Connection

LOCAL = {"allow_insecure": True, "allow_private": True}
"""What a connection needs besides to reach a receiver of the test."""
DONE_ALREADY = {"pip", "createdb", "psql", "python3"}
"""Commands that the tests need not run: the package is installed, and a database is made when its address is set."""
YEARS = 20 * 365
"""Days that go by before a page does away with what is old: the codes of all pages have run out by then."""
POSTGRES = "@db.shop.example/"
SERVER = ["promo", "profile-api"]


@dataclass
class Walk:
    """One walk through a page.

    :ivar folder: where the reader stands, empty at first
    :ivar places: the host and port of this machine behind each host that a page names
    :ivar connections: what stands in place of a connection that a page makes, by its id
    :ivar serve: starts the profile API on the store, and returns a client of it
    :ivar make_database: makes an empty database, and returns its address
    :ivar compared: how many lines of the page were found in what commands printed
    """

    folder: Path
    dsn: str
    store: Connection
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    places: dict[str, tuple[str, int]]
    connections: dict[str, str]
    serve: Callable[[], httpx.Client]
    make_database: Callable[[], str]
    compared: int = 0
    shown: str = ""
    _api: httpx.Client | None = None
    _is_later: bool = False
    _on: set[str] = field(default_factory=set)
    _waiting: list[Callable[[], None]] = field(default_factory=list)

    def take(self, page: str) -> None:
        """Do everything that a page says, from its top to its end."""
        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER", str(self.folder / "include"))
        self.monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", self.dsn)
        self.capsys.readouterr()
        for block in read_blocks(page):
            self._take(block)

    def _take(self, block: Block) -> None:
        if block.name:
            path = self.folder / block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            self.shown = "".join(map(self._run, commands(block.text)))
        elif block.language == "text":
            self._compare(block.text)

    def _compare(self, text: str) -> None:
        """Find each line in what was printed, in this order; ``…`` stands for what differs each time."""
        missing = first_line_missing(text, self.shown)
        assert not missing, f"{missing!r} is not shown:\n{self.shown}"
        self.compared += len(lines(text))

    def _run(self, command: list[str]) -> str:
        words = [os.path.expandvars(word) for word in command]
        if words[:2] == SERVER:
            self._api = self.serve()
        elif words[0] == "promo":
            return self._promo(words[1:])
        elif words[0] == "curl":
            self._post(words[1:])
        elif words[0] == "export":
            name, _, value = words[1].partition("=")
            self.monkeypatch.setenv(name, self.make_database() if POSTGRES in value else value)
        elif words[0] in {"pg_dump", "pg_restore"}:
            subprocess.run([find_binaries().bin / words[0], *words[1:]], check=True)
        elif words[0] == "airflow":
            return self._airflow(words[1:]) + "".join(self.capsys.readouterr())
        elif words[0] == ".":
            self._source(self.folder / words[1])
        else:
            assert words[0] in DONE_ALREADY, f"nobody does {words} in the tests"
        return "".join(self.capsys.readouterr())

    def _promo(self, words: list[str]) -> str:
        """Run a command, which must succeed unless its status is told: ``promo … || echo "status $?"``."""
        words, told = (words[: words.index("||")], True) if "||" in words else (words, False)
        if words[0] == "retention" and not self._is_later:
            self._is_later = True
            pass_days(self.store, YEARS)
        status = main(words)
        printed = "".join(self.capsys.readouterr())
        assert told or status == 0, (words, status, printed)
        if words[:2] == ["runs", "approve"]:
            waiting, self._waiting = self._waiting, []
            for go_on in waiting:
                go_on()
        return printed + (f"status {status}\n" if told and status else "")

    def _post(self, words: list[str]) -> None:
        """Post to the profile API, as ``curl -u USER:KEY -H HEADER URL -d BODY`` does, and answer the event."""
        assert self._api, "the profile API was not started"
        url, body = next(word for word in words if "://" in word), words[words.index("-d") + 1]
        place = self._api.base_url.copy_with(raw_path=f"/api{url.partition('/api')[2]}".encode())
        answer = self._api.post(place, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code < 300, answer.text
        for name in sorted(self._on):
            if self._workflow(name).settings.event:
                self._trigger(name, DagRun.by_asset())

    def _source(self, file: Path) -> None:
        """Make the connections that a file of the page puts into the environment."""
        for words in commands(file.read_text(encoding="utf-8")):
            name, _, value = words[-1].partition("=")
            if name.startswith("AIRFLOW_CONN_"):
                self._airflow(["connections", "add", name.removeprefix("AIRFLOW_CONN_").lower(), "--conn-json", value])

    def _airflow(self, words: list[str]) -> str:
        """Do what Airflow is told, and return what it prints that a page shows."""
        match words:
            case ["connections", "add", name, "--conn-json", text]:
                self.monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", self.connections.get(name) or self._here(text))
            case ["dags", "unpause", name]:
                return self._unpause(name)
            case ["standalone", *_]:
                pass
            case ["dags", "trigger", name, *more]:
                self._trigger(name, DagRun.by_hand(json.loads(more[1]) if more[:1] == ["--conf"] else {}))
            case ["backfill", "create", "--dag-id", name, "--from-date", first, "--to-date", last]:
                for run in DagRun.of_dates(self._workflow(name).settings, first, last):
                    self._trigger(name, run)
            case ["variables", "set", name, value]:
                self.monkeypatch.setenv(f"AIRFLOW_VAR_{name.upper()}", value)
            case _:
                message = f"airflow {words} is not known to the walk"
                raise AssertionError(message)
        return ""

    def _unpause(self, name: str) -> str:
        self._on.add(name)
        if event := self._workflow(name).settings.event:
            listen(self.store, workflow=name, type_name=event)
        return f"{name} | True\n"

    def _here(self, text: str) -> str:
        """Put the places of this machine into a connection."""
        parts = json.loads(text)
        scheme, _, rest = parts["host"].rpartition("://")
        host, slash, path = rest.partition("/")
        where, port = self.places[host]
        mine = LOCAL | ({"security": "none"} if parts["conn_type"] == "smtp" else {})
        here = f"http://{where}:{port}{slash}{path}" if scheme else where
        parts |= {"host": here} | ({} if scheme else {"port": port})
        return json.dumps(parts | {"extra": parts.get("extra", {}) | mine})

    def _workflow(self, name: str) -> PromoWorkflow:
        """Return a workflow, with blocks that nobody has used yet."""
        files = IncludeFolder(self.folder / "include")
        return read_workflow(files, name, partial(PromoWorkflow, include=files))

    def _trigger(self, name: str, run: DagRun) -> None:
        workflow = self._workflow(name)
        if workflow.settings.event:
            answer_events(workflow, run)
            return
        started = start(workflow, run)

        def go_on() -> None:
            run_batches(lambda: self._workflow(name), run, started)
            self._wake(f"promo_runs/{name}")

        if workflow.settings.approval is False:
            go_on()
        else:
            self._waiting.append(go_on)

    def _wake(self, asset: str) -> None:
        """Trigger what is on and scheduled on an asset."""
        for name in sorted(self._on):
            schedule = self._workflow(name).settings.schedule
            if asset in (getattr(schedule, "asset", None) or ()):
                self._trigger(name, DagRun.by_asset())
