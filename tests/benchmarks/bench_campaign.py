"""A whole campaign in a real Airflow, from a file of codes to End: contacts a second, and what each block's tasks took.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_campaign.py --contacts 100000 --runs 5 --larger 300000

Airflow runs with LocalExecutor as in bin/demo; the DAG is ``dags/promo_code_to_profile.py`` as it stands. Profiles are
written 3,000 in a request, or one POST each with ``--profiles post``; the receiver answers at once, in a process of its
own. The codes of the first run are loaded from a file, a fifth more than there are contacts. Every run is an edition of
its own over the same contacts, one after the other in one store; then there is one of so many contacts as ``--larger``
says, 0 for none. After the last one the promises of the whole store are checked. Before Airflow starts, the same is
done by hand, see bench_limits.

Exit status 1 when an aim is missed: loading and a run in 1.6 times the sum by hand, the last in 1.1 times the first,
a contact of the larger run at 1.2 times the cost, 5 % of a run for End, 400 MB for a task.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.bench_limits import limits
from benchmarks.bench_send_path import running_receiver
from benchmarks.figures import Figure, keep
from benchmarks.peak_memory import BACKEND, TASK, Peaks, sampled_peaks
from integration.scenario import add_codes, add_contacts, content
from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.postgres.connection import connect
from system.airflow_cluster import CHECKOUT, airflow_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from promo_campaigns.postgres.connection import Connection
    from system.airflow_cluster import AirflowCluster

DAG = "promo_code_to_profile"
MOST_OF_END = 0.05
MOST_TIMES_BY_HAND = 1.6
MOST_TIMES_THE_FIRST = 1.1
MOST_TIMES_THE_COST = 1.2
MOST_TASK_MB = 400
PATIENCE_S = 7200.0
DATA_SOURCE = {
    "bulk": """method: POST
