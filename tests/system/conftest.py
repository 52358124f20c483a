"""Fixtures of the tests that need a real Airflow."""

from __future__ import annotations

import pytest

from cores import use_all


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Make Airflow's own database, an SQLite file that goes with the session."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="module", autouse=True)
def every_core() -> None:
    """Give Airflow, which is many processes, every core, wherever the tests before had put this one."""
    use_all()
