"""Client of Airflow's REST API, for the few calls that the demo and the tests make."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from promo_campaigns.model.errors import DemoError

_SECONDS = 60.0  # a server that starts on a busy machine answers slowly
_UNAUTHORIZED = 401
_CONFLICT = 409
_NOT_FOUND = 404


class AirflowApi:
    """The REST API of one Airflow.

    :param url: address of its API server, without a path
    :param user: who signs in
    :param password: the user's password
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._account = {"username": user, "password": password}
        self._token = ""
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine

    def answers(self) -> bool:
        """Return whether the server answers."""
        try:
            self._call("GET", "/api/v2/version")
        except (DemoError, OSError):
            return False
        return True

    def sign_in(self) -> bool:
        """Sign in; return False if the server does not know the user, since it is another Airflow then."""
        try:
            self._token = str(self._send("POST", "/auth/token", self._account)["access_token"])
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _UNAUTHORIZED:
                    return False
                raise DemoError(_refusal("POST /auth/token", error)) from None
        return True

    def knows(self, dag_id: str) -> bool:
        """Return whether a DAG was parsed without an import error."""
        found = self._call("GET", f"/api/v2/dags/{dag_id}", missing={"has_import_errors": True})
        return not found["has_import_errors"]

    def import_errors(self) -> list[tuple[str, str]]:
        """Return the files that Airflow could not read, each with its error."""
        found = self._call("GET", "/api/v2/importErrors")
        return [(each["filename"], each["stack_trace"].strip() or "?") for each in found["import_errors"]]

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
        """Trigger a DAG run; a run with this id that exists already is left as it is."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body, accepted=_CONFLICT)

    def clear(self, dag_id: str, run_id: str) -> None:
        """Clear a DAG run, so that Airflow runs it again."""
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/clear", {"dry_run": False, "only_failed": False})

    def state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a DAG run: queued, running, success or failed."""
        return str(self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def abandon_runs(self, dag_id: str) -> None:
        """Mark the queued and running runs of a DAG as failed."""
        runs = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns?state=queued&state=running")["dag_runs"]
        for run in runs:
            path = f"/api/v2/dags/{dag_id}/dagRuns/{urllib.parse.quote(run['dag_run_id'])}"
            self._call("PATCH", path, {"state": "failed"})

    def failed_tasks(self, dag_id: str, run_id: str) -> list[str]:
        """Return the failed tasks of a DAG run, each as the path of its log below the log folder."""
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?state=failed")
        return [
            f"dag_id={dag_id}/run_id={run_id}/task_id={each['task_id']}"
            + (f"/map_index={each['map_index']}" if each["map_index"] >= 0 else "")
            + f"/attempt={each['try_number']}.log"
            for each in found["task_instances"]
        ]

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        missing: dict[str, Any] | None = None,
        accepted: int = 0,
    ) -> dict[str, Any]:
        """Make a call, and return its JSON answer.

        :param missing: returned if the answer is 404; None to raise
        :param accepted: an error status that counts as success
        """
        try:
            return self._send(method, path, body)
        except urllib.error.HTTPError as error:
            with error:
                if missing is not None and error.code == _NOT_FOUND:
                    return missing
                if error.code == accepted:
                    return {}
                raise DemoError(_refusal(f"{method} {path}", error)) from None

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        request = urllib.request.Request(self._url + path, method=method)  # noqa: S310  (always http:// on this machine)
        request.add_header("Accept", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with self._opener.open(request, timeout=_SECONDS) as answer:
            content: dict[str, Any] = json.loads(answer.read())
            return content


def _refusal(call: str, error: urllib.error.HTTPError) -> str:
    said = error.read().decode(errors="replace")[:500]
    return f"Airflow refused {call} with {error.code}: {said}"
