"""The client of Airflow's REST API notices when another Airflow answers at the address."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.local_airflow.airflow_api import AirflowApi
from promo_campaigns.model.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def server(statuses: dict[str, int]) -> Iterator[AirflowApi]:
    """Answer each path with its status, and any other with 404."""

    class Answers(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps({"access_token": "t", "detail": "said so"}).encode()
            self.send_response(statuses.get(self.path, 404))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815  (the names http.server calls)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield AirflowApi(f"http://127.0.0.1:{listening.server_port}", "admin", "password")
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def test_an_airflow_that_does_not_know_the_password_is_another_one() -> None:
    with server({"/api/v2/version": 200, "/auth/token": 401}) as airflow:
        assert airflow.answers()
        assert not airflow.sign_in()


def test_an_airflow_that_knows_it_is_ours() -> None:
    with server({"/api/v2/version": 200, "/auth/token": 201}) as airflow:
        assert airflow.sign_in()


def test_what_is_no_airflow_or_nothing_at_all_does_not_answer() -> None:
    with server({}) as airflow:
        assert not airflow.answers()
    assert not airflow.answers()


def test_a_refusal_says_what_was_asked_and_what_was_said() -> None:
    path = "/api/v2/dags/d/dagRuns/r"
    with server({path: 500}) as airflow, pytest.raises(DemoError, match=f"GET {path} with 500: .*said so"):
        airflow.state("d", "r")


def test_a_dag_that_is_not_there_yet_is_not_known_and_no_error() -> None:
    with server({}) as airflow:
        assert not airflow.knows("not_parsed_yet")
