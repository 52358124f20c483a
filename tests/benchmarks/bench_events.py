"""Events through a real Airflow: how soon each one's message is accepted, and how a backlog is worked off.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_events.py --rate 50 --seconds 120 --backlog 100000

Events are posted one by one over HTTP at a steady rate, each about another contact; the DAG is
``dags/promo_code_on_event.py`` as it stands, and the receiver of its messages is the inbox. A message's delay is from
the event's arrival at the API to the message's at the inbox, by one clock. The backlog is put into the store while the
DAG is paused.

Exit status 1 when an aim is missed: 95 % of the messages within 10 s, and the backlog in fewer than 100 DAG runs.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from benchmarks.figures import Figure, keep
from integration.scenario import add_codes, add_contacts
from promo_campaigns.contacts.store import create_field
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.local_airflow.ports import free_port
from promo_campaigns.local_airflow.supervisor import Service
from promo_campaigns.postgres.connection import connect
from system.airflow_cluster import CHECKOUT, airflow_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection
    from system.airflow_cluster import AirflowCluster

DAG = "promo_code_on_event"
KEY = "a-key-for-the-benchmark"
MOST_DELAY_S = 10.0
MOST_RUNS = 100
DELAYS = """
select percentile_cont(array[0.5, 0.95, 0.99, 1.0])
         within group (order by extract(epoch from m.received_at - e.received_at)) as delays
