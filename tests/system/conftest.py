"""Fixtures of the tests that need a real Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cores import use_all
from databases import database_of, new_database
from system.airflow_cluster import Databases, migrate_airflow

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Make Airflow's own database, an SQLite file that goes with the session."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="module", autouse=True)
def every_core() -> None:
    """Give Airflow, which is many processes, every core, wherever the tests before had put this one."""
    use_all()


@pytest.fixture(scope="session")
def airflow_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of a database with Airflow's schema, to be copied and not connected to."""
    with new_database(postgres_server, "promo_airflow_template") as name:
        migrate_airflow(tmp_path_factory.mktemp("airflow-template"), database_of(postgres_server, name))
        yield name


@pytest.fixture(scope="module")
def databases(postgres_server: str, airflow_template: str, migrated_template: str) -> Iterator[Databases]:
    """Return the two databases of a module's own Airflow: to make their schemas anew takes as long as to start it."""
    with (
        new_database(postgres_server, "promo_airflow", template=airflow_template) as airflow,
        new_database(postgres_server, "promo_module", template=migrated_template) as promo,
    ):
        yield Databases(database_of(postgres_server, airflow), database_of(postgres_server, promo))
