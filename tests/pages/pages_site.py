"""The pages' application behind Airflow's simple auth manager, and a browser for each of its roles."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Response

ROLES = ("viewer", "user", "op", "admin")
HOST = "http://airflow.test"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Browser:
    """Asks the routes as one user would from a page of this Airflow.

    :ivar name: how Airflow calls the user; empty for nobody
    """

    def __init__(self, client: TestClient, role: str = "", *, teams: list[str] | None = None, token: str = "") -> None:
        self.name = f"{role}@example" if role else ""
        self._client = client
        token = token or (_token(self.name, role, teams) if role else "")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, **given: Any) -> Response:  # noqa: ANN401  (httpx's own)
        """Send a request; a body is JSON unless a content type is given."""
        headers = {**SAME_ORIGIN, **self._headers, **given.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value}
        if method != "GET" and not {"json", "content"} & set(given):
            given["json"] = {}
        answer: Response = self._client.request(method, f"/promo/api/{path}", headers=headers, **given)
        return answer

    def get(self, path: str, **params: object) -> Any:  # noqa: ANN401  (whatever the JSON holds)
        """Return what a route answers; it must."""
        answer = self.ask("GET", path, params={name: str(value) for name, value in params.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: object) -> Any:  # noqa: ANN401  (likewise)
        """Return what a route answers to a JSON body; it must."""
        answer = self.ask("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Site:
    """The application, and one browser a role."""

    def __init__(self, client: TestClient, pages: FastAPI) -> None:
        self.client = client
        self.pages = pages
        self.nobody = Browser(client)
        self.viewer, self.user, self.op, self.admin = (Browser(client, role) for role in ROLES)
        self.roles = dict(zip(ROLES, (self.viewer, self.user, self.op, self.admin), strict=True))


@contextmanager
def running_site(dsn: str) -> Iterator[Site]:
    """Run the application on a store, mounted as Airflow mounts it."""
    airflow, pages = airflow_with_pages(dsn)
    # What a page is not prepared for is an answer here, too, as it is under Airflow's server.
    with TestClient(airflow, base_url=HOST, raise_server_exceptions=False) as client:
        try:
            yield Site(client, pages)
        finally:
            pages.state.store.close()


@contextmanager
def serving(dsn: str) -> Iterator[int]:
    """Serve the application as an API server does, and yield its port; requests under way come to their end."""
    airflow, pages = airflow_with_pages(dsn)
    server = uvicorn.Server(uvicorn.Config(airflow, log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
            pages.state.store.close()


def airflow_with_pages(dsn: str) -> tuple[FastAPI, FastAPI]:
    """Return an application with Airflow's auth manager, and the pages that it has mounted."""
    from airflow.api_fastapi.app import init_auth_manager

    from promo_campaigns.ui.app import create_app
    from promo_campaigns.ui.page_store import PageStore

    pages = create_app(PageStore(lambda: dsn))
    airflow = FastAPI()
    airflow.mount("/promo", pages)
    init_auth_manager(airflow)
    return airflow, pages


def token(role: str) -> str:
    """Return what Airflow gives a user of a role who signs in."""
    return _token(f"{role}@example", role, None)


def _token(name: str, role: str, teams: list[str] | None) -> str:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role, teams=teams))