from promo.event e join promo.inbox_message m using (contact_id) where e.event_id > %s
"""


@contextmanager
def running(contacts: int) -> Iterator[tuple[AirflowCluster, str]]:
    """Run Airflow with the DAG and a profile API beside it, over so many contacts."""
    port = free_port(18090)
    here = {"conn_type": "http", "host": "127.0.0.1", "port": port, "password": KEY}
    here["extra"] = {"allow_insecure": True, "allow_private": True}
    variables = {"AIRFLOW_CONN_PROMO_PROFILE_API": json.dumps(here), "PROMO_PROFILE_API_KEY": KEY}
    dag = (CHECKOUT / "dags" / f"{DAG}.py").read_text(encoding="utf-8")
    with (
        tempfile.TemporaryDirectory(prefix="promo-bench-") as folder,
        airflow_cluster(Path(folder), {f"{DAG}.py": dag}, variables) as cluster,
    ):
        command = [sys.executable, "-m", "promo_campaigns.cli", "profile-api", "--port", str(port)]
        with connect(cluster.promo_dsn) as store:
            create_field(store, "Promo code", "textfield", field_id=12345)
            add_contacts(store, contacts)
            add_codes(store, contacts)
        api = Service("profile-api", [*command, "--dsn", cluster.promo_dsn], rank=2)
        cluster.supervisor.start(api, cluster.environment)
        cluster.unpause(DAG)
        with connect(cluster.promo_dsn) as store:
            cluster.wait("the workflow listens", lambda: listens(store))
        yield cluster, f"http://127.0.0.1:{port}/api/v2/event"


def listens(store: Connection) -> bool:
    """Return whether events wait for the workflow."""
    return bool(store.execute("select from promo.event_listener").fetchall())


def number(store: Connection, query: str, *parameters: object) -> int:
    """Return the one number a query yields."""
    row = store.execute(query, parameters).fetchone()
    return int(next(iter(row.values())) or 0) if row else 0


async def post_steadily(url: str, contact_ids: list[int], rate: float) -> None:
    """Post an event for each contact, evenly over time, whatever the answers take."""
    signed = {"Authorization": f"Basic {base64.b64encode(f'bench:{KEY}'.encode()).decode()}"}
    async with aiohttp.ClientSession(headers=signed) as session:

        async def post(contact_id: int) -> None:
            event = {"eventTypeKey": "OrderPaid", "params": {"contactId": contact_id, "order": f"A-{contact_id}"}}
            async with session.post(url, json=event) as answer:
                answer.raise_for_status()

        started, posts = time.monotonic(), []
        for place, contact_id in enumerate(contact_ids):
            await asyncio.sleep(max(0.0, started + place / rate - time.monotonic()))
            posts.append(asyncio.create_task(post(contact_id)))
        await asyncio.gather(*posts)


def measure_steady(cluster: AirflowCluster, url: str, *, rate: float, seconds: int) -> dict[str, Any]:
    """Post at the rate for so long, and return the delays of all messages."""
    with connect(cluster.promo_dsn) as store:
        rows = store.execute(
            "select contact_id from promo.contact order by 1 limit %s", [int(rate * seconds)]
        ).fetchall()
        before = number(store, "select max(event_id) from promo.event")
        asyncio.run(post_steadily(url, [row["contact_id"] for row in rows], rate))
        cluster.wait(
            "all messages", lambda: number(store, "select count(*) from promo.inbox_message") >= len(rows), seconds=600
        )
        found = store.execute(DELAYS, [before]).fetchone()
        assert found is not None
        runs = number(store, "select count(*) from promo.run")
    p50, p95, p99, worst = (round(delay, 2) for delay in found["delays"])
    return {"events": len(rows), "p50_s": p50, "p95_s": p95, "p99_s": p99, "worst_s": worst, "runs": runs}


def measure_backlog(cluster: AirflowCluster, events: int) -> dict[str, Any]:
    """Let so many events wait, wake the DAG, and return how they were worked off."""
    cluster.call("PATCH", f"/api/v2/dags/{DAG}", {"is_paused": True})
    with connect(cluster.promo_dsn) as store:
        before = number(store, "select count(*) from promo.inbox_message")
        runs_before = number(store, "select count(*) from promo.run")
        dag_runs_before = dag_runs(cluster)
        store.execute(
            "with added as (insert into promo.event (type, key, contact_id, params, token)"
            "  select 'OrderPaid', contact_id::text, contact_id, '{}', gen_random_uuid()"
            "  from (select contact_id from promo.contact order by contact_id desc limit %s) c"
            "  returning event_id, contact_id, received_at)"
            " insert into promo.event_queue (event_id, workflow, contact_id, received_at)"
            " select event_id, %s, contact_id, received_at from added",
            [events, DAG],
        )
        cluster.api.unpause(DAG)
        started = time.monotonic()
        query = "select count(*) from promo.inbox_message"
        cluster.wait("the backlog", lambda: number(store, query) >= before + events, seconds=3000)
        seconds = time.monotonic() - started
        runs = number(store, "select count(*) from promo.run") - runs_before
    return {
        "events": events,
        "seconds": round(seconds),
        "per_s": round(events / seconds),
        "runs": runs,
        "dag_runs": dag_runs(cluster) - dag_runs_before,
    }


def dag_runs(cluster: AirflowCluster) -> int:
    """Count the DAG's runs, whatever became of them."""
    return int(cluster.call("GET", f"/api/v2/dags/{DAG}/dagRuns?limit=1")["total_entries"])


def figures_of(steady: dict[str, Any], backlog: dict[str, Any]) -> list[Figure]:
    """Return what the steady rate and the backlog say."""
    figures = [
        Figure(name=name, value=steady[f"{name}_s"], unit="s from event to message", most=most)
        for name, most in (("p50", None), ("p95", MOST_DELAY_S), ("p99", None), ("worst", None))
    ]
    if backlog:
        figures += [
            Figure(name="backlog", value=backlog["per_s"], unit="events/s"),
            Figure(name="backlog_dag_runs", value=backlog["dag_runs"], unit="DAG runs", most=MOST_RUNS - 1),
        ]
    return figures


def main() -> int:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--backlog", type=int, default=100_000)
    args = parser.parse_args()
    with running(int(args.rate * args.seconds) + args.backlog) as (cluster, url):
        steady = measure_steady(cluster, url, rate=args.rate, seconds=args.seconds)
        backlog = measure_backlog(cluster, args.backlog) if args.backlog else {}
        with connect(cluster.promo_dsn) as store:
            broken = check_invariants(store)
    assert not broken, broken
    return keep("events", figures_of(steady, backlog), args)


if __name__ == "__main__":
    sys.exit(main())
