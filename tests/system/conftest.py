"""Fixtures of the tests that need a real Airflow."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Make Airflow's own database, an SQLite file that goes with the session."""
    from airflow.utils.db import initdb

    initdb()
