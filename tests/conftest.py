"""What every test stands on: an environment without the developer's own settings, and a real Postgres.

PROMO_TEST_DSN reuses a server that runs already; its databases are left alone, each test makes and drops its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]  # it has no types

from cores import core, stay_on
from databases import database_of, in_memory, new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receiver import Receiver

AIRFLOW = "tests/system/"
_KEPT = ("PROMO_TEST_DSN", "PROMO_PG_BIN")

for _name in list(os.environ):
    if _name.startswith(("AIRFLOW", "_AIRFLOW", "PROMO", "PG")) and _name not in _KEPT:
        del os.environ[_name]

# Airflow reads these when it is first imported, and would otherwise make files in the developer's home.
_AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="promo-airflow-"))
os.environ |= {
    "AIRFLOW_HOME": str(_AIRFLOW_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parents[1] / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_AIRFLOW_HOME}/airflow.db",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    # Unit-test mode turns this on, and production has it off.
    "AIRFLOW__SCHEDULER__CREATE_CRON_DATA_INTERVALS": "False",
}


# A property holds or does not, however slow the machine is that looks for a case against it.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


class OneWorkerForAirflow(LoadScopeScheduling):  # type: ignore[misc]  # likewise
    """Gives a worker of its own to what starts an Airflow; each other file stays together."""

    def _split_scope(self, nodeid: str) -> str:
        return AIRFLOW if AIRFLOW in nodeid else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneWorkerForAirflow:
    """Say how bin/test shares the tests out."""
    return OneWorkerForAirflow(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the worker that waits the longest begin first."""
    items.sort(key=lambda item: AIRFLOW not in item.nodeid)


def pytest_unconfigure() -> None:
    """Remove what Airflow wrote."""
    shutil.rmtree(_AIRFLOW_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Return the DSN of a server's maintenance database, as an account that may create databases."""
    stay_on(core(int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))))
    named = os.environ.get("PROMO_TEST_DSN")
    if named:
        yield database_of(named, "postgres")
        return
    from promo_campaigns.postgres.embedded.server import throwaway_postgres

    with throwaway_postgres(in_memory()) as server:
        yield server.dsn("postgres")


@pytest.fixture(scope="session")
def empty_database(postgres_server: str) -> Iterator[str]:
    """Return the DSN of a database without a table, shared by the session."""
    with new_database(postgres_server, "promo_empty") as name:
        yield database_of(postgres_server, name)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> Iterator[str]:
    """Return the name of a database with the product's schema, to be copied and not connected to."""
    from promo_campaigns.postgres.migrations import migrate

    with new_database(postgres_server, "promo_template") as name:
        migrate(database_of(postgres_server, name))
        yield name


@pytest.fixture
def dsn(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """Return the DSN of a database of this test's own, with the product's schema and no rows but the schema's."""
    with new_database(postgres_server, "promo_test", template=migrated_template) as name:
        yield database_of(postgres_server, name)


@pytest.fixture
def bare_dsn(postgres_server: str) -> Iterator[str]:
    """Return the DSN of a database of this test's own, without a schema."""
    with new_database(postgres_server, "promo_bare") as name:
        yield database_of(postgres_server, name)


@pytest.fixture(scope="module")
def module_dsn(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """Return the DSN of a database of this module's own, with the product's schema."""
    with new_database(postgres_server, "promo_module", template=migrated_template) as name:
        yield database_of(postgres_server, name)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a real HTTP receiver on loopback."""
    from receiver import running_receiver

    with running_receiver() as running:
        yield running
