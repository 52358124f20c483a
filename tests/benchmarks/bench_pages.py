"""What each route of the pages takes beside a large store: 95 of 100 calls in at most so many milliseconds.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_pages.py --codes 20000000 --rows 10000000 --runs 100000

The store is made by set-based SQL (large_store): so many codes, so many contacts of all runs together, so many runs,
one of them live with a tenth of all contacts, and a contact that was in a tenth of all runs. Airflow's own API server
serves the pages to a user who is signed in, on a real socket; its other components are stopped once the DAGs are read.
A test holds that every route is measured, or left out with a reason.

The defaults are a hundredth of the sizes above. Each figure's peer is the limit: its ratio says how many times as fast
as 300 ms the slowest 5 % are. A route that is refused is told, and the others are measured all the same.

``--plans 50`` prints the plan of each statement that took 50 ms or more instead of trusting a clock: on a machine that
does something else, look whether what a statement reads follows the page. It slows what it looks at.

What it says on the way has the seconds since it began. The store lies in the folder for temporary files (TMPDIR), and
goes with the benchmark, also when that is stopped.

Exit status 1 when a route takes longer than the limit, or is refused.
"""

from __future__ import annotations

import http.client
import itertools
import json
import shutil
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.bench_send_path import options_of
from benchmarks.figures import Figure, keep
from benchmarks.large_store import POOLS, WHOLE, Sizes, fill
from benchmarks.page_calls import Known, know, reads, writes
from promo_campaigns.postgres.connection import connect
from system.airflow_cluster import CHECKOUT, airflow_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.page_calls import Call, Calls
    from promo_campaigns.postgres.connection import Connection
    from system.airflow_cluster import AirflowCluster

BEGAN = time.monotonic()
LIMIT_MS = 300.0
CALLS = 60
WARM = 3
PATIENCE_S = 1800.0
"""For which an API server may start, and DAGs may be read, on a machine that does something else."""
BYTES_A_CODE, BYTES_A_ROW = 600, 2_500
"""About what they take on the disk with their indexes, and what is written on the way."""
WORKFLOWS = 24
WORKFLOW = """\
name: Campaign {number}
audience: with_push_token
promo_code: {{type: {kind}, discount: {discount}, days: 7}}
message: promo_push
schedule: none
"""


class RefusedError(Exception):
    """A route did not answer what it was asked."""


def tell(what: str) -> None:
    """Say how far the benchmark is."""
    sys.stdout.write(f"{time.monotonic() - BEGAN:7.0f} s  {what}\n")
    sys.stdout.flush()


