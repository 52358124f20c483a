"""Who may ask which route where FAB is Airflow's auth manager: the same as in the simple one, by its own four roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from pages.campaign import half_sent
from pages.matrix import ACT, EXPORT, HOLDERS, REVEAL, ROUTES, VIEW, ask
from pages.pages_site import HOST, Browser, airflow_with_pages
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = {"viewer": "Viewer", "user": "User", "op": "Op", "admin": "Admin"}
"""Airflow's simple roles, and FAB's."""
PERMISSIONS = {
    VIEW: [("can_read", "DAGs"), ("can_read", "DAG Runs")],
    ACT: [("can_edit", "DAGs"), ("can_create", "DAG Runs")],
    REVEAL: [("can_read", "Connections")],
    EXPORT: [("can_edit", "Connections")],
}
"""What docs/pages.md says a role of one's own needs: for viewing, and besides for each other right."""
SETTINGS = {
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "AIRFLOW__API_AUTH__JWT_SECRET": "a key of these tests, as long as the algorithm asks for at the least",
    "AIRFLOW__API__SECRET_KEY": "a key of these tests, as long as the algorithm asks for at the least",
}

pytestmark = pytest.mark.filterwarnings("ignore")  # FAB still uses what Alembic, Starlette and Flask give up


@pytest.fixture(scope="module")
def browsers(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Browser]]:
    """Return a browser for each role, over a half-sent campaign."""
    inbox = {"AIRFLOW_VAR_PROMO_CODE_INBOX": str(tmp_path_factory.mktemp("inbox"))}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (SETTINGS | inbox).items():
            patched.setenv(name, value)
        from airflow.utils.db import initdb

        initdb()
        with connect(module_dsn) as store:
            half_sent(store)
        airflow, pages = airflow_with_pages(module_dsn)
        tokens = _tokens()
        with TestClient(airflow, base_url=HOST, raise_server_exceptions=False) as client:
            yield {role: Browser(client, token=token) for role, token in tokens.items()}
        pages.state.store.close()


def _tokens() -> dict[str, str]:
    """Make a user of each role of FAB's and of each made for one right, and return what Airflow gives who signs in."""
    from airflow.api_fastapi.app import get_auth_manager

    manager: Any = get_auth_manager()
    manager.get_fastapi_app()  # it makes FAB's roles
    with manager.flask_app.app_context():
        security = manager.security_manager
        roles = {name: security.find_role(role) for name, role in ROLES.items()}
        for right, permissions in PERMISSIONS.items():
            roles[f"only {right}"] = own = security.add_role(f"only {right}")
            for permission in {*PERMISSIONS[VIEW], *permissions}:
                security.add_permission_to_role(own, security.get_permission(*permission))
        made = {
            name: security.add_user(name, name, "Person", f"{name}@example.com", role, "password")
            for name, role in roles.items()
        }
        return {name: manager.generate_jwt(user) for name, user in made.items()}


@pytest.mark.short
@pytest.mark.parametrize("route", ROUTES)
def test_a_route_is_answered_to_whom_its_right_is_given(browsers: dict[str, Browser], route: str) -> None:
    answers = {role: ask(browser, route) for role, browser in browsers.items()}
    granted = {role for role, answer in answers.items() if answer.status_code not in {401, 403}}
    own = {f"only {right}" for right in PERMISSIONS if ROUTES[route] in {VIEW, right}}
    assert granted == HOLDERS[ROUTES[route]] | own, {role: answer.text for role, answer in answers.items()}
    assert max(answer.status_code for answer in answers.values()) < 500


def test_viewers_and_users_are_shown_no_plugin_until_a_role_lets_them(browsers: dict[str, Browser]) -> None:
    """What docs/pages.md tells an administrator to do."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView

    manager: Any = get_auth_manager()
    with manager.flask_app.app_context():
        security = manager.security_manager
        role = security.add_role("Promo")
        security.add_permission_to_role(role, security.get_permission("can_read", "Plugins"))
        for name in ("viewer", "user"):
            user = security.find_user(name)
            assert not manager.is_authorized_view(access_view=AccessView.PLUGINS, user=user)
            user.roles.append(role)
            security.update_user(user)
            assert manager.is_authorized_view(access_view=AccessView.PLUGINS, user=security.find_user(name))
    assert browsers["viewer"].ask("POST", "sending/stop").status_code == 403
