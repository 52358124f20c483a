"""One Airflow for several modules in turn: to start another one takes longer than to empty this one."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from databases import empty_database
from receiver import Answer, running_receiver
from system.airflow_cluster import Databases, airflow_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from receiver import Receiver
    from system.airflow_cluster import AirflowCluster

_VARIABLES = {
    # A watcher is started when a file is read
    # after its DAG was unpaused, and ends when one is read after it was paused.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    # On a busy machine Airflow's API answers a task that begins later than within the five seconds it usually has.
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
}


@dataclass(frozen=True)
class SharedAirflow:
    """An Airflow that is lent to one module after another.

    :ivar receiver: what ``promo_profile_api`` and ``promo_gate`` lead to
    """

    cluster: AirflowCluster
    receiver: Receiver
    server: str = field(repr=False)
    databases: Databases
    promo_template: str

    @contextmanager
    def lent(self, dags: Mapping[str, str], include: Mapping[str, str] | None = None) -> Iterator[AirflowCluster]:
        """Give the Airflow away with an empty store until the block ends; then nothing is left of what it ran.

        :param dags: text of DAG files by name
        :param include: text of files below ``include`` by name, beside the checkout's
        """
        empty_database(self.server, self.databases.promo, self.promo_template)
        self.receiver.received.clear()
        self.receiver.answer = lambda _: Answer()
        folder = self.cluster.include.parent
        texts = {folder / "include" / name: text for name, text in (include or {}).items()}
        texts |= {folder / "dags" / name: text for name, text in dags.items()}
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        try:
            yield self.cluster
        finally:
            self._rest()
            _remove(texts)
            self._forget()

    def _rest(self) -> None:
        """End all runs, and wait until no trigger watches for events any more."""
        for dag_id in self._dags():
            self.cluster.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": True})
            self.cluster.api.abandon_runs(dag_id)
        self.cluster.wait("nothing is watched", lambda: not self._count("trigger"))
        self.cluster.wait("no task runs", lambda: not self._count("task_instance where state = 'running'"))

    def _forget(self) -> None:
        """Wait until Airflow misses the files, and let it forget what was in them."""
        self.cluster.wait("the files are missed", lambda: not self._dags() and not self.cluster.api.import_errors())
        for dag_id in self._dags(stale=True):
            self.cluster.call("DELETE", f"/api/v2/dags/{dag_id}")

    def _dags(self, *, stale: bool = False) -> list[str]:
        found = self.cluster.call("GET", f"/api/v2/dags?exclude_stale={'false' if stale else 'true'}")
        return [dag["dag_id"] for dag in found["dags"]]

    def _count(self, rows: str) -> int:
        with psycopg.connect(self.databases.airflow) as connection:
            ((count,),) = connection.execute(f"select count(*) from {rows}").fetchall()  # noqa: S608  (texts of this module)
        return int(count)


def _remove(paths: Mapping[Path, str]) -> None:
    for path in paths:
        path.unlink()
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)


@contextmanager
def shared_airflow(folder: Path, server: str, databases: Databases, promo_template: str) -> Iterator[SharedAirflow]:
    """Run an Airflow without a DAG until the block ends.

    :param folder: an empty folder for all its state
    :param server: the DSN of the databases' server
    :param promo_template: the database that each module's store is a copy of
    """
    with running_receiver() as receiver:
        leads_there = {f"AIRFLOW_CONN_PROMO_{name}": receiver.connection for name in ("PROFILE_API", "GATE")}
        with airflow_cluster(folder, {}, _VARIABLES | leads_there, databases=databases) as cluster:
            yield SharedAirflow(cluster, receiver, server, databases, promo_template)
