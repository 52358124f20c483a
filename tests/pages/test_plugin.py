"""What Airflow is told of the pages, and that a fault of ours leaves Airflow's own as they are."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.plugin import PromoCampaignsPlugin
from promo_campaigns.ui import registration, static_files

if TYPE_CHECKING:
    from pathlib import Path

BROWSER_NAMES = {
    *("Request", "Response", "Image", "Audio", "Event", "Map", "Text", "Range", "Option", "Lock", "Plugin"),
    *("Selection", "History", "Notification"),
}
"""Globals of a browser: an app of one of these names is never loaded."""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of files with every entry in it."""
    for name in ("promo.js", "icon.svg"):
        (tmp_path / name).write_text(f"// {name}")
    monkeypatch.setattr(static_files, "STATIC", tmp_path)
    monkeypatch.setattr(registration, "STATIC", tmp_path)
    static_files.version.cache_clear()
    return tmp_path


def test_the_pages_are_in_the_navigation_on_dags_on_runs_and_on_the_first_page(built: Path) -> None:
    apps = registration.react_apps()
    assert built.is_dir()
    assert {app["destination"] for app in apps} == {"nav", "dag", "dag_run", "dashboard"}
    for unique in ("name", "url_route"):
        assert len({app[unique] for app in apps}) == len(apps)
    assert not BROWSER_NAMES & {app["name"] for app in apps}
    for app in apps:
        assert not app["bundle_url"].startswith("/")  # Airflow may have a base path
        assert not app["url_route"].startswith("/")


def test_the_path_of_the_files_changes_with_any_of_them(built: Path) -> None:
    before = registration.react_apps()[0]["bundle_url"]
    static_files.version.cache_clear()
    assert registration.react_apps()[0]["bundle_url"] == before
    (built / "kit.js").write_text("export const one = 1")
    static_files.version.cache_clear()
    assert registration.react_apps()[0]["bundle_url"] != before


def test_a_package_without_the_modules_offers_no_pages(built: Path) -> None:
    (built / "promo.js").unlink()
    assert registration.react_apps() == []


def test_a_fault_of_the_pages_leaves_airflow_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "promo_campaigns.ui.app", None)  # as if an import of it failed
    assert PromoCampaignsPlugin().fastapi_apps == []
    assert "left out" in caplog.text


def test_a_part_of_airflow_without_pages_loads_none_of_them() -> None:
    code = (
        "import sys; from promo_campaigns.plugin import PromoCampaignsPlugin; PromoCampaignsPlugin();"
        "sys.exit(any(name.startswith(('promo_campaigns.ui', 'psycopg')) for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("airflow_database")
def test_airflow_mounts_the_routes() -> None:
    from airflow.api_fastapi.app import create_app, purge_cached_app
    from starlette.testclient import TestClient

    purge_cached_app()
    client = TestClient(create_app(apps="core"))
    assert client.get("/promo/api/me").status_code == 401
    assert client.get("/promo/openapi.json").json()["info"]["title"] == "Promo campaigns"
