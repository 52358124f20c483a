"""A whole campaign in a real Airflow, from the trigger to End: contacts a second, and what each block's tasks took.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_campaign.py --contacts 100000 --runs 10

Airflow runs with LocalExecutor as in bin/demo; the DAG is ``dags/promo_code_to_profile.py`` as it stands. Profiles are
written 3,000 in a request, or one POST each with ``--profiles post``; the receiver answers at once, in a process of its
own. Every run is an edition of its own over the same contacts, one after the other in one store. After the last one
the promises of the whole store are checked.

Exit status 1 when a run did not succeed, somebody is not recorded, or End took more than 5 % of a run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.bench_send_path import keep_figures, running_receiver
from integration.world import add_codes, add_contacts
from promo_campaigns.adapters.invariants import check_invariants
from promo_campaigns.adapters.postgres import connect
from system.airflow_machine import CHECKOUT, airflow_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from system.airflow_machine import AirflowMachine

DAG = "promo_code_to_profile"
MOST_OF_END = 0.05
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
def running(profiles: str, batch_size: int | None) -> Iterator[AirflowMachine]:
    """Run Airflow with the DAG, and a receiver of profiles beside it."""
    text = (CHECKOUT / "dags" / f"{DAG}.py").read_text(encoding="utf-8")
    if batch_size:
        text = text.replace('task_id="start",', f'task_id="start",\n        batch_size={batch_size},')
    with tempfile.TemporaryDirectory(prefix="promo-bench-") as folder, running_receiver() as url:
        connection = f'{{"conn_type": "http", "host": "127.0.0.1", "port": {url.rpartition(":")[2]}, '
        connection += '"extra": {"allow_insecure": true, "allow_private": true}}'
        variables = {"AIRFLOW_CONN_PROMO_PROFILE_API": connection}
        include = {"data_sources/promo_to_profile.yaml": DATA_SOURCE[profiles]}
        with airflow_machine(Path(folder), {f"{DAG}.py": text}, variables, include) as machine:
            machine.unpause(DAG)
            yield machine


def tasks_of(machine: AirflowMachine, edition: str) -> list[dict[str, Any]]:
    """Return the task instances of a run."""
    found: list[dict[str, Any]] = []
    while True:
        path = f"/api/v2/dags/{DAG}/dagRuns/{edition}/taskInstances?limit=100&offset={len(found)}"
        page = machine.call("GET", path)
        found += page["task_instances"]
        if len(found) >= page["total_entries"] or not page["task_instances"]:
            return found


def one_run(machine: AirflowMachine, edition: str) -> dict[str, Any]:
    """Trigger a run, wait for its end, and return what it and its blocks took."""
    begun = time.monotonic()
    machine.api.trigger(DAG, edition, {"edition": edition})
    machine.wait(edition, lambda: machine.api.state(DAG, edition) in {"success", "failed"}, PATIENCE_S)
    seconds = time.monotonic() - begun
    tasks = tasks_of(machine, edition)
    blocks: dict[str, float] = {}
    for task in tasks:
        blocks[task["task_id"]] = blocks.get(task["task_id"], 0.0) + (task["duration"] or 0.0)
    ends = [datetime.fromisoformat(task["end_date"]) for task in tasks if task["task_id"] != "end" and task["end_date"]]
    starts = [datetime.fromisoformat(task["start_date"]) for task in tasks if task["start_date"]]
    return {
        "state": machine.api.state(DAG, edition),
        "seconds": round(seconds, 1),
        "recorded_after_s": round((max(ends) - min(starts)).total_seconds(), 1),
        "tasks": len(tasks),
        "blocks_s": {name.rpartition(".")[2]: round(each, 1) for name, each in blocks.items()},
        "end_share": round(blocks.get("end", 0.0) / seconds, 4),
    }


def measure(contacts: int, runs: int, profiles: str, batch_size: int | None) -> dict[str, Any]:
    """Send so many campaigns and return the figures of each."""
    with running(profiles, batch_size) as machine:
        with connect(machine.promo_dsn) as store:
            add_contacts(store, contacts)
            add_codes(store, contacts * runs + contacts // 5, days=365)
            store.execute("vacuum analyze")
        each = [one_run(machine, f"edition-{number}") for number in range(runs)]
        with connect(machine.promo_dsn) as store:
            begun = time.monotonic()
            broken = check_invariants(store)
            check_s = time.monotonic() - begun
            rows = store.execute("select state::text, count(*) as n from promo.assignment group by 1").fetchall()
    return {
        "contacts": contacts,
        "profiles": profiles,
        "batch_size": batch_size,
        "runs": each,
        "seconds": median(one["seconds"] for one in each),
        "contacts_per_s": round(contacts / median(one["seconds"] for one in each)),
        "worst_end_share": max(one["end_share"] for one in each),
        "check_of_store_s": round(check_s, 1),
        "broken": [found.invariant for found in broken],
        "states": {row["state"]: row["n"] for row in rows},
    }


def main() -> int:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--profiles", choices=sorted(DATA_SOURCE), default="bulk")
    parser.add_argument("--batch-size", type=int, default=None)
    options = parser.parse_args()
    figures = measure(options.contacts, options.runs, options.profiles, options.batch_size)
    keep_figures("campaign", figures)
    whole = figures["states"] == {"recorded": options.contacts * options.runs} and not figures["broken"]
    succeeded = all(one["state"] == "success" for one in figures["runs"])
    return 0 if whole and succeeded and figures["worst_end_share"] <= MOST_OF_END else 1


if __name__ == "__main__":
    sys.exit(main())