class Pages:
    """A person's connection to the JSON routes, kept open as a browser keeps it."""

    def __init__(self, url: str, token: str) -> None:
        self._host = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=PATIENCE_S)
        self._signed = {"Authorization": f"Bearer {token}", "Origin": url}

    def ask(self, call: Call) -> tuple[Any, float]:
        """Make a call; return its answer and how many milliseconds it took.

        :raises RefusedError: the route refused it
        """
        headers = dict(self._signed)
        body: bytes | None = None
        if isinstance(call.body, bytes):
            body, headers["Content-Type"] = call.body, "application/octet-stream"
        elif call.body is not None:
            body, headers["Content-Type"] = json.dumps(call.body).encode(), "application/json"
        began = time.perf_counter()
        try:
            self._connection.request(call.method, f"/promo/api/{call.path}", body, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except BaseException:
            self._connection.close()  # the next call opens it anew
            raise
        took = 1000 * (time.perf_counter() - began)
        if answer.status >= 300:
            msg = f"{call.method} {call.path} was answered {answer.status}: {text.decode(errors='replace')[:300]}"
            raise RefusedError(msg)
        return (json.loads(text) if text else None), took


@contextmanager
def running(sizes: Sizes, plans_ms: int) -> Iterator[tuple[AirflowCluster, Known]]:
    """Run Airflow over a store of these sizes, and leave only its API server running.

    :param plans_ms: how long a statement takes whose plan is logged; 0 for none
    """
    include = {
        f"workflows/campaign_{number:02}.yaml": WORKFLOW.format(number=number, kind=kind, discount=discount)
        for number, (kind, discount) in zip(range(WORKFLOWS), itertools.cycle(POOLS), strict=False)
    }
    dags = {"workflows.py": (CHECKOUT / "dags" / "workflows.py").read_text(encoding="utf-8")}
    names = [Path(name).stem for name in include]
    with (
        tempfile.TemporaryDirectory(prefix="promo-bench-") as folder,
        airflow_cluster(Path(folder), dags, {}, include) as machine,
    ):
        tell("Airflow runs; its DAG processor reads the workflows")
        machine.wait("the workflows are read", lambda: all(machine.api.knows(name) for name in names), PATIENCE_S)
        for name in ("scheduler", "triggerer", "dag-processor"):
            for service in machine.started(name):
                machine.kill(service)
        with connect(machine.promo_dsn) as store:
            fill(store, sizes, names, tell=lambda part: tell(f"filling the store: {part}"))
            known = know(store, names, POOLS)
            if plans_ms:
                log_plans(store, plans_ms)
        tell("the store is filled")
        yield machine, known
        if plans_ms:
            sys.stdout.writelines(logged_plans(Path(folder)))


def require_room(sizes: Sizes) -> None:
    """Refuse to begin what would fill the disk.

    :raises SystemExit: the folder for temporary files is too small
    """
    needed = sizes.codes * BYTES_A_CODE + sizes.rows * BYTES_A_ROW
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < needed:
        sys.exit(f"{tempfile.gettempdir()} has {free / 1e9:.0f} GB free, and about {needed / 1e9:.0f} GB are needed")


def log_plans(store: Connection, least_ms: int) -> None:
    """Let the server log the plan, with the rows and buffers that it read, of each statement that takes so long."""
    settings = {
        "session_preload_libraries": "auto_explain",
        "auto_explain.log_min_duration": f"{least_ms}ms",
        "auto_explain.log_analyze": "on",
        "auto_explain.log_timing": "off",
        "auto_explain.log_buffers": "on",
    }
    database = store.info.dbname
    for name, value in settings.items():
        store.execute(f"alter database {database} set {name} = '{value}'")


def logged_plans(folder: Path) -> Iterator[str]:
    """Return the lines of the plans in the server's log."""
    for log in folder.rglob("server.log"):
        is_plan = False
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
            is_plan = "plan:" in line if not line.startswith(("\t", " ")) else is_plan
            if is_plan:
                yield line


def measure(pages: Pages, calls: Calls, count: int) -> float:
    """Return what 95 of 100 calls take at most, in milliseconds."""
    taken: list[float] = []
    call = next(calls)
    for number in range(WARM + count):
        answer, ms = pages.ask(call)
        if number >= WARM:
            taken.append(ms)
        call = calls.send(answer)
    return quantiles(taken, n=20, method="inclusive")[-1]


def figures_of(pages: Pages, asked: dict[str, Callable[[], Calls]], count: int) -> list[Figure]:
    """Measure each route, and return its figure."""
    found = []
    for name, calls in asked.items():
        try:
            ms = measure(pages, calls(), count)
        except (RefusedError, OSError, http.client.HTTPException) as error:
            tell(f"{name:55} FAILED: {error}")
            continue
        tell(f"{name:55} {ms:8.1f} ms{'' if ms <= LIMIT_MS else '  MISSED'}")
        found.append(
            Figure(
                name=name,
                value=round(ms, 1),
                unit="ms",
                peer=f"the limit of {LIMIT_MS:.0f} ms",
                ratio=LIMIT_MS / ms,
                most=LIMIT_MS,
            )
        )
    return found


def main() -> int:
    """Measure, and keep the figures."""
    small = WHOLE.divided(100)
    options = options_of(__doc__, codes=small.codes, rows=small.rows, runs=small.runs, calls=CALLS, plans=0)
    # Stopped, it must still stop what it started, and remove the store.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sizes = Sizes(options.codes, options.rows, options.runs)
    require_room(sizes)
    with running(sizes, options.plans) as (machine, known):
        pages = Pages(machine.url, machine.token)
        asked = reads(known) | writes(known)
        figures = figures_of(pages, asked, options.calls)
    size = {name: value for name, value in vars(options).items() if name != "plans"}
    status = keep("pages", figures, size)
    return 1 if len(figures) < len(asked) else status


if __name__ == "__main__":
    sys.exit(main())
