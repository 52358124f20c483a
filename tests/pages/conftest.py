"""Fixtures of the tests of the pages' routes: Airflow's database for its auth manager, and the routes on a store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pages.include_folder import FILES, profile_api, write_include
from pages.pages_site import running_site
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection

# Read when Airflow is first imported: its unit tests' own key is shorter than the library that signs with it likes.
os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = "a key of these tests, as long as the algorithm asks for at the least"


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Make Airflow's own database, an SQLite file that goes with the session."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="module")
def empty_airflow_database(airflow_database: None) -> Iterator[None]:  # noqa: ARG001  (it is there before it is emptied)
    """Empty Airflow's own database before a module writes to it, and after: names of DAGs and bundles come again."""
    from airflow.utils.db import resetdb

    resetdb()
    yield
    resetdb()


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that Airflow's Variable names as the inbox."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    monkeypatch.setenv("AIRFLOW_VAR_PROMO_CODE_INBOX", str(folder))
    return folder


@pytest.fixture
def site(airflow_database: None, dsn: str) -> Iterator[Site]:  # noqa: ARG001  (the auth manager reads it)
    """Return the routes on a store of this test's own."""
    with running_site(dsn) as running:
        yield running


@pytest.fixture
def store(dsn: str) -> Iterator[Connection]:
    """Return a connection to the same store."""
    with connect(dsn) as connection:
        yield connection


@pytest.fixture
def include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the include folder that this Airflow reads, with a campaign by push and one by text message."""
    write_include(tmp_path, FILES)
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", profile_api())
    return tmp_path
