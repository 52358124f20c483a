"""What each route of the pages takes beside a large store: 95 of 100 calls in at most so many milliseconds.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_pages.py --codes 20000000 --rows 10000000 --runs 100000

The store is made by set-based SQL (large_store): so many codes, so many contacts of all runs together, so many runs,
one of them live with a tenth of all contacts, and a contact that was in a tenth of all runs. Airflow's own API server
serves the pages to a user who is signed in, on a real socket; its other components are stopped once the DAGs are read.
A test holds that every route is measured, or left out with a reason.

The defaults are a hundredth of the sizes above. Each figure's peer is the limit: its ratio says how many times as fast
as 300 ms the slowest 5 % are.

Exit status 1 when a route takes longer than the limit.
"""

from __future__ import annotations

import http.client
import itertools
import json
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
    from system.airflow_cluster import AirflowCluster

LIMIT_MS = 300.0
CALLS = 60
WARM = 3
WORKFLOWS = 24
WORKFLOW = """\
name: Campaign {number}
audience: with_push_token
promo_code: {{type: {kind}, discount: {discount}, days: 7}}
message: promo_push
schedule: none
"""


class Pages:
    """A person's connection to the JSON routes, kept open as a browser keeps it."""

    def __init__(self, url: str, token: str) -> None:
        self._host = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=120)
        self._signed = {"Authorization": f"Bearer {token}", "Origin": url}

    def ask(self, call: Call) -> tuple[Any, float]:
        """Make a call; return its answer and how many milliseconds it took.

        :raises RuntimeError: the route refused it
        """
        headers = dict(self._signed)
        body: bytes | None = None
        if isinstance(call.body, bytes):
            body, headers["Content-Type"] = call.body, "application/octet-stream"
        elif call.body is not None:
            body, headers["Content-Type"] = json.dumps(call.body).encode(), "application/json"
        began = time.perf_counter()
        self._connection.request(call.method, f"/promo/api/{call.path}", body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        took = 1000 * (time.perf_counter() - began)
        if answer.status >= 300:
            msg = f"{call.method} {call.path} was answered {answer.status}: {text.decode(errors='replace')[:300]}"
            raise RuntimeError(msg)
        return (json.loads(text) if text else None), took


@contextmanager
def running(sizes: Sizes) -> Iterator[tuple[AirflowCluster, Known]]:
    """Run Airflow over a store of these sizes, and leave only its API server running."""
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
        machine.wait("the workflows are read", lambda: all(machine.api.knows(name) for name in names))
        for name in ("scheduler", "triggerer", "dag-processor"):
            for service in machine.started(name):
                machine.kill(service)
        with connect(machine.promo_dsn) as store:
            began = time.monotonic()
            fill(store, sizes, names)
            sys.stdout.write(f"The store was filled in {time.monotonic() - began:.0f} s.\n")
            known = know(store, names, POOLS)
        yield machine, known


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
        ms = measure(pages, calls(), count)
        sys.stdout.write(f"{name:55} {ms:8.1f} ms\n")
        sys.stdout.flush()
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
    options = options_of(__doc__, codes=small.codes, rows=small.rows, runs=small.runs, calls=CALLS)
    with running(Sizes(options.codes, options.rows, options.runs)) as (machine, known):
        pages = Pages(machine.url, machine.token())
        asked = reads(known) | writes(known)
        figures = figures_of(pages, asked, options.calls)
    return keep("pages", figures, options)


if __name__ == "__main__":
    sys.exit(main())
