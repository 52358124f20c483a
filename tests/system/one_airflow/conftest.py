"""Fixtures of the modules that share an Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cores import use_all
from databases import database_of, new_database
from promo_campaigns.postgres.connection import connect
from system.airflow_cluster import Databases
from system.shared_airflow import shared_airflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver
    from system.airflow_cluster import AirflowCluster
    from system.shared_airflow import SharedAirflow


@pytest.fixture(scope="package")
def airflow(
    postgres_server: str, airflow_template: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SharedAirflow]:
    """Return the Airflow of all these modules, which lends itself to one of them at a time."""
    use_all()
    with (
        new_database(postgres_server, "promo_airflow", template=airflow_template) as of_airflow,
        new_database(postgres_server, "promo_package", template=migrated_template) as of_promo,
    ):
        databases = Databases(database_of(postgres_server, of_airflow), database_of(postgres_server, of_promo))
        folder = tmp_path_factory.mktemp("airflow")
        with shared_airflow(folder, postgres_server, databases, migrated_template) as running:
            yield running


@pytest.fixture(scope="module")
def receiver(airflow: SharedAirflow) -> Receiver:
    """Return the receiver of profile writes and of messages, the ground truth."""
    return airflow.receiver


@pytest.fixture
def store(cluster: AirflowCluster) -> Iterator[Connection]:
    """Return the store of the Airflow under test."""
    with connect(cluster.promo_dsn) as connection:
        yield connection
