"""Every route of the pages, and the right it asks for. A route that is not here fails the tests.

``{name}`` is filled in from ``PLACES``; a route that needs more to be asked has it in ``GIVEN``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from httpx import Response

    from pages.pages_site import Browser

VIEW, ACT, REVEAL, EXPORT = "view", "act", "reveal", "export"
HOLDERS = {
    VIEW: {"viewer", "user", "op", "admin"},
    ACT: {"user", "op", "admin"},
    REVEAL: {"op", "admin"},
    EXPORT: {"op", "admin"},
}
"""The roles of Airflow's simple auth manager that have each right."""

OPEN = {"/openapi.json", "/static"}
"""What nobody signs in for: the description of the routes, and the files of the pages."""

ROUTES = {
    # every page
    "GET /me": VIEW,
    "GET /strip": VIEW,
    # runs
    "GET /runs": VIEW,
    "GET /runs/by-dag-run": VIEW,
    "GET /runs/{run_id}": VIEW,
    "GET /runs/{run_id}/people": VIEW,
    "GET /runs/{run_id}/cancel/effect": ACT,
    "POST /runs/{run_id}/cancel": ACT,
    "POST /runs/{run_id}/pause": ACT,
    "POST /runs/{run_id}/resume": ACT,
    "GET /runs/{run_id}/again/effect": ACT,
    "POST /runs/{run_id}/again": ACT,
    "GET /runs/{run_id}/unknown": VIEW,
    "GET /runs/{run_id}/unknown/effect": ACT,
    "POST /runs/{run_id}/unknown": ACT,
    "POST /sending/stop": ACT,
    "POST /sending/start": ACT,
    # codes
    "GET /codes/stock": VIEW,
    "GET /codes/burn": VIEW,
    "GET /codes/files": VIEW,
    "GET /codes/files/{code_file_id}/rejects": VIEW,
    "GET /codes/files/{code_file_id}/rejects.csv": VIEW,
    "GET /codes/files/{code_file_id}/withdraw/effect": EXPORT,
    "POST /codes/files/{code_file_id}/withdraw": EXPORT,
    "PUT /codes/uploads": EXPORT,
    "GET /codes/uploads": VIEW,
    # who got which
    "POST /people/search": VIEW,
    "GET /people/{contact_id}/codes": VIEW,
    "GET /runs/{run_id}/people/{contact_id}": VIEW,
    "POST /runs/{run_id}/people/{contact_id}/reveal": REVEAL,
    "POST /codes/find": REVEAL,
    "POST /runs/{run_id}/export": EXPORT,
    # workflows
    "GET /workflows": VIEW,
    "GET /workflows/{dag_id}": VIEW,
    "POST /workflows/{dag_id}/message": VIEW,
    "POST /workflows/{dag_id}/dry-run": ACT,
    "GET /workflows/{dag_id}/dry-run": VIEW,
    "GET /workflows/{dag_id}/dry-run/{token}": VIEW,
    "POST /workflows/{dag_id}/test-send": ACT,
    "GET /workflows/{dag_id}/trigger/effect": ACT,
    "POST /workflows/{dag_id}/trigger": ACT,
    # the rest
    "GET /contacts/{contact_id}": VIEW,
    "GET /contacts/{contact_id}/erase/effect": EXPORT,
    "POST /contacts/{contact_id}/erase": EXPORT,
    "GET /inbox": VIEW,
    "GET /inbox/{message_id}": VIEW,
    "GET /receivers": VIEW,
    "GET /checks": VIEW,
    "POST /checks/run": ACT,
    "GET /audit": VIEW,
}

PLACES = {
    "run_id": "1",
    "contact_id": "1",
    "code_file_id": "1",
    "dag_id": "welcome",
    "message_id": "00000000-0000-0000-0000-000000000000",
    "token": "00000000-0000-0000-0000-000000000000",
}

BYTES = {"Content-Type": "application/octet-stream"}
GIVEN: dict[str, dict[str, Any]] = {
    "PUT /codes/uploads": {"params": {"name": "codes.csv"}, "content": b"code\n", "headers": BYTES},
    "GET /codes/uploads": {"params": {"names": "codes.csv"}},
    "GET /codes/burn": {"params": {"type": "Welcome", "discount": "10"}},
    "POST /workflows/{dag_id}/test-send": {"json": {"contact_ids": [1]}},
    "POST /people/search": {"json": {"text": "1"}},
    "POST /codes/find": {"json": {"code": "ONE-000001"}},
    "GET /runs/by-dag-run": {"params": {"dag_id": "welcome", "run_id": "manual__1"}},
    "GET /runs/{run_id}/again/effect": {"params": {"mode": "missing"}},
    "POST /runs/{run_id}/again": {"json": {"mode": "missing"}},
    "GET /runs/{run_id}/unknown/effect": {"params": {"decision": "accept"}},
    "POST /runs/{run_id}/unknown": {"json": {"decision": "accept", "contact_ids": "all"}},
}


def ask(browser: Browser, route: str, **given: Any) -> Response:  # noqa: ANN401  (httpx's own)
    """Ask a route as a user would, with what it needs to be asked."""
    method, path = route.split(" ")
    usual = GIVEN.get(route, {})
    headers = {**usual.get("headers", {}), **given.pop("headers", {})}
    asked = {**usual, **given, "headers": headers}
    return browser.ask(method, path.removeprefix("/").format(**PLACES), **asked)
