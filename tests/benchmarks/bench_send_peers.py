"""The send path against what a data engineer would write without the product.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_send_peers.py --contacts 2000 --rounds 5 --mapped 50

Three ways of posting each contact's code to the same receiver, a process of its own, in one run:

- ours: the HTTP request data source block's path, every intent committed before its call and every outcome after it;
- one task with `requests` and `select ... for update skip locked limit 1`: it takes a code, posts and commits for each
  contact in turn;
- Airflow's `HttpOperator`, expanded over contacts by a real scheduler: its rate is from the start of the first
  mapped task to the end of the last one. `--mapped 0` leaves it out.

Exit status 1 when an aim is missed: at least 10 times the contacts a second of the one task, and 300 times those of
`HttpOperator`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from benchmarks.bench_send_path import (
    BODY,
    accepted_run,
    fill,
    measured,
    ours,
    running_receiver,
    store_dsn,
)
from benchmarks.figures import Figure, keep
from promo_campaigns.postgres.connection import connect
from promo_campaigns.velocity import compile_template
from system.airflow_cluster import airflow_cluster

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

AIMS = {"requests_loop": 10.0, "http_operator": 300.0}
PEERS = {
    "requests_loop": "one task with requests and for update skip locked",
    "http_operator": "HttpOperator.expand",
}
DAG_FILE = """
import os
from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG

BODIES = ['{"fields": [{"id": 12345, "value": "CODE-%d"}]}' % n for n in range(int(os.environ["MAPPED"]))]
with DAG("mapped", schedule=None, max_active_tasks=64):
    HttpOperator.partial(task_id="post", http_conn_id="receiver", method="POST", endpoint="/api/v1/contact").expand(
        data=BODIES
    )
"""
_TAKE = """
update promo.bench_code set taken_by = %s where code = (
  select code from promo.bench_code where taken_by is null order by code limit 1 for update skip locked)
returning code
"""


def lay_out_loop(connection: Connection, contacts: int) -> None:
    """Give the loop a table of its own, as simple as its author would make it."""
    connection.execute("drop table if exists promo.bench_code")
    connection.execute("create table promo.bench_code (code text primary key, taken_by bigint, posted boolean)")
    connection.execute("create index on promo.bench_code (code) where taken_by is null")
    connection.execute(
        "insert into promo.bench_code (code) select 'LOOP-' || n from generate_series(1, %s) n", [contacts]
    )
    connection.execute("vacuum analyze promo.bench_code")


def loop(connection: Connection, url: str, contacts: list[int]) -> None:
    """Take a code, post it and commit, one contact after the other."""
    template = compile_template(BODY, mode="json")
    with requests.Session() as session:
        for contact in contacts:
            with connection.transaction():
                taken = connection.execute(_TAKE, [contact]).fetchone()
                assert taken is not None
            values = {"contact_unique_identifier": f"token-{contact}", "promocode": taken["code"]}
            body = template.render({**values, "data": values})
            answer = session.post(f"{url}/api/v1/contact", data=body.encode(), timeout=30)
            assert answer.status_code == 200
            connection.execute("update promo.bench_code set posted = true where code = %s", [taken["code"]])


def compare(contacts: int, rounds: int) -> dict[str, float]:
    """Run both in turns and return the contacts a second of the best round of each."""
    loop_s, ours_s = [], []
    with store_dsn() as dsn, connect(dsn) as connection, running_receiver() as url:
        fill(connection, contacts)
        for number in range(rounds):
            run, everybody = accepted_run(connection, number)
            ours_s.append(measured(ours(connection, url, run, everybody)).wall_s)
            lay_out_loop(connection, contacts)
            began = time.perf_counter()
            loop(connection, url, everybody)
            loop_s.append(time.perf_counter() - began)
    return {"ours": contacts / min(ours_s), "requests_loop": contacts / min(loop_s)}


def expanded_per_s(mapped: int) -> float:
    """Return how many contacts a second a real Airflow posts for when each is a mapped task."""
    with running_receiver() as url, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        connection = json.dumps({"conn_type": "http", "host": url})
        variables = {"AIRFLOW_CONN_RECEIVER": connection, "MAPPED": str(mapped)}
        with airflow_cluster(Path(folder), {"mapped.py": DAG_FILE}, variables) as cluster:
            cluster.wait("the DAG is known", lambda: cluster.api.knows("mapped"))
            cluster.api.unpause("mapped")
            cluster.api.trigger("mapped", "bench", {})
            assert cluster.run_to_end("mapped", "bench") == "success"
            path = f"/api/v2/dags/mapped/dagRuns/bench/taskInstances?limit={mapped}"
            tasks: list[dict[str, Any]] = cluster.call("GET", path)["task_instances"]
    starts = [datetime.fromisoformat(task["start_date"]) for task in tasks]
    ends = [datetime.fromisoformat(task["end_date"]) for task in tasks]
    return round(mapped / (max(ends) - min(starts)).total_seconds(), 2)


def figures_of(per_s: dict[str, float]) -> list[Figure]:
    """Return each way's rate, and ours beside each."""
    others = [name for name in AIMS if name in per_s]
    return [
        *(Figure(name=name, value=round(per_s[name], 2), unit="contacts/s") for name in others),
        *(
            Figure(
                name=f"beside_{name}",
                value=round(per_s["ours"]),
                unit="contacts/s",
                peer=PEERS[name],
                ratio=per_s["ours"] / per_s[name],
                least_ratio=AIMS[name],
            )
            for name in others
        ),
    ]


def main() -> int:
    """Compare, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mapped", type=int, default=50)
    options = parser.parse_args()
    per_s = compare(options.contacts, options.rounds)
    if options.mapped:
        per_s["http_operator"] = expanded_per_s(options.mapped)
    return keep("send_peers", figures_of(per_s), options)


if __name__ == "__main__":
    sys.exit(main())
