"""The processes of a local Airflow, and their environment."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.local_airflow.credentials import USER, write_private
from promo_campaigns.local_airflow.supervisor import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.local_airflow.credentials import Credentials
    from promo_campaigns.local_airflow.layout import Layout

_STRIPPED = ("AIRFLOW", "_AIRFLOW", "PROMO", "PG")
_PARALLEL_TASKS = 6
_SCHEDULER_IDLE_SECONDS = 0.2


@dataclass(frozen=True)
class Addresses:
    """Ports and DSNs of the processes, all on 127.0.0.1."""

    ui_port: int
    profile_api_port: int
    airflow_dsn: str
    promo_dsn: str

    @property
    def ui(self) -> str:
        """Address of Airflow's pages."""
        return f"http://127.0.0.1:{self.ui_port}"


def airflow_command(*arguments: str) -> list[str]:
    """Return the command line that runs ``airflow`` with these arguments."""
    return [sys.executable, "-m", "airflow", *arguments]


def forking_command(*arguments: str) -> list[str]:
    """Return the command line of a component that forks, which loads first what each fork needs."""
    return [sys.executable, "-m", "promo_campaigns.local_airflow.preloaded", *arguments]


def airflow_services() -> list[Service]:
    """Return Airflow's four components. Task logs are read from the disk, so no log server listens anywhere.

    Stopping waits longest for the scheduler, which lets running tasks end; those need the API server until then.
    """
    return [
        Service("api-server", airflow_command("api-server"), rank=2, patience=2),
        Service("dag-processor", forking_command("dag-processor"), rank=1, patience=2),
        Service("scheduler", forking_command("scheduler", "--skip-serve-logs"), rank=1, patience=10),
        Service("triggerer", airflow_command("triggerer", "--skip-serve-logs"), rank=1, patience=2),
    ]


def profile_api_service(addresses: Addresses) -> Service:
    """Return the service of the profile API; it reads its database and key from the environment."""
    command = [sys.executable, "-m", "promo_campaigns.cli", "profile-api"]
    return Service("profile-api", [*command, "--host", "127.0.0.1", "--port", str(addresses.profile_api_port)], rank=2)


def environment(layout: Layout, credentials: Credentials, addresses: Addresses) -> dict[str, str]:
    """Return the environment of every process: the caller's, with its Airflow settings replaced by this one's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_STRIPPED)}
    return kept | _machine(kept) | _airflow(layout, credentials, addresses) | _promo(layout, credentials, addresses)


def keep_environment(layout: Layout, variables: Mapping[str, str]) -> None:
    """Keep the settings that the processes are started with, for ``bin/airflow``."""
    write_private(layout.environment, {name: text for name, text in variables.items() if name.startswith(_STRIPPED)})


def _machine(inherited: Mapping[str, str]) -> dict[str, str]:
    bin_folder = str(Path(sys.executable).parent)
    exceptions = ",".join(filter(None, (inherited.get("NO_PROXY", inherited.get("no_proxy")), "127.0.0.1,localhost")))
    settings = {
        "PATH": f"{bin_folder}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": exceptions,
        "no_proxy": exceptions,
    }
    if sys.platform == "darwin":
        # On macOS a look-up of proxies or Objective-C classes crashes a forked process, and Airflow forks.
        settings |= {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES", "NO_PROXY": "*", "no_proxy": "*"}
    return settings


def _airflow(layout: Layout, credentials: Credentials, addresses: Addresses) -> dict[str, str]:
    sections: dict[str, dict[str, object]] = {
        "API": {
            "BASE_URL": addresses.ui,
            "HOST": "127.0.0.1",
            "PORT": addresses.ui_port,
            "SECRET_KEY": credentials.api_secret,
            "WORKERS": 1,
        },
        "API_AUTH": {"JWT_SECRET": credentials.jwt_secret},
        "CORE": {
            "DAGS_FOLDER": layout.checkout / "dags",
            "EXECUTION_API_SERVER_URL": f"{addresses.ui}/execution/",
            "EXECUTOR": "LocalExecutor",
            "FERNET_KEY": credentials.fernet_key,
            "LOAD_EXAMPLES": False,
            "PARALLELISM": _PARALLEL_TASKS,
            "PLUGINS_FOLDER": layout.checkout / "plugins",
            "SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": layout.credentials,
            "SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        },
        "DATABASE": {"SQL_ALCHEMY_CONN": addresses.airflow_dsn.replace("postgresql://", "postgresql+psycopg2://", 1)},
        "DAG_PROCESSOR": {"REFRESH_INTERVAL": 15},
        "SCHEDULER": {"SCHEDULER_IDLE_SLEEP_TIME": _SCHEDULER_IDLE_SECONDS},
        # A worker that misses the end of its task notices at the next heartbeat, and keeps its slot until then.
        "WORKERS": {"MIN_HEARTBEAT_INTERVAL": 1},
    }
    settings = {"AIRFLOW_HOME": str(layout.airflow)}
    for section, names in sections.items():
        settings |= {f"AIRFLOW__{section}__{name}": str(value) for name, value in names.items()}
    return settings


def _promo(layout: Layout, credentials: Credentials, addresses: Addresses) -> dict[str, str]:
    profile_api = {
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": addresses.profile_api_port,
        "login": "demo",
        "password": credentials.profile_api_key,
        "extra": {"allow_insecure": True, "allow_private": True},  # it is on this machine
    }
    return {
        "AIRFLOW_CONN_PROMO_DB": addresses.promo_dsn.replace("postgresql://", "postgres://", 1),
        "AIRFLOW_CONN_PROMO_PROFILE_API": json.dumps(profile_api),
        "AIRFLOW_VAR_PROMO_CODE_INBOX": str(layout.code_files),
        "AIRFLOW__PROMO_CAMPAIGNS__PREVIEW_FOLDER": str(layout.previews),
        "PROMO_PROFILE_API_KEY": credentials.profile_api_key,
    }
