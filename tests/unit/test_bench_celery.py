"""What the benchmarks of Celery and of partitions stand on."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.bench_celery import heard, running_redis
from benchmarks.partitioned_store import told_the_run
from promo_campaigns.ledger import ledger
from promo_campaigns.local_airflow.layout import Layout
from promo_campaigns.local_airflow.supervisor import Service, Supervisor
from promo_campaigns.postgres.embedded.processes import session_members
from receiver import Received, Receiver
from system.airflow_cluster import AirflowCluster

if TYPE_CHECKING:
    from pathlib import Path

PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); import time; time.sleep(600)"


def test_without_redis_the_benchmark_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="apt-get install redis-server"), running_redis():
        pass


def test_what_the_receiver_was_told_is_read_once() -> None:
    receiver = Receiver()
    profiles = [{"externalCustomerId": str(who), "fields": [{"id": 1, "value": f"CODE-{who}"}]} for who in (1, 2)]
    receiver.received.append(Received(method="POST", path="/", headers={}, body=json.dumps(profiles).encode()))
    assert heard(receiver) == [("1", "CODE-1"), ("2", "CODE-2")]
    assert heard(receiver) == []


def test_the_attempts_whose_outcome_is_recorded_are_told_by_their_run_as_long_as_it_is_asked_for() -> None:
    today = ledger._ATTEMPT["record_outcomes"]  # noqa: SLF001  (what the product runs)
    with told_the_run():
        assert "t.run_id = %(run_id)s;" in ledger._ATTEMPT["record_outcomes"]  # noqa: SLF001
    assert ledger._ATTEMPT["record_outcomes"] == today  # noqa: SLF001


def test_a_service_is_killed_with_all_that_it_has_started(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    supervisor = Supervisor(layout)
    child = "import sys, time; print('child', flush=True); time.sleep(600)"
    supervisor.start(Service("worker-0", [sys.executable, "-c", PARENT.format(child=child)], rank=0), os.environ)
    cluster = AirflowCluster("http://127.0.0.1:1", "", "", supervisor, {}, tmp_path)
    (worker,) = cluster.started("worker")
    try:
        cluster.wait("its child runs", lambda: "child" in worker.log.read_text(), 60)
        cluster.kill(worker)
        assert session_members(worker.process.pid) == []
        assert cluster.started("worker") == []
        supervisor.check()
    finally:
        supervisor.stop(lambda: True)