connection: promo_profile_api
path: /api/v1/contacts
headers: {Content-Type: application/json}
format: json
records_per_request: 3000
body: |
  [#foreach($c in $batch)#if($foreach.index > 0),#end
  {"externalCustomerId": "$c.contact_id", "fields": [{"id": 12345, "value": "$c.promocode"}]}#end]
""",
    "post": (CHECKOUT / "include" / "data_sources" / "promo_to_profile.yaml").read_text(encoding="utf-8"),
}


@contextmanager
def running(
    profiles: str, batch_size: int | None, port: int, settings: Mapping[str, str] | None = None
) -> Iterator[AirflowCluster]:
    """Run Airflow with the DAG.

    :param profiles: how they are written, a name of ``DATA_SOURCE``
    :param port: where on this machine the receiver of profiles listens
    :param settings: environment of every component, beside what bin/demo has
    """
    text = (CHECKOUT / "dags" / f"{DAG}.py").read_text(encoding="utf-8")
    if batch_size:
        text = text.replace('task_id="start",', f'task_id="start",\n        batch_size={batch_size},')
    connection = f'{{"conn_type": "http", "host": "127.0.0.1", "port": {port}, '
    connection += '"extra": {"allow_insecure": true, "allow_private": true}}'
    variables = {"AIRFLOW_CONN_PROMO_PROFILE_API": connection, **(settings or {})}
    include = {"data_sources/promo_to_profile.yaml": DATA_SOURCE[profiles]}
    with (
        tempfile.TemporaryDirectory(prefix="promo-bench-") as folder,
        airflow_cluster(Path(folder), {f"{DAG}.py": text}, variables, include) as cluster,
    ):
        cluster.unpause(DAG)
        yield cluster


def tasks_of(cluster: AirflowCluster, edition: str) -> list[dict[str, Any]]:
    """Return the task instances of a run."""
    found: list[dict[str, Any]] = []
    while True:
        path = f"/api/v2/dags/{DAG}/dagRuns/{edition}/taskInstances?limit=100&offset={len(found)}"
        page = cluster.call("GET", path)
        found += page["task_instances"]
        if len(found) >= page["total_entries"] or not page["task_instances"]:
            return found


def one_run(cluster: AirflowCluster, edition: str, meanwhile: Callable[[], None] | None = None) -> dict[str, Any]:
    """Trigger a run, wait for its end, and return what it and its blocks took.

    :param meanwhile: called once the run is triggered
    """
    begun = time.monotonic()
    cluster.api.trigger(DAG, edition, {"edition": edition})
    if meanwhile:
        meanwhile()
    cluster.wait(edition, lambda: cluster.api.state(DAG, edition) in {"success", "failed"}, PATIENCE_S)
    seconds = time.monotonic() - begun
    tasks = tasks_of(cluster, edition)
    blocks: dict[str, float] = {}
    for task in tasks:
        blocks[task["task_id"]] = blocks.get(task["task_id"], 0.0) + (task["duration"] or 0.0)
    ends = [datetime.fromisoformat(task["end_date"]) for task in tasks if task["task_id"] != "end" and task["end_date"]]
    starts = [datetime.fromisoformat(task["start_date"]) for task in tasks if task["start_date"]]
    return {
        "state": cluster.api.state(DAG, edition),
        "seconds": round(seconds, 1),
        "recorded_after_s": round((max(ends) - min(starts)).total_seconds(), 1),
        "tasks": len(tasks),
        "tries": sum(task["try_number"] for task in tasks),
        "blocks_s": {name.rpartition(".")[2]: round(each, 1) for name, each in blocks.items()},
        "end_share": round(blocks.get("end", 0.0) / seconds, 4),
    }


@dataclass(kw_only=True)
class Measured:
    """What a store and its runs came to."""

    load_s: float
    runs: list[dict[str, Any]]
    larger: dict[str, Any] | None
    rows: int
    size: int
    check_s: float
    peaks: Peaks


def load_codes(store: Connection, codes: int) -> float:
    """Load so many codes from a file as the product does, and return how long that took."""
    with tempfile.TemporaryFile() as file:
        file.write(b"code,expirationDate,discount,type,inUse\n")
        file.writelines(b"FILE-%09d,2035-12-31T23:59,10,Welcome,false\n" % number for number in range(codes))
        file.seek(0)
        began = time.perf_counter()
        report = load_code_file(store, file, name="codes.csv")
        took = time.perf_counter() - began
    assert report.inserted == codes
    return took


def check(store: Connection, recorded: int) -> float:
    """Make sure that everybody is recorded and every promise is kept; return how long the promises took to check."""
    began = time.monotonic()
    broken = check_invariants(store)
    took = time.monotonic() - began
    rows = store.execute("select state::text, count(*) as n from promo.assignment group by 1").fetchall()
    assert not broken, broken
    assert {row["state"]: row["n"] for row in rows} == {"recorded": recorded}
    return took


def larger_run(cluster: AirflowCluster, contacts: int, larger: int) -> dict[str, Any] | None:
    """Add contacts until there are so many, and codes; and send them a campaign."""
    if larger <= contacts:
        return None
    with connect(cluster.promo_dsn) as store:
        add_contacts(store, larger - contacts)
        add_codes(store, larger, days=365, prefix="LARGER")
        store.execute("vacuum analyze")
    return one_run(cluster, "edition-larger")


def measure(options: argparse.Namespace) -> Measured:
    """Send so many campaigns and return what they took."""
    contacts, runs = options.contacts, options.runs
    with (
        running_receiver() as url,
        running(options.profiles, options.batch_size, int(url.rpartition(":")[2])) as cluster,
        sampled_peaks() as peaks,
    ):
        with connect(cluster.promo_dsn) as store:
            add_contacts(store, contacts)
            load_s = load_codes(store, contacts * 6 // 5)
            add_codes(store, contacts * runs, days=365)
            store.execute("vacuum analyze")
            rows, size = content(store)
            first = one_run(cluster, "edition-0")
            rows_after, size_after = content(store)
        each = [first, *(one_run(cluster, f"edition-{number}") for number in range(1, runs))]
        larger = larger_run(cluster, contacts, options.larger)
        with connect(cluster.promo_dsn) as store:
            check_s = check(store, contacts * runs + (options.larger if larger else 0))
    assert all(one["state"] == "success" for one in [*each, *([larger] if larger else [])])
    return Measured(
        load_s=load_s,
        runs=each,
        larger=larger,
        rows=rows_after - rows,
        size=size_after - size,
        check_s=check_s,
        peaks=peaks,
    )


def speed_figures(found: Measured, contacts: int, by_hand_s: float) -> list[Figure]:
    """Return the speed of loading and a run, beside the sum by hand."""
    run_s = median(one["seconds"] for one in found.runs)
    whole_s = found.load_s + run_s
    cores = os.cpu_count() or 1
    return [
        Figure(name="by_hand", value=round(contacts / by_hand_s), unit="contacts/s"),
        Figure(
            name="end_to_end",
            value=round(contacts / whole_s),
            unit="contacts/s",
            peer="the limits by hand, summed",
            ratio=by_hand_s / whole_s,
            least_ratio=1 / MOST_TIMES_BY_HAND,
        ),
        Figure(name="run", value=round(contacts / run_s), unit="contacts/s"),
        Figure(name="core", value=round(contacts / run_s / cores), unit=f"contacts/s a core of {cores}"),
        Figure(name="load", value=round(contacts * 6 // 5 / found.load_s), unit="codes/s"),
    ]


def growth_figures(found: Measured, contacts: int, larger: int) -> list[Figure]:
    """Return what a later and what a larger run cost, beside the first and the smaller ones."""
    first_s, last_s = found.runs[0]["seconds"], found.runs[-1]["seconds"]
    figures = []
    if len(found.runs) > 1:
        peer, ratio = "the first run", first_s / last_s
        least = 1 / MOST_TIMES_THE_FIRST
        figures.append(Figure(name="last_run", value=last_s, unit="s", peer=peer, ratio=ratio, least_ratio=least))
    if found.larger:
        each_ms = 1000 * median(one["seconds"] for one in found.runs) / contacts
        larger_ms = 1000 * found.larger["seconds"] / larger
        figures.append(
            Figure(
                name="larger_run",
                value=round(larger_ms, 3),
                unit="ms a contact",
                peer="the smaller runs",
                ratio=each_ms / larger_ms,
                least_ratio=1 / MOST_TIMES_THE_COST,
            )
        )
    return figures


def cost_figures(found: Measured, contacts: int) -> list[Figure]:
    """Return what the runs took of tasks, memory and disk."""
    blocks = {name: median(one["blocks_s"][name] for one in found.runs) for name in found.runs[0]["blocks_s"]}
    worst_end = max(one["end_share"] for one in found.runs)
    memory = {kind: round(megabytes) for kind, megabytes in found.peaks.megabytes.items()}
    assert all(memory.values()), "no task or no backend was seen: have process titles changed?"
    return [
        *(
            Figure(name=f"block_{name}", value=round(seconds, 1), unit="s of all its tasks")
            for name, seconds in blocks.items()
        ),
        Figure(name="tasks", value=found.runs[0]["tasks"], unit="tasks a run"),
        Figure(name="end_share", value=worst_end, unit="of a run", most=MOST_OF_END),
        Figure(name="task_memory", value=memory[TASK], unit="MB, the largest task process", most=MOST_TASK_MB),
        Figure(name="backend_memory", value=memory[BACKEND], unit="MB of its own, the largest backend"),
        Figure(name="rows", value=round(found.rows / contacts, 3), unit="rows a contact"),
        Figure(name="bytes", value=round(found.size / contacts), unit="bytes a contact"),
        Figure(name="check_of_store", value=round(found.check_s, 1), unit="s"),
    ]


def main() -> int:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--larger", type=int, default=300_000)
    parser.add_argument("--profiles", choices=sorted(DATA_SOURCE), default="bulk")
    parser.add_argument("--batch-size", type=int, default=None)
    options = parser.parse_args()
    by_hand_s = sum(limits(options.contacts, options.contacts * 6 // 5, options.profiles, rounds=5).values())
    found = measure(options)
    figures = speed_figures(found, options.contacts, by_hand_s)
    figures += growth_figures(found, options.contacts, options.larger)
    return keep("campaign", figures + cost_figures(found, options.contacts), options)


if __name__ == "__main__":
    sys.exit(main())
