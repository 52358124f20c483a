"""What a stranger's terminal knows when it is opened."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from promo_campaigns.local_airflow.ports import free_port
from promo_campaigns.postgres.embedded.binaries import find_binaries

_NOT_THEIRS = ("AIRFLOW", "_AIRFLOW", "PG", "PROMO", "PYTHON", "VIRTUAL_ENV")


def environment(wheels: Path, administrator: str, port: int) -> dict[str, str]:
    """Return a reader's environment: nothing of ours, and ports that nobody else has.

    :param wheels: stands for the index that has the package
    """
    theirs = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)}
    ours = str(Path(sys.executable).parent)
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder != ours]
    return theirs | {
        "PATH": os.pathsep.join([*folders, str(find_binaries().bin)]),
        "PIP_FIND_LINKS": f"{os.environ.get('PIP_FIND_LINKS', '')} {wheels}".strip(),
        "PGPASSWORD": urlsplit(administrator).password or "",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port(port + 1)),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port(port + 60)),
    }
