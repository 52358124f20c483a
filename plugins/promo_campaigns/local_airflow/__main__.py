"""The command line of ``bin/airflow``: the command ``airflow``, on the Airflow of the demo that runs in this folder."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from promo_campaigns.local_airflow.layout import Layout
from promo_campaigns.local_airflow.services import airflow_command

_STRIPPED = ("AIRFLOW", "_AIRFLOW")
_WRONG = 2


def main() -> None:
    """Become ``airflow`` with the environment of the running demo.

    :raises SystemExit: no demo runs here
    """
    layout = Layout(Path.cwd())
    try:
        variables: dict[str, str] = json.loads(layout.environment.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        print("bin/airflow: no demo runs in this folder; start it with bin/demo", file=sys.stderr)  # noqa: T201
        sys.exit(_WRONG)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_STRIPPED)}
    command = airflow_command(*sys.argv[1:])
    os.execve(command[0], command, kept | variables)  # noqa: S606  (Airflow's own command, without a shell)


if __name__ == "__main__":
    main()
