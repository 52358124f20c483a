"""Runs one campaign in a process of its own, with an Airflow of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
CAMPAIGN = Path(__file__).with_name("one_campaign.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a campaign ended, and everything its process printed: logs, and the fields that Airflow keeps."""

    state: str
    printed: str


def run_campaign(
    folder: Path, message: str, way: dict[str, str], connections: dict[str, object], path: Sequence[Path] = ()
) -> Ran:
    """Run a campaign over all contacts.

    :param folder: an empty folder for its state
    :param message: the text of the message file, whose name is the way's
    :param way: message, transport and its connection, as the blocks take them
    :param connections: Airflow's connections by id, as a URI or in parts
    :param path: where Python finds more packages
    """
    (folder / "dags").mkdir(parents=True)
    shutil.copy(CAMPAIGN, folder / "dags")
    files = {f"messages/{way['message']}.yaml": message, "audiences/all.sql": "select contact_id from promo.contact"}
    for name, text in files.items():
        (folder / "include" / name).parent.mkdir(parents=True)
        (folder / "include" / name).write_text(text)
    settings = {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "CAMPAIGN_WAY": json.dumps(way),
        "PYTHONPATH": os.pathsep.join(map(str, [*path, ROOT / "plugins"])),
        **{
            f"AIRFLOW_CONN_{conn_id.upper()}": parts if isinstance(parts, str) else json.dumps(parts)
            for conn_id, parts in connections.items()
        },
    }
    done = subprocess.run(
        [sys.executable, str(folder / "dags" / CAMPAIGN.name)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Ran(state=done.stdout.rpartition("\nSTATE ")[2], printed=done.stdout + done.stderr)
